// What the halves of a convolution share.
#pragma once

#include "framework/core/vector_size.hpp"

namespace strata::convolution_detail {

inline Index pieces(Index whole, Index part) { return (whole + part - 1) / part; }
inline Index vector_count(Index rows) { return pieces(rows, vector_lanes); }

inline MutView part_of(MutView m, Index row, Index rows, Index col, Index cols) {
  return {m.data() + col * m.outerStride() + row, rows, cols, Eigen::OuterStride<>(m.outerStride())};
}

}  // namespace strata::convolution_detail
