#include "framework/layers/convolution.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "framework/core/vector_size.hpp"
#include "framework/parallel/gemm_kernel.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata {
namespace {

using gemm_kernel::block_for;
using gemm_kernel::block_rows;
using gemm_kernel::HalvesA;
using gemm_kernel::max_cols_of;
using gemm_kernel::ScatteredA;
using gemm_kernel::ScatteredB;
using gemm_kernel::Update;

// Fewer multiply-adds than this and the threads are not worth waking.
constexpr double worth_threads = 200'000;
// The gradient's sums: so many tasks if they have enough to do, so much memory for their parts, and of the grid as many points
// at a time as stay in the first-level cache with all maps of a block.
constexpr Index wanted_tasks = 32;
constexpr Index parts_memory = Index{1} << 18;
constexpr Index block_memory = 8192;

Index pieces(Index whole, Index part) { return (whole + part - 1) / part; }
Index vector_count(Index rows) { return pieces(rows, vector_lanes); }
Index whole_vectors(Index rows) { return vector_count(rows) * vector_lanes; }

// Memory of a thread that grows to what was largest. A thread's first images take it; later ones find it there.
class Room {
 public:
  Scalar* of(Index size) {
    if (memory_.size() < size) memory_.setZero(size);
    return memory_.data();
  }

