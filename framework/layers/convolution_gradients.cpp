// The gradient of a convolution's weights, and both halves of the way back at once.
#include <algorithm>
#include <array>

#include "framework/core/room.hpp"
#include "framework/layers/convolution.hpp"
#include "framework/layers/convolution_detail.hpp"
#include "framework/parallel/gemm_kernel.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata {
namespace {

using namespace convolution_detail;
using gemm_kernel::block_for;
using gemm_kernel::block_rows;
using gemm_kernel::max_cols_of;
using gemm_kernel::ScatteredB;
using gemm_kernel::Update;

// So many tasks if they have enough to do, so much memory for their sums, and of the grid as many points at a time as stay in
// the first-level cache with all maps of a block.
constexpr Index wanted_tasks = 32;
constexpr Index sums_memory = Index{1} << 18;
constexpr Index block_memory = 8192;

thread_local Room<Scalar> placed_here, maps_here;
thread_local Room<Scalar> sums_here;  // of whoever calls, for all threads that work for it

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

}  // namespace

// A task sums a slice of a group's channels over some samples. A sum has a column more than the weights: what a patch of ones
// would get, the gradient of the bias. Each group's maps are filled up to whole vectors.
struct Convolution::Cut {
  Index high, rows, cols;  // of a group's maps, and of a sum
  Index sums, slices, tasks;

  Cut(const Convolution& of, Index samples)
      : high(vector_count(of.maps_ / of.groups_) * vector_lanes), rows(high * of.groups_), cols(of.weight_cols() + 1),
        sums(std::min(samples, std::clamp<Index>(sums_memory / (rows * cols), 4, wanted_tasks))),
        slices(std::min(of.channels_ / of.groups_, pieces(wanted_tasks, sums * of.groups_))),
        tasks(sums * slices * of.groups_) {}
};

class Convolution::Part {
 public:
  /// Of the sums in `memory`. Its scratch memory is the calling thread's until the next one is made.
  Part(const Convolution& of, const Cut& cut, Index task, Index samples, Scalar* memory)
      : of_(of), high_(cut.high), ld_(cut.rows), group_(task / cut.slices % of.groups_) {
    const Index slice = task % cut.slices, s = task / (cut.slices * of.groups_);
    const Index inputs = of.channels_ / of.groups_;
    channel_ = inputs * slice / cut.slices;
    channels_ = inputs * (slice + 1) / cut.slices - channel_;
    cols_ = channels_ * of.taps() + (slice + 1 == cut.slices ? 1 : 0);
    first_ = samples * s / cut.sums;
    end_ = samples * (s + 1) / cut.sums;
    sum_ = memory + s * cut.rows * cut.cols + channel_ * of.taps() * cut.rows + group_ * high_;
    const Patches& patches = of.patches_;
    const Index points = patches.grid();
    // The column more reads ones, which stand behind what was placed.
    ones_ = patches.scratch_size(channels_);
    placed_ = placed_here.of(ones_ + points);
    signals_ = maps_here.of(high_ * points);
    patches.clear(channels_, placed_);
    std::fill_n(placed_ + ones_, points, Scalar(1));
    std::fill_n(signals_, high_ * points, Scalar(0));
  }

  Index first() const { return first_; }
  Index end() const { return end_; }

  /// Adds sample b; first() first, which overwrites.
  void add(View x, View dy, Index b) {
    const Patches& patches = of_.patches_;
    const Index inputs = of_.channels_ / of_.groups_, outputs = of_.maps_ / of_.groups_, points = patches.grid();
    const Index image = of_.height_ * of_.width_, P = of_.positions(), weights = channels_ * of_.taps();
    patches.place(x.data() + b * x.outerStride() + (group_ * inputs + channel_) * image, channels_, placed_);
    place_maps(patches, dy.data() + b * dy.outerStride() + group_ * outputs * P, P, outputs, signals_, high_);
    for (Index m = 0; m < high_; m += block_rows) {
      const Index tall = vector_count(std::min(block_rows, high_ - m));
      const Index chunk = std::max(vector_lanes * Index{4}, block_memory / (tall * vector_lanes));
      const Index blocks = pieces(cols_, max_cols_of<ScatteredB>(static_cast<int>(tall)));
      for (Index q = 0; q < points; q += chunk) {
        const Update update{1, 1, b == first_ && q == 0};
        for (Index n = 0; n < blocks; ++n) {
          const Index col = cols_ * n / blocks, wide = cols_ * (n + 1) / blocks - col;
          std::array<Index, ScatteredB::widest> reads{};
          for (Index j = 0; j < wide; ++j) {
            reads[static_cast<std::size_t>(j)] =
                col + j < weights ? patches.reads()[static_cast<std::size_t>(col + j)] : ones_;
          }
          block_for<ScatteredB>(tall, wide)(std::min(chunk, points - q),
                                            {signals_ + q * high_ + m, high_, placed_ + q, reads.data()},
                                            sum_ + col * ld_ + m, ld_, update);
        }
      }
    }
  }

