#include "framework/layers/convolution.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "framework/core/room.hpp"
#include "framework/layers/convolution_detail.hpp"
#include "framework/layers/strided_rows.hpp"
#include "framework/parallel/column_blocks.hpp"
#include "framework/parallel/gemm_kernel.hpp"

namespace strata {
namespace {

using namespace convolution_detail;
using gemm_kernel::block_for;
using gemm_kernel::block_rows;
using gemm_kernel::HalvesA;
using gemm_kernel::max_cols_of;
using gemm_kernel::ScatteredA;
using gemm_kernel::Update;

// Fewer multiply-adds than this and the threads are not worth waking.
constexpr double least_work = 200'000;

thread_local Room<Scalar> images_here, signals_here;
thread_local Room<Scalar> transported_here;  // of whoever calls, for all threads that work for it

// Products of placed images with b, k × cols: value(point, n) = Σ_p placed[reads[p] + offset(point)]·b[p·ldb + n], a block of
// points at a time.
class PlacedProduct {
 public:
  PlacedProduct(const Patches& patches, const Scalar* placed, const Scalar* b, Index ldb, Index k, Index cols)
      : patches_(patches), placed_(placed), b_(b), ldb_(ldb), k_(k), cols_(cols) {}

  /// out = values + beta·out, if the points are the output pixels themselves.
  void into(MutView out, Scalar beta) const {
    const Update update{1, beta, beta == Scalar(0)};
    for (Index point = 0; point < patches_.points(); point += block_rows) {
      multiply(point, 0, cols_, out.data() + point, out.outerStride(), update);
    }
  }

  /// use(point, rows, col, tile) for tiles of values.
  template <class Use> void tiles(const Use& use) const {
    constexpr Index width = 128;
    alignas(64) thread_local Scalar tile[block_rows * width];
    for (Index point = 0; point < patches_.points(); point += block_rows) {
      for (Index col = 0; col < cols_; col += width) {
        const Index count = std::min(width, cols_ - col);
        multiply(point, col, count, tile, block_rows, Update{1, 0, true});
        use(point, std::min(block_rows, patches_.points() - point), col,
            MutView(tile, block_rows, count, Eigen::OuterStride<>(block_rows)));
      }
    }
  }

 private:
  void multiply(Index point, Index col, Index cols, Scalar* c, Index ldc, Update update) const {
    const Index high = vector_count(std::min(block_rows, patches_.points() - point));
    std::array<Index, gemm_kernel::max_vectors> offsets{};
    for (Index v = 0; v < high; ++v) {
      offsets[static_cast<std::size_t>(v)] = patches_.offset(point + v * vector_lanes);
    }
    const Index groups = pieces(cols, max_cols_of<ScatteredA>(static_cast<int>(high)));
    for (Index g = 0; g < groups; ++g) {
      const Index n = cols * g / groups, wide = cols * (g + 1) / groups - n;
      const ScatteredA operands{placed_, patches_.reads().data(), offsets.data(), b_ + col + n, ldb_};
      if (patches_.half_vectors()) {
        block_for<HalvesA>(high, wide)(k_, {operands, patches_.pitch()}, c + n * ldc, ldc, update);
      } else {
        block_for<ScatteredA>(high, wide)(k_, operands, c + n * ldc, ldc, update);
      }
    }
  }

