// What computes one tile of a matrix product, on the calling thread: our own kernel (gemm_tile_strata.cpp), or a
// library's (gemm_tile_eigen.cpp, gemm_tile_openblas.cpp). CMake compiles one of them, by STRATA_GEMM.
#pragma once

#include <string>

#include "framework/parallel/gemm.hpp"

namespace strata {

/// op(a)·op(b) with a tile's rows of op(a) and columns of op(b).
struct TileProduct {
  Op op_a;
  const Scalar* a;
  Index lda;
  Op op_b;
  const Scalar* b;
  Index ldb;
  Index m, n, k;
  Scalar alpha;
};

/// Tiles have this many rows, but the last; a multiple of the kernel's own blocks.
Index tile_rows();
/// Tiles have at most this many columns.
Index max_tile_cols();
/// No tile has more numbers than this, whichever kernel makes it.
inline constexpr Index max_tile_size = Index{256} * 64;

/// c = product + beta·c (beta = 0 overwrites), then done(row, col, block) for blocks of c, counted within the tile.
void multiply_tile(const TileProduct& product, MutView c, Scalar beta, BlockBody done);

/// For /provenance.
std::string tile_backend();

}  // namespace strata