 private:
  const Convolution& of_;
  Index high_, ld_, group_, channel_, channels_, cols_, first_, end_, ones_;
  Scalar *sum_, *placed_, *signals_;
};

// Adds the sums up in their order and hands them on.
void Convolution::add_up(const Cut& cut, Scalar* sums, Scalar scale, BlockBody weight, BlockBody bias) const {
  const Index outputs = maps_ / groups_, width = std::max<Index>(1, 8192 / cut.rows);
  parallel_for(pieces(cut.cols, width), [&](Index block) {
    const Index col = block * width, cols = std::min(width, cut.cols - col);
    MutView total(sums + col * cut.rows, cut.rows, cols, Eigen::OuterStride<>(cut.rows));
    for (Index s = 1; s < cut.sums; ++s) {
      total += View(sums + (s * cut.cols + col) * cut.rows, cut.rows, cols, Eigen::OuterStride<>(cut.rows));
    }
    total *= scale;
    const bool last = col + cols == cut.cols;
    const Index weights = cols - (last ? 1 : 0);
    for (Index g = 0; g < groups_; ++g) {
      if (weight && weights > 0) weight(g * outputs, col, part_of(total, g * cut.high, outputs, 0, weights));
      if (bias && last) bias(g * outputs, 0, part_of(total, g * cut.high, outputs, cols - 1, 1));
    }
  });
}

void Convolution::gradients(View x, View dy, Scalar scale, BlockBody weight, BlockBody bias) const {
  if (dense()) {
    if (weight) gemm_blocks(Op::none, dy, Op::transposed, x, scale, weight);
    if (bias) row_sums_blocks(dy, scale, bias);
    return;
  }
  count_multiply_adds(multiply_adds() * static_cast<double>(x.cols()));
  const Cut cut(*this, x.cols());
  Scalar* const sums = sums_here.of(cut.sums * cut.rows * cut.cols);
  const auto one = [&](Index task) {
    Part part(*this, cut, task, x.cols(), sums);
    for (Index b = part.first(); b < part.end(); ++b) part.add(x, dy, b);
  };
  if (worth_threads(x.cols())) {
    parallel_for(cut.tasks, one);
  } else {
    for (Index t = 0; t < cut.tasks; ++t) one(t);
  }
  add_up(cut, sums, scale, weight, bias);
}

// A sum of few slices would be too few tasks.
bool Convolution::both_at_once(Index samples) const {
  const Cut cut(*this, samples);
  return !dense() && cut.tasks == cut.sums && worth_threads(samples);
}

void Convolution::backward(View w, View x, View dy, View before, MutView dx, BlockBody done, BlockBody weight,
                           BlockBody bias) const {
  const Cut cut(*this, x.cols());
  count_multiply_adds(2 * multiply_adds() * static_cast<double>(x.cols()));
  const Scalar* const transported = transport(w);
  Scalar* const sums = sums_here.of(cut.sums * cut.rows * cut.cols);
  parallel_for(cut.sums, [&](Index task) {
    Part part(*this, cut, task, x.cols(), sums);
    for (Index b = part.first(); b < part.end(); ++b) {
      part.add(x, dy, b);
      pull_back_sample(transported, dy, b, b == part.first(), before, dx, done);
    }
  });
  add_up(cut, sums, 1, weight, bias);
}

}  // namespace strata
