// Our own kernel under the tiles.
//
// The inner sum is cut into chunks, by its length alone, such that a panel of op(a), a block's rows × a chunk, stays in
// the first-level cache while all columns of the tile pass by. C is updated chunk after chunk in index order.
#include <algorithm>

#include "framework/core/errors.hpp"
#include "framework/parallel/gemm_kernel.hpp"
#include "framework/parallel/gemm_tile.hpp"

namespace strata {
namespace {

using namespace gemm_kernel;

// Measured with bench_gemm: on AVX-512 (48 KiB of first-level cache, twelve ways) and on AVX2 (32 KiB, eight ways), where
// a block is half as high, and columns far apart push each other out sooner.
constexpr bool wide = vector_bytes == 64;
constexpr Index max_chunk = wide ? 128 : 256;
constexpr Index far_apart = wide ? 4096 : 512;  // bytes
constexpr Index cols_of_tile = 128;
static_assert(block_rows * cols_of_tile <= max_tile_size);

// A block at the lower edge is computed here, since whole vectors are written.
struct Scratch {
  alignas(64) Scalar panel[block_rows * max_chunk];
  alignas(64) Scalar edge[block_rows * cols_of_tile];
};

Index vectors(Index rows) { return (rows + lanes - 1) / lanes; }

// panel(:, p) = op(a)(:, p), filled up with zeros to whole vectors.
void pack(Op op, const Scalar* a, Index lda, Index rows, Index k, Scalar* panel) {
  const Index ld = vectors(rows) * lanes;
  if (op == Op::none) {
    for (Index p = 0; p < k; ++p) {
      const Scalar* from = a + p * lda;
      Scalar* to = panel + p * ld;
      Index r = 0;
      for (; r + lanes <= rows; r += lanes) store(to + r, load(from + r));
      if (r == rows) continue;
      // Of fixed length, hence a load under a mask.
      for (Index l = 0; l < lanes; ++l) to[r + l] = l < rows - r ? from[r + l] : Scalar(0);
    }
    return;
  }
  for (Index i = 0; i < ld; i += lanes) {
    Index p = 0;
    if (i + lanes <= rows) {
      for (; p + lanes <= k; p += lanes) transpose_block(a + p + i * lda, lda, panel + p * ld + i, ld);
    }
    for (; p < k; ++p) {
      for (Index r = i; r < i + lanes; ++r) panel[p * ld + r] = r < rows ? a[p + r * lda] : Scalar(0);
    }
  }
}

void copy(const Scalar* from, Index ld_from, Scalar* to, Index ld_to, Index rows, Index cols) {
  for (Index j = 0; j < cols; ++j) std::copy_n(from + j * ld_from, rows, to + j * ld_to);
}

}  // namespace

Index tile_rows() { return block_rows; }
Index max_tile_cols() { return cols_of_tile; }

void multiply_tile(const TileProduct& t, MutView c, Scalar beta, BlockBody done) {
  thread_local Scratch scratch;
  const bool edge = t.m % lanes != 0;
  // Read in place, unless columns lie far apart: then they share few sets of the cache, and beyond a page every one costs
  // a translation too.
  const bool packed = edge || t.op_a == Op::transposed || t.lda * Index{sizeof(Scalar)} >= far_apart;
  const bool b_by_rows = t.op_b == Op::transposed;
  const Index chunks = std::max<Index>(1, (t.k + max_chunk - 1) / max_chunk);
  const int high = static_cast<int>(vectors(t.m));
  const Index groups = (t.n + max_cols(high) - 1) / max_cols(high);
  Scalar* out = edge ? scratch.edge : c.data();
  const Index ld_out = edge ? vectors(t.m) * lanes : c.outerStride();
  if (edge && beta != Scalar(0)) copy(c.data(), c.outerStride(), out, ld_out, t.m, t.n);
  for (Index chunk = 0; chunk < chunks; ++chunk) {
    const Index p = t.k * chunk / chunks;
    const Index k = t.k * (chunk + 1) / chunks - p;
    const Scalar* a = t.op_a == Op::none ? t.a + p * t.lda : t.a + p;
    if (packed) pack(t.op_a, a, t.lda, t.m, k, scratch.panel);
    const Update update{t.alpha, chunk == 0 ? beta : Scalar(1), chunk == 0 && beta == Scalar(0)};
    for (Index g = 0; g < groups; ++g) {
      const Index j = t.n * g / groups;
      const Index n = t.n * (g + 1) / groups - j;
      const Scalar* b = b_by_rows ? t.b + p * t.ldb + j : t.b + p + j * t.ldb;
      const Scalar* columns = packed ? scratch.panel : a;
      const Index apart = packed ? vectors(t.m) * lanes : t.lda;
      Scalar* here = out + j * ld_out;
      if (b_by_rows) {
        block_for<Strided<true>>(high, n)(k, {columns, apart, b, t.ldb}, here, ld_out, update);
      } else {
        block_for<Strided<false>>(high, n)(k, {columns, apart, b, t.ldb}, here, ld_out, update);
      }
      if (chunk + 1 < chunks) continue;
      Scalar* final = c.data() + j * c.outerStride();
      if (edge) copy(out + j * ld_out, ld_out, final, c.outerStride(), t.m, n);
      if (done) done(0, j, MutView(final, t.m, n, Eigen::OuterStride<>(c.outerStride())));
    }
  }
}

std::string tile_backend() {
  return cat("Strata's kernel (", sizeof(Scalar) * 8, "-bit, vectors of ", vector_bytes * 8, " bits)");
}

}  // namespace strata