 private:
  Vector memory_;
};

thread_local Room placed_here, maps_here;
// Of whoever calls, for all threads that work for it.
thread_local Room transported_here, sums_here;

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

// to(m, q) = dy(position, m) at the grid point q of each position, the others are left alone; maps filled up with zeros to whole
// vectors, ld of them.
void place_maps(const Patches& patches, const Scalar* dy, Index positions, Index maps, Scalar* to, Index ld) {
  patches.for_stretches(0, patches.grid(), patches.pitch(), [&](Index position, Index point, Index length) {
    for (Index m = 0; m < maps; m += vector_lanes) {
      Index r = 0;
      for (; r + vector_lanes <= length; r += vector_lanes) {
        gemm_kernel::transpose_block(dy + m * positions + position + r, positions, to + (point + r) * ld + m, ld,
                                     maps - m);
      }
      const Index last = std::min<Index>(m + vector_lanes, maps);
      for (; r < length; ++r) {
        for (Index i = m; i < last; ++i) to[(point + r) * ld + i] = dy[i * positions + position + r];
      }
    }
  });
}

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

MutView part_of(MutView m, Index row, Index rows, Index col, Index cols) {
  return {m.data() + col * m.outerStride() + row, rows, cols, Eigen::OuterStride<>(m.outerStride())};
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
  // In the padded image, tap k reaches the pixels i·stride + k·dilation: those of one remainder, from the output pixels
  // i − k·dilation/stride.
  for (Index r = 0; r < window.stride[0]; ++r) {
    for (Index c = 0; c < window.stride[1]; ++c) {
      const Extents remainder{r, c}, extent{height_, width_};
      Extents first{}, pixel{}, count{};
      for (std::size_t d = 0; d < 2; ++d) {
        const Index s = window.stride[d], before = std::max<Index>(0, window.padding[d] - remainder[d]);
        first[d] = pieces(before, s);
        pixel[d] = first[d] * s + remainder[d] - window.padding[d];
        count[d] = pixel[d] < extent[d] ? (extent[d] - 1 - pixel[d]) / s + 1 : 0;
      }
      std::vector<Index> taps;
      std::vector<Tap> back;
      for (Index row = 0; row < window.size[0]; ++row) {
        for (Index col = 0; col < window.size[1]; ++col) {
          const Index y = row * window.dilation[0], x = col * window.dilation[1];
          if (y % window.stride[0] != r || x % window.stride[1] != c) continue;
          taps.push_back(row * window.size[1] + col);
          back.push_back({first[0] - y / window.stride[0], first[1] - x / window.stride[1]});
        }
      }
      if (back.empty() || count[0] < 1 || count[1] < 1) continue;
      phases_.push_back(
          {pixel[0], pixel[1], count, std::move(taps), Patches(maps_ / groups_, out_, count, Extents{1, 1}, back)});
    }
  }
}

double Convolution::multiply_adds() const {
  return static_cast<double>(maps_ * weight_cols()) * static_cast<double>(positions());
}

void Convolution::for_samples(Index samples, FunctionRef<void(Index)> body) const {
  if (multiply_adds() * static_cast<double>(samples) < worth_threads) {
    for (Index b = 0; b < samples; ++b) body(b);
  } else {
    parallel_for(samples, body);
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
    Scalar* const placed = placed_here.of(patches.scratch_size(inputs));
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

// Adds what the phase's pixels among the points of a tile get to the image.
void Convolution::add_pixels(const Phase& phase, Index point, Index rows, MutView tile, MutView image) const {
  const Patches& patches = phase.patches;
  const Index step = window_.stride[1];
  patches.for_stretches(point, rows, [&](Index position, Index at, Index length) {
    const Index row = position / phase.count[1], col = position % phase.count[1];
    const Index first = (phase.row + row * window_.stride[0]) * width_ + phase.col + col * step;
    for (Index c = 0; c < tile.cols(); ++c) {
      const Scalar* from = tile.data() + c * tile.outerStride() + at;
      Scalar* to = image.data() + c * image.outerStride() + first;
      for (Index j = 0; j < length; ++j) to[j * step] += from[j];
    }
  });
}

void Convolution::pull_back(View w, View dy, MutView dx, Scalar beta, BlockBody done) const {
  if (dense()) {
    gemm(Op::transposed, w, Op::none, dy, dx, 1, beta, done);
    return;
  }
  count_multiply_adds(multiply_adds() * static_cast<double>(dy.cols()));
  const Index inputs = channels_ / groups_, outputs = maps_ / groups_;
  const Index image = height_ * width_, P = positions(), T = taps();
  // The weights as (map of the group, tap of the phase) × channel of the group, row by row, phase after phase, group after
  // group.
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
  const bool whole = window_.stride == Extents{1, 1};  // one phase, the image itself
  for_samples(dy.cols(), [&](Index b) {
    MutView pixels = part_of(dx, 0, dx.rows(), b, 1);
    MutView out(pixels.data(), image, channels_, Eigen::OuterStride<>(image));
    if (!whole && beta == Scalar(0)) out.setZero();
    const Scalar* v = transported;
    for (const Phase& phase : phases_) {
      const Patches& patches = phase.patches;
      const Index k = outputs * patches.taps();
      Scalar* const placed = placed_here.of(patches.scratch_size(outputs));
      patches.clear(outputs, placed);
      for (Index g = 0; g < groups_; ++g, v += k * inputs) {
        patches.place(dy.data() + b * dy.outerStride() + g * outputs * P, outputs, placed);
        const PlacedProduct product(patches, placed, v, inputs, k, inputs);
        const MutView here = part_of(out, 0, image, g * inputs, inputs);
        if (whole && patches.of_pixels()) {
          product.into(here, beta);
          continue;
        }
        product.tiles([&](Index point, Index rows, Index col, MutView tile) {
          const MutView some = part_of(here, 0, image, col, tile.cols());
          if (whole) {
            take_pixels(patches, point, rows, tile, some, beta);
          } else {
            add_pixels(phase, point, rows, tile, some);
          }
        });
      }
    }
    if (done) done(0, b, pixels);
  });
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

void Convolution::gradients(View x, View dy, Scalar scale, BlockBody weight, BlockBody bias) const {
  if (dense()) {
    if (weight) gemm_blocks(Op::none, dy, Op::transposed, x, scale, weight);
    if (bias) row_sums_blocks(dy, scale, bias);
    return;
  }
  count_multiply_adds(multiply_adds() * static_cast<double>(x.cols()));
  const Index inputs = channels_ / groups_, outputs = maps_ / groups_;
  const Index image = height_ * width_, P = positions(), T = taps(), B = x.cols();
  // A sum has a column more than the weights: what a patch of ones would get, the gradient of the bias.
  // Each group's maps are filled up to whole vectors.
  const Index high = whole_vectors(outputs), sum_rows = high * groups_;
  const Index sum_cols = weight_cols() + 1, sum_size = sum_rows * sum_cols;
  const Index sums = std::min(B, std::clamp<Index>(parts_memory / sum_size, 4, wanted_tasks));
  const Index slices = std::min(inputs, pieces(wanted_tasks, sums * groups_));
  const Patches& patches = patches_;
  Scalar* const memory = sums_here.of(sums * sum_size);
  const auto add_up = [&](Index task) {
    const Index slice = task % slices, g = task / slices % groups_, s = task / (slices * groups_);
    const Index first = inputs * slice / slices, here = inputs * (slice + 1) / slices - first;
    const bool last = slice + 1 == slices;
    const Index cols = here * T + (last ? 1 : 0), points = patches.grid();
    // The column more reads ones, which stand behind what was placed.
    const Index ones = patches.scratch_size(here);
    Scalar* const placed = placed_here.of(ones + points);
    Scalar* const maps = maps_here.of(high * points);
    Scalar* const sum = memory + s * sum_size + first * T * sum_rows + g * high;
    patches.clear(here, placed);
    std::fill_n(placed + ones, points, Scalar(1));
    std::fill_n(maps, high * points, Scalar(0));
    for (Index b = B * s / sums; b < B * (s + 1) / sums; ++b) {
      patches.place(x.data() + b * x.outerStride() + (g * inputs + first) * image, here, placed);
      place_maps(patches, dy.data() + b * dy.outerStride() + g * outputs * P, P, outputs, maps, high);
      for (Index m = 0; m < high; m += block_rows) {
        const Index tall = vector_count(std::min(block_rows, high - m));
        const Index chunk = std::max(vector_lanes * Index{4}, block_memory / (tall * vector_lanes));
        const Index groups = pieces(cols, max_cols_of<ScatteredB>(static_cast<int>(tall)));
        for (Index q = 0; q < points; q += chunk) {
          const Update update{1, 1, b == B * s / sums && q == 0};
          for (Index n = 0; n < groups; ++n) {
            const Index col = cols * n / groups, wide = cols * (n + 1) / groups - col;
            std::array<Index, ScatteredB::widest> reads{};
            for (Index j = 0; j < wide; ++j) {
              reads[static_cast<std::size_t>(j)] =
                  col + j < here * T ? patches.reads()[static_cast<std::size_t>(col + j)] : ones;
            }
            block_for<ScatteredB>(tall, wide)(std::min(chunk, points - q),
                                              {maps + q * high + m, high, placed + q, reads.data()},
                                              sum + col * sum_rows + m, sum_rows, update);
          }
        }
      }
    }
  };
  const Index tasks = sums * slices * groups_;
  if (multiply_adds() * static_cast<double>(B) < worth_threads) {
    for (Index t = 0; t < tasks; ++t) add_up(t);
  } else {
    parallel_for(tasks, add_up);
  }
  const Index width = std::max<Index>(1, 8192 / sum_rows);
  parallel_for(pieces(sum_cols, width), [&](Index block) {
    const Index col = block * width, cols = std::min(width, sum_cols - col);
    MutView total(memory + col * sum_rows, sum_rows, cols, Eigen::OuterStride<>(sum_rows));
    for (Index s = 1; s < sums; ++s) {
      total += View(memory + s * sum_size + col * sum_rows, sum_rows, cols, Eigen::OuterStride<>(sum_rows));
    }
    total *= scale;
    const bool last = col + cols == sum_cols;
    const Index weights = cols - (last ? 1 : 0);
    for (Index g = 0; g < groups_; ++g) {
      if (weight && weights > 0) weight(g * outputs, col, part_of(total, g * high, outputs, 0, weights));
      if (bias && last) bias(g * outputs, 0, part_of(total, g * high, outputs, cols - 1, 1));
    }
  });
}

}  // namespace strata
