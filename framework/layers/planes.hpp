// Layers that make of each channel of an image a channel of another size, each by itself: pooling, padding, resizing.
#pragma once

#include "framework/layers/window.hpp"
#include "framework/parallel/column_blocks.hpp"

namespace strata {

/// Channels, and rows and columns of the images that come in and go out. Known once a layer is bound.
struct Planes {
  Index channels = 0;
  Extents in{}, out{};

  Index in_size() const { return in[0] * in[1]; }
  Index out_size() const { return out[0] * out[1]; }

  /// Where channel c of column `col` begins in a matrix of images that come in, or go out.
  template <class M> auto* in_of(M& m, Index col, Index c) const {
    return m.data() + col * m.outerStride() + c * in_size();
  }
  template <class M> auto* out_of(M& m, Index col, Index c) const {
    return m.data() + col * m.outerStride() + c * out_size();
  }
};

/// body(column, channel) for all of them, on threads. `cost` as for_column_blocks has it, for each pixel.
template <class Body> void for_planes(const Planes& planes, Index cols, const Body& body, Index cost = 1) {
  const auto rows = planes.channels * std::max(planes.in_size(), planes.out_size());
  const auto block = [&](Index first, Index count) {
    for (Index col = first; col < first + count; ++col) {
      for (Index c = 0; c < planes.channels; ++c) body(col, c);
    }
  };
  for_column_blocks(rows, cols, block, cost);
}

}  // namespace strata
