// What the halves of a convolution share.
#pragma once

#include "framework/core/vector_size.hpp"

namespace strata::convolution_detail {

inline Index pieces(Index whole, Index part) { return (whole + part - 1) / part; }
inline Index vector_count(Index rows) { return pieces(rows, vector_lanes); }

inline MutView part_of(MutView m, Index row, Index rows, Index col, Index cols) {
  return {m.data() + col * m.outerStride() + row, rows, cols, Eigen::OuterStride<>(m.outerStride())};
}

/// Memory of a thread that grows to what was largest. A thread's first images take it; later ones find it there.
class Room {
 public:
  Scalar* of(Index size) {
    if (memory_.size() < size) memory_.setZero(size);
    return memory_.data();
  }

 private:
  Vector memory_;
};

}  // namespace strata::convolution_detail
