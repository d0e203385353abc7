// In place of the kernel under the matrix products, which takes as long to compile as a reader: they multiply nothing.
#include <cstdlib>

#include "framework/parallel/gemm_tile.hpp"

namespace strata {

Index tile_rows() { std::abort(); }
Index max_tile_cols() { std::abort(); }
void multiply_tile(const TileProduct&, MutView, Scalar, BlockBody) { std::abort(); }
std::string tile_backend() { std::abort(); }

}  // namespace strata
