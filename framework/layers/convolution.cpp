#include "framework/layers/convolution.hpp"

#include <algorithm>
#include <tuple>

#include "framework/core/errors.hpp"
#include "framework/core/vector_size.hpp"
#include "framework/parallel/gemm_kernel.hpp"
#include "framework/parallel/gemm_tile.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata {
namespace {

// Fewer multiply-adds than this and the threads are not worth waking.
constexpr double inline_multiply_adds = 200'000;
// The gradient's sums: so many tasks if they have enough to do, so much memory for their parts, so long an inner sum.
constexpr Index wanted_tasks = 32;
constexpr Index parts_memory = Index{1} << 18;
constexpr Index gradient_rows = 128;
static_assert(gradient_rows <= Patches::max_count);

Index parts(Index whole, Index part) { return (whole + part - 1) / part; }
Index whole_vectors(Index rows) { return parts(rows, vector_lanes) * vector_lanes; }

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

thread_local Room placed_here, panel_here, tile_here, maps_here;
// Of whoever calls, for all threads that work for it.
thread_local Room transported_here, sums_here;

// out = a·op(b) + beta·out for an `a` of at most tile_rows() rows; a is rows × k, its columns lda apart.
void multiply_rows(const Scalar* a, Index lda, Op op_b, const Scalar* b, Index ldb, Index k, MutView out, Scalar beta) {
  for (Index n = 0; n < out.cols(); n += max_tile_cols()) {
    const Index cols = std::min(max_tile_cols(), out.cols() - n);
    const TileProduct t{Op::none, a, lda, op_b, op_b == Op::none ? b + n * ldb : b + n, ldb, out.rows(), cols, k, 1};
    multiply_tile(
        t, MutView(out.data() + n * out.outerStride(), out.rows(), cols, Eigen::OuterStride<>(out.outerStride())), beta,
        {});
  }
}

// The same for a panel, which has whole vectors of rows: cheaper to multiply all of them than the exact number.
void multiply_panel(const Scalar* panel, Index ld, Op op_b, const Scalar* b, Index ldb, Index k, MutView out,
                    Scalar beta) {
  if (out.rows() == ld) {
    multiply_rows(panel, ld, op_b, b, ldb, k, out, beta);
    return;
  }
  const MutView tile(tile_here.of(ld * out.cols()), ld, out.cols(), Eigen::OuterStride<>(ld));
  multiply_rows(panel, ld, op_b, b, ldb, k, tile, 0);
  if (beta == Scalar(0)) {
    out = tile.topRows(out.rows());
  } else {
    out = tile.topRows(out.rows()) + beta * out;
  }
}

// to(m, r) = dy(r, m): the maps of positions, filled up with zeros to whole vectors, ld_to of them.
void transpose(const Scalar* dy, Index ld, Index rows, Index maps, Scalar* to, Index ld_to) {
  for (Index m = 0; m < ld_to; m += vector_lanes) {
    Index r = 0;
    for (; r + vector_lanes <= rows; r += vector_lanes) {
      gemm_kernel::transpose_block(dy + m * ld + r, ld, to + r * ld_to + m, ld_to, maps - m);
    }
    for (; r < rows; ++r) {
      for (Index i = m; i < m + vector_lanes; ++i) to[r * ld_to + i] = i < maps ? dy[i * ld + r] : Scalar(0);
    }
  }
}

MutView part_of(MutView m, Index row, Index rows, Index col, Index cols) {
  return {m.data() + col * m.outerStride() + row, rows, cols, Eigen::OuterStride<>(m.outerStride())};
}

}  // namespace