  const Patches& patches_;
  const Scalar* placed_;
  const Scalar* b_;
  Index ldb_, k_, cols_;
};

// Of the whole kernel, row by row.
std::vector<Tap> taps_of(const Window& window) {
  std::vector<Tap> taps;
  for (Index row = 0; row < window.size[0]; ++row) {
    for (Index col = 0; col < window.size[1]; ++col) {
      taps.push_back({row * window.dilation[0] - window.padding[0], col * window.dilation[1] - window.padding[1]});
    }
  }
  return taps;
}

// In the padded image, tap k reaches the pixels i·stride + k·dilation: those of one remainder, from the output pixels
// i − k·dilation/stride.
struct Reached {
  Extents first, count;     // of the pixels of a remainder, in the image
  std::vector<Index> taps;  // those of the kernel that reach them
  std::vector<Tap> back;    // from where
};

Reached reached_by(const Window& window, Extents remainder, Extents image) {
  Reached reached;
  Extents steps{};
  for (std::size_t d = 0; d < 2; ++d) {
    const Index s = window.stride[d], before = std::max<Index>(0, window.padding[d] - remainder[d]);
    steps[d] = pieces(before, s);
    const Index pixel = reached.first[d] = steps[d] * s + remainder[d] - window.padding[d];
    reached.count[d] = pixel < image[d] ? (image[d] - 1 - pixel) / s + 1 : 0;
  }
  for (Index row = 0; row < window.size[0]; ++row) {
    for (Index col = 0; col < window.size[1]; ++col) {
      const Index y = row * window.dilation[0], x = col * window.dilation[1];
      if (y % window.stride[0] != remainder[0] || x % window.stride[1] != remainder[1]) continue;
      reached.taps.push_back(row * window.size[1] + col);
      reached.back.push_back({steps[0] - y / window.stride[0], steps[1] - x / window.stride[1]});
    }
  }
  return reached;
}

// Writes or adds what a tile says of the output pixels among its points; `pixels` is positions × its columns.
void take_pixels(const Patches& patches, Index point, Index rows, MutView tile, MutView pixels, Scalar beta) {
  patches.for_stretches(point, rows, [&](Index position, Index at, Index length) {
    for (Index n = 0; n < tile.cols(); ++n) {
      const Scalar* from = tile.data() + n * tile.outerStride() + at;
      Scalar* to = pixels.data() + n * pixels.outerStride() + position;
      if (beta == Scalar(0)) {
        gemm_kernel::copy_row(from, length, to);
      } else {
        for (Index j = 0; j < length; ++j) to[j] = from[j] + beta * to[j];
      }
    }
  });
}

}  // namespace

Convolution::Convolution(const Shape& image, Index maps, Index groups, const Window& window)
    : channels_(image[0]), height_(image[1]), width_(image[2]), maps_(maps), groups_(groups), window_(window),
      out_(window.output("conv2d", image)),
      patches_(channels_ / groups_, {height_, width_}, out_, window.stride, taps_of(window)) {
  Index reached = 0;
  for (Index r = 0; r < window.stride[0]; ++r) {
    for (Index c = 0; c < window.stride[1]; ++c) {
      Reached pixels = reached_by(window, {r, c}, {height_, width_});
      const auto& [rows, cols] = pixels.count;
      if (pixels.back.empty() || rows < 1 || cols < 1) continue;
      reached += rows * cols;
      phases_.push_back({pixels.first[0], pixels.first[1], pixels.count, std::move(pixels.taps),
                         Patches(maps_ / groups_, out_, pixels.count, Extents{1, 1}, pixels.back)});
    }
  }
  reaches_all_ = reached == height_ * width_;
}

double Convolution::multiply_adds() const {
  return static_cast<double>(maps_ * weight_cols()) * static_cast<double>(positions());
}

bool Convolution::worth_threads(Index samples) const {
  return multiply_adds() * static_cast<double>(samples) >= least_work;
}

void Convolution::for_samples(Index samples, FunctionRef<void(Index)> body) const {
  if (worth_threads(samples)) {
    parallel_for(samples, body);
  } else {
    for (Index b = 0; b < samples; ++b) body(b);
  }
}

void Convolution::forward(View w, View bias, View x, MutView y, Scalar beta, BlockBody done) const {
  const auto finish = [&](Index row, Index col, MutView block) {
    if (given(bias)) block.colwise() += bias.col(0).segment(row, block.rows());
    if (done) done(row, col, block);
  };
  if (dense()) {
    gemm(Op::none, w, Op::none, x, y, 1, beta, given(bias) || done ? BlockBody(finish) : BlockBody());
    return;
  }
  count_multiply_adds(multiply_adds() * static_cast<double>(x.cols()));
  const Index inputs = channels_ / groups_, outputs = maps_ / groups_;
  const Index image = height_ * width_, P = positions();
  const Patches& patches = patches_;
  for_samples(x.cols(), [&](Index b) {
    MutView pixels = part_of(y, 0, y.rows(), b, 1);
    MutView out(pixels.data(), P, maps_, Eigen::OuterStride<>(P));
    Scalar* const placed = images_here.of(patches.scratch_size(inputs));
    patches.clear(inputs, placed);
    for (Index g = 0; g < groups_; ++g) {
      patches.place(x.data() + b * x.outerStride() + g * inputs * image, inputs, placed);
      const PlacedProduct product(patches, placed, w.data() + g * outputs, w.outerStride(), weight_cols(), outputs);
      const MutView here = part_of(out, 0, P, g * outputs, outputs);
      if (patches.of_pixels()) {
        product.into(here, beta);
      } else {
        product.tiles([&](Index point, Index rows, Index col, MutView tile) {
          take_pixels(patches, point, rows, tile, part_of(here, 0, P, col, tile.cols()), beta);
        });
      }
    }
    if (given(bias)) {
      for (Index map = 0; map < maps_; ++map) out.col(map).array() += bias(map, 0);
    }
    if (done) done(0, b, pixels);
  });
}

// Writes or adds what the phase's pixels among the points of a tile get to the image.
void Convolution::put_pixels(const Phase& phase, Index point, Index rows, MutView tile, MutView image,
                             bool adds) const {
  const Patches& patches = phase.patches;
  const Index step = window_.stride[1];
  patches.for_stretches(point, rows, [&](Index position, Index at, Index length) {
    const Index row = position / phase.count[1], col = position % phase.count[1];
    const Index first = (phase.row + row * window_.stride[0]) * width_ + phase.col + col * step;
    for (Index c = 0; c < tile.cols(); ++c) {
      const Scalar* from = tile.data() + c * tile.outerStride() + at;
      Scalar* to = image.data() + c * image.outerStride() + first;
      if (adds) strided::scatter<true>(from, length, to, step);
      else strided::scatter<false>(from, length, to, step);
    }
  });
}

// The weights as (map of the group, tap of the phase) × channel of the group, row by row, phase after phase, group after group.
const Scalar* Convolution::transport(View w) const {
  const Index inputs = channels_ / groups_, outputs = maps_ / groups_, T = taps();
  Scalar* const transported = transported_here.of(w.size());
  Scalar* to = transported;
  for (const Phase& phase : phases_) {
    for (Index g = 0; g < groups_; ++g) {
      for (Index map = 0; map < outputs; ++map) {
        for (const Index t : phase.taps) {
          for (Index c = 0; c < inputs; ++c) *to++ = w(g * outputs + map, c * T + t);
        }
      }
    }
  }
  return transported;
}

// What goes back to one sample. Without `clear`, the calling thread has just pulled another one back.
void Convolution::pull_back_sample(const Scalar* transported, View dy, Index sample, bool clear, View before,
                                   MutView dx, BlockBody done) const {
  const Index inputs = channels_ / groups_, outputs = maps_ / groups_;
  const Index image = height_ * width_, P = positions();
  const bool whole = window_.stride == Extents{1, 1};  // one phase, the image itself
  const bool adds = given(before);
  MutView pixels = part_of(dx, 0, dx.rows(), sample, 1);
  if (adds && before.data() != dx.data()) pixels = before.col(sample);
  if (!adds && !reaches_all_) pixels.setZero();
  MutView out(pixels.data(), image, channels_, Eigen::OuterStride<>(image));
  for (const Phase& phase : phases_) {
    const Patches& patches = phase.patches;
    const Index k = outputs * patches.taps();
    Scalar* const placed = signals_here.of(patches.scratch_size(outputs));
    if (clear || phases_.size() > 1) patches.clear(outputs, placed);
    for (Index g = 0; g < groups_; ++g, transported += k * inputs) {
      patches.place(dy.data() + sample * dy.outerStride() + g * outputs * P, outputs, placed);
      const PlacedProduct product(patches, placed, transported, inputs, k, inputs);
      const MutView here = part_of(out, 0, image, g * inputs, inputs);
      if (whole && patches.of_pixels()) {
        product.into(here, adds ? 1 : 0);
        continue;
      }
      product.tiles([&](Index point, Index rows, Index col, MutView tile) {
        const MutView some = part_of(here, 0, image, col, tile.cols());
        if (whole) {
          take_pixels(patches, point, rows, tile, some, adds ? 1 : 0);
        } else {
          put_pixels(phase, point, rows, tile, some, adds);
        }
      });
    }
  }
  if (done) done(0, sample, pixels);
}

void Convolution::pull_back(View w, View dy, View before, MutView dx, BlockBody done) const {
  if (dense()) {
    gemm(Op::transposed, w, Op::none, dy, dx, 1, begin_with(before, dx) ? 1 : 0, done);
    return;
  }
  count_multiply_adds(multiply_adds() * static_cast<double>(dy.cols()));
  const Scalar* const transported = transport(w);
  for_samples(dy.cols(), [&](Index b) { pull_back_sample(transported, dy, b, true, before, dx, done); });
}

void Convolution::pull_back_units(View w, View dy, std::span<const Index> unit, MutView dx) const {
  const Index inputs = channels_ / groups_, outputs = maps_ / groups_, T = taps();
  const auto& [stride, padding, dilation] = std::tie(window_.stride, window_.padding, window_.dilation);
  for (Index c = 0; c < dy.cols(); ++c) {
    const Index u = unit[static_cast<std::size_t>(c)], map = u / positions(), at = u % positions();
    const Index row = at / out_[1] * stride[0] - padding[0], col = at % out_[1] * stride[1] - padding[1];
    for (Index t = 0; t < T; ++t) {
      const Index y = row + t / window_.size[1] * dilation[0], x = col + t % window_.size[1] * dilation[1];
      if (y < 0 || y >= height_ || x < 0 || x >= width_) continue;
      for (Index i = 0; i < inputs; ++i) {
        const Index channel = map / outputs * inputs + i;
        dx((channel * height_ + y) * width_ + x, c) += dy(u, c) * w(map, i * T + t);
      }
    }
  }
}

}  // namespace strata
