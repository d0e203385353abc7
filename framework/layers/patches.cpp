#include "framework/layers/patches.hpp"

#include "framework/parallel/gemm_kernel.hpp"

namespace strata {
namespace {

using gemm_kernel::lanes;

Index floor_div(Index a, Index b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

void copy_strided(const Scalar* from, Index stride, Index count, Scalar* to) {
  switch (stride) {
    case 1: gemm_kernel::copy_row(from, count, to); break;
    case 2:  // known to the compiler, which then takes whole vectors apart
      for (Index j = 0; j < count; ++j) to[j] = from[j * 2];
      break;
    default:
      for (Index j = 0; j < count; ++j) to[j] = from[j * stride];
  }
}

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
      // Column j is pixel j·stride + shift.
      const Index shift = c - lead_[1];
      const Index first = std::clamp<Index>(floor_div(-shift + stride[1] - 1, stride[1]), 0, plane_[1]);
      const Index end = std::clamp<Index>(floor_div(image[1] - shift + stride[1] - 1, stride[1]), first, plane_[1]);
      planes_.push_back({r, c, channel_size(), first, end - first, first * stride[1] + shift});
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
  for (Index channel = 0; channel < channels; ++channel, images += image_[0] * image_[1], scratch += channel_size()) {
    for (const Plane& plane : planes_) {
      Scalar* row = scratch + plane.at + plane.first;
      for (Index i = 0; i < plane_[0]; ++i, row += plane_[1]) {
        const Index y = i * stride_[0] + plane.row - lead_[0];
        if (y < 0 || y >= image_[0]) continue;
        copy_strided(images + y * image_[1] + plane.pixel, stride_[1], plane.count, row);
      }
    }
  }
}

}  // namespace strata