Convolution::Convolution(const Shape& image, Index maps, Index groups, const Window& window)
    : channels_(image[0]), height_(image[1]), width_(image[2]), maps_(maps), groups_(groups), window_(window),
      out_(window.output("conv2d", image)) {
  std::vector<Tap> taps;
  for (Index row = 0; row < window.size[0]; ++row) {
    for (Index col = 0; col < window.size[1]; ++col) {
      taps.push_back({row * window.dilation[0] - window.padding[0], col * window.dilation[1] - window.padding[1]});
    }
  }
  forward_.emplace_back(Extents{height_, width_}, out_, window.stride, taps);

  // In the padded image, tap k reaches the pixels i·stride + k·dilation: those of one remainder, from the output pixels
  // i − k·dilation/stride.
  for (Index r = 0; r < window.stride[0]; ++r) {
    for (Index c = 0; c < window.stride[1]; ++c) {
      const Extents remainder{r, c}, extent{height_, width_};
      Extents first{}, pixel{}, count{};
      for (std::size_t d = 0; d < 2; ++d) {
        const Index s = window.stride[d], before = std::max<Index>(0, window.padding[d] - remainder[d]);
        first[d] = parts(before, s);
        pixel[d] = first[d] * s + remainder[d] - window.padding[d];
        count[d] = pixel[d] < extent[d] ? (extent[d] - 1 - pixel[d]) / s + 1 : 0;
      }
      Phase phase{pixel[0], pixel[1], count, {}, backward_.size()};
      std::vector<Tap> back;
      for (Index row = 0; row < window.size[0]; ++row) {
        for (Index col = 0; col < window.size[1]; ++col) {
          const Index y = row * window.dilation[0], x = col * window.dilation[1];
          if (y % window.stride[0] != r || x % window.stride[1] != c) continue;
          phase.taps.push_back(row * window.size[1] + col);
          back.push_back({first[0] - y / window.stride[0], first[1] - x / window.stride[1]});
        }
      }
      if (back.empty() || count[0] < 1 || count[1] < 1) continue;
      phases_.push_back(std::move(phase));
      backward_.emplace_back(out_, count, Extents{1, 1}, back);
    }
  }
}

double Convolution::multiply_adds() const {
  return static_cast<double>(maps_ * weight_cols()) * static_cast<double>(positions());
}

bool Convolution::pointwise() const {
  return taps() == 1 && window_.stride == Extents{1, 1} && window_.padding == Extents{0, 0};
}

