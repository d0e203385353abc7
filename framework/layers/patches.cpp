#include "framework/layers/patches.hpp"

#include "framework/core/prefetch.hpp"
#include "framework/layers/strided_rows.hpp"
#include "framework/parallel/gemm_kernel.hpp"

namespace strata {
namespace {

using gemm_kernel::lanes;

Index floor_div(Index a, Index b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

}  // namespace

Patches::Patches(Index channels, Extents image, Extents out, Extents stride, const std::vector<Tap>& taps)
    : image_(image), out_(out), stride_(stride), taps_(static_cast<Index>(taps.size())) {
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
  std::vector<Index> offsets;
  for (const Tap& t : taps) {
    const Index row = t.row + lead_[0], col = t.col + lead_[1];
    const Index r = row % stride[0], c = col % stride[1];
    auto plane = std::find_if(planes_.begin(), planes_.end(), [&](const Plane& p) { return p.row == r && p.col == c; });
    if (plane == planes_.end()) {
      const auto shown = [&](std::size_t d, Index remainder) {
        const Index first = std::clamp<Index>(floor_div(lead_[d] - remainder + stride[d] - 1, stride[d]), 0, plane_[d]);
        const Index end =
            std::clamp<Index>(floor_div(image[d] + lead_[d] - remainder + stride[d] - 1, stride[d]), first, plane_[d]);
        return Shown{first, end - first, first * stride[d] + remainder - lead_[d]};
      };
      planes_.push_back({r, c, channel_size(), shown(0, r), shown(1, c)});
      plane = planes_.end() - 1;
    }
    offsets.push_back(plane->at + row / stride[0] * plane_[1] + col / stride[1]);
  }
  for (Index channel = 0; channel < channels; ++channel) {
    for (const Index offset : offsets) reads_.push_back(channel * channel_size() + offset);
  }
}

Index Patches::scratch_size(Index channels) const { return channels * channel_size() + lanes; }

void Patches::clear(Index channels, Scalar* scratch) const { std::fill_n(scratch, scratch_size(channels), Scalar(0)); }

void Patches::place(const Scalar* images, Index channels, Scalar* scratch) const {
  constexpr Index ahead = 1024;  // a page of memory, where the processor's own foresight ends
  const Index rows_apart = stride_[0] * image_[1], stride = stride_[1];
  for (Index channel = 0; channel < channels; ++channel, images += image_[0] * image_[1], scratch += channel_size()) {
    for (const auto& [row, col, at, rows, cols] : planes_) {
      const Scalar* from = images + rows.pixel * image_[1] + cols.pixel;
      Scalar* to = scratch + at + rows.first * plane_[1] + cols.first;
      for (Index i = 0; i < rows.count; ++i, from += rows_apart, to += plane_[1]) {
        prefetch<Soon::read>(from + ahead, image_[1]);
        if (stride == 1) gemm_kernel::copy_row(from, cols.count, to);
        else strided::gather(from, stride, cols.count, to);
      }
    }
  }
}

}  // namespace strata
