#include "framework/layers/patches.hpp"

#include <algorithm>
#include <array>

#include "framework/parallel/gemm_kernel.hpp"

namespace strata {
namespace {

using gemm_kernel::lanes;

Index floor_div(Index a, Index b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

// In pieces of a vector, the last under a mask: a call of memcpy costs more than a short row.
void copy_row(const Scalar* from, Index count, Scalar* to) {
  Index j = 0;
  for (; j + lanes <= count; j += lanes) gemm_kernel::store(to + j, gemm_kernel::load(from + j));
  for (Index l = 0; l < lanes; ++l) {
    if (l < count - j) to[j + l] = from[j + l];
  }
}

void copy_strided(const Scalar* from, Index stride, Index count, Scalar* to) {
  switch (stride) {
    case 1: copy_row(from, count, to); break;
    case 2:  // known to the compiler, which then takes whole vectors apart
      for (Index j = 0; j < count; ++j) to[j] = from[j * 2];
      break;
    default:
      for (Index j = 0; j < count; ++j) to[j] = from[j * stride];
  }
}

}  // namespace

Patches::Patches(Extents image, Extents out, Extents stride, const std::vector<Tap>& taps)
    : image_(image), out_(out), stride_(stride) {
  // Pixels of the image that are read in a direction go from the lowest tap to the last output pixel's highest.
  const auto side = [&](std::size_t d, Index Tap::*at) {
    Index low = 0, high = 0;
    for (const Tap& t : taps) {
      low = std::min(low, t.*at);
      high = std::max(high, t.*at);
    }
    lead_[d] = -low;
    plane_[d] = out[d] + (high + lead_[d]) / stride[d];
  };
  side(0, &Tap::row);
  side(1, &Tap::col);
  for (const Tap& t : taps) {
    const Index row = t.row + lead_[0], col = t.col + lead_[1];
    const Index r = row % stride[0], c = col % stride[1];
    auto plane = std::find_if(planes_.begin(), planes_.end(), [&](const Plane& p) { return p.row == r && p.col == c; });
    if (plane == planes_.end()) {
      planes_.push_back({r, c, static_cast<Index>(planes_.size()) * plane_[0] * plane_[1]});
      plane = planes_.end() - 1;
    }
    offsets_.push_back(plane->at + row / stride[0] * plane_[1] + col / stride[1]);
  }
}

Index Patches::scratch_size(Index channels) const {
  // Reading goes on to the end of a vector.
  return channels * static_cast<Index>(planes_.size()) * plane_[0] * plane_[1] + lanes;
}

void Patches::place(const Scalar* images, Index channels, Scalar* scratch) const {
  const Index size = static_cast<Index>(planes_.size()) * plane_[0] * plane_[1];
  std::fill_n(scratch, scratch_size(channels), Scalar(0));
  for (Index channel = 0; channel < channels; ++channel, images += image_[0] * image_[1], scratch += size) {
    for (const Plane& plane : planes_) {
      // Column j of the plane is pixel j·stride + shift.
      const Index shift = plane.col - lead_[1];
      const Index from = std::clamp<Index>(floor_div(-shift + stride_[1] - 1, stride_[1]), 0, plane_[1]);
      const Index to = std::clamp<Index>(floor_div(image_[1] - shift + stride_[1] - 1, stride_[1]), from, plane_[1]);
      Scalar* row = scratch + plane.at;
      for (Index i = 0; i < plane_[0]; ++i, row += plane_[1]) {
        const Index y = i * stride_[0] + plane.row - lead_[0];
        if (y < 0 || y >= image_[0]) continue;
        copy_strided(images + y * image_[1] + from * stride_[1] + shift, stride_[1], to - from, row + from);
      }
    }
  }
}

void Patches::panel(const Scalar* scratch, Index channels, Index first, Index count, Scalar* panel, Index ld) const {
  // Stretches of positions in one row of the output: where they begin in a plane and in the panel, and their vectors.
  struct Stretch {
    Index from, to, vectors;
  };
  std::array<Stretch, max_count> stretches;
  std::size_t n = 0;
  for (Index r = 0; r < count;) {
    const Index row = (first + r) / out_[1], col = (first + r) % out_[1];
    const Index length = std::min(out_[1] - col, count - r);
    stretches[n++] = {row * plane_[1] + col, r, (length + lanes - 1) / lanes};
    r += length;
  }
  const Index size = static_cast<Index>(planes_.size()) * plane_[0] * plane_[1];
  for (Index channel = 0; channel < channels; ++channel, scratch += size) {
    for (const Index offset : offsets_) {
      // Whole vectors: what is written beyond a stretch is written again by what comes next.
      for (std::size_t s = 0; s < n; ++s) {
        const Scalar* from = scratch + offset + stretches[s].from;
        Scalar* to = panel + stretches[s].to;
        for (Index v = 0; v < stretches[s].vectors; ++v) {
          gemm_kernel::store(to + v * lanes, gemm_kernel::load(from + v * lanes));
        }
      }
      panel += ld;
    }
  }
}

}  // namespace strata