void Convolution::for_samples(Index samples, FunctionRef<void(Index)> body) const {
  if (multiply_adds() * static_cast<double>(samples) < inline_multiply_adds) {
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
  const Index image = height_ * width_, P = positions(), k = weight_cols();
  const Patches& patches = forward_.front();
  for_samples(x.cols(), [&](Index b) {
    MutView pixels = part_of(y, 0, y.rows(), b, 1);
    const MutView out(pixels.data(), P, maps_, Eigen::OuterStride<>(P));
    for (Index g = 0; g < groups_; ++g) {
      const Scalar* from = x.data() + b * x.outerStride() + g * inputs * image;
      Scalar* placed = nullptr;
      Scalar* panel = nullptr;
      if (!pointwise()) {
        placed = placed_here.of(patches.scratch_size(inputs));
        panel = panel_here.of(whole_vectors(tile_rows()) * k + vector_lanes);
        patches.place(from, inputs, placed);
      }
      for (Index p = 0; p < P; p += tile_rows()) {
        const Index rows = std::min(tile_rows(), P - p), ld = whole_vectors(rows);
        const MutView here = part_of(out, p, rows, g * outputs, outputs);
        const Scalar* weights = w.data() + g * outputs;
        if (pointwise()) {
          multiply_rows(from + p, P, Op::transposed, weights, w.outerStride(), k, here, beta);
          continue;
        }
        patches.panel(placed, inputs, p, rows, panel, ld);
        multiply_panel(panel, ld, Op::transposed, weights, w.outerStride(), k, here, beta);
      }
    }
    if (given(bias)) {
      for (Index map = 0; map < maps_; ++map) MutView(out).col(map).array() += bias(map, 0);
    }
    if (done) done(0, b, pixels);
  });
}

// Adds what the phase's pixels first … first + rows − 1 get to the image.
void Convolution::add_pixels(const Phase& phase, MutView tile, Index first, Index rows, MutView image) const {
  for (Index r = 0; r < rows;) {
    const Index row = (first + r) / phase.count[1], col = (first + r) % phase.count[1];
    const Index length = std::min(phase.count[1] - col, rows - r), step = window_.stride[1];
    const Index at = (phase.row + row * window_.stride[0]) * width_ + phase.col + col * step;
    for (Index c = 0; c < image.cols(); ++c) {
      const Scalar* from = tile.data() + c * tile.outerStride() + r;
      Scalar* to = image.data() + c * image.outerStride() + at;
      for (Index j = 0; j < length; ++j) to[j * step] += from[j];
    }
    r += length;
  }
}

void Convolution::pull_back(View w, View dy, MutView dx, Scalar beta, BlockBody done) const {
  if (dense()) {
    gemm(Op::transposed, w, Op::none, dy, dx, 1, beta, done);
    return;
  }
  count_multiply_adds(multiply_adds() * static_cast<double>(dy.cols()));
  const Index inputs = channels_ / groups_, outputs = maps_ / groups_;
  const Index image = height_ * width_, P = positions(), T = taps();
  // The weights as (map of the group, tap of the phase) × channel of the group, phase after phase, group after group.
  Scalar* const transported = transported_here.of(w.size());
  Scalar* to = transported;
  for (const Phase& phase : phases_) {
    for (Index g = 0; g < groups_; ++g) {
      for (Index c = 0; c < inputs; ++c) {
        for (Index map = 0; map < outputs; ++map) {
          for (const Index t : phase.taps) *to++ = w(g * outputs + map, c * T + t);
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
      const Patches& patches = backward_[phase.patches];
      const Index k = outputs * patches.taps(), count = patches.positions();
      for (Index g = 0; g < groups_; ++g, v += k * inputs) {
        const Scalar* from = dy.data() + b * dy.outerStride() + g * outputs * P;
        Scalar* placed = nullptr;
        Scalar* panel = nullptr;
        if (!pointwise()) {
          placed = placed_here.of(patches.scratch_size(outputs));
          panel = panel_here.of(whole_vectors(tile_rows()) * k + vector_lanes);
          patches.place(from, outputs, placed);
        }
        for (Index p = 0; p < count; p += tile_rows()) {
          const Index rows = std::min(tile_rows(), count - p), ld = whole_vectors(rows);
          if (pointwise()) {
            multiply_rows(from + p, P, Op::none, v, k, k, part_of(out, p, rows, g * inputs, inputs), beta);
            continue;
          }
          patches.panel(placed, outputs, p, rows, panel, ld);
          if (whole) {
            multiply_panel(panel, ld, Op::none, v, k, k, part_of(out, p, rows, g * inputs, inputs), beta);
            continue;
          }
          const MutView tile(tile_here.of(ld * inputs), ld, inputs, Eigen::OuterStride<>(ld));
          multiply_rows(panel, ld, Op::none, v, k, k, tile, 0);
          add_pixels(phase, tile, p, rows, part_of(out, 0, image, g * inputs, inputs));
        }
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
  const Index slices = std::min(inputs, parts(wanted_tasks, sums * groups_));
  const Patches& patches = forward_.front();
  Scalar* const memory = sums_here.of(sums * sum_size);
  const auto add_up = [&](Index task) {
    const Index slice = task % slices, g = task / slices % groups_, s = task / (slices * groups_);
    const Index first = inputs * slice / slices, here = inputs * (slice + 1) / slices - first;
    const bool last = slice + 1 == slices;
    const Index cols = here * T + (last ? 1 : 0), ld = whole_vectors(std::min(gradient_rows, P));
    Scalar* placed = placed_here.of(patches.scratch_size(here));
    Scalar* panel = panel_here.of(ld * (here * T + 1) + vector_lanes);
    Scalar* maps = maps_here.of(high * std::min(gradient_rows, P));
    Scalar* sum = memory + s * sum_size + first * T * sum_rows + g * high;
    for (Index b = B * s / sums; b < B * (s + 1) / sums; ++b) {
      patches.place(x.data() + b * x.outerStride() + (g * inputs + first) * image, here, placed);
      for (Index p = 0; p < P; p += gradient_rows) {
        const Index rows = std::min(gradient_rows, P - p);
        patches.panel(placed, here, p, rows, panel, ld);
        if (last) std::fill_n(panel + here * T * ld, rows, Scalar(1));
        const Scalar beta = b == B * s / sums && p == 0 ? Scalar(0) : Scalar(1);
        transpose(dy.data() + b * dy.outerStride() + g * outputs * P + p, P, rows, outputs, maps, high);
        for (Index m = 0; m < high; m += tile_rows()) {
          multiply_rows(maps + m, high, Op::none, panel, ld, rows,
                        MutView(sum + m, std::min(tile_rows(), high - m), cols, Eigen::OuterStride<>(sum_rows)), beta);
        }
      }
    }
  };
  const Index tasks = sums * slices * groups_;
  if (multiply_adds() * static_cast<double>(B) < inline_multiply_adds) {
    for (Index t = 0; t < tasks; ++t) add_up(t);
  } else {
    parallel_for(tasks, add_up);
  }
  const Index width = std::max<Index>(1, 8192 / sum_rows);
  parallel_for(parts(sum_cols, width), [&](Index block) {
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
