// OpenBLAS under the tiles: its pthread flavour, linked by full path and kept at one thread a call. The serial flavour of
// Debian is built without locking, and silently wrong when several threads call it.
#include <cblas.h>

#include "framework/core/errors.hpp"
#include "framework/parallel/gemm_tile.hpp"

namespace strata {
namespace {

CBLAS_TRANSPOSE blas(Op op) { return op == Op::none ? CblasNoTrans : CblasTrans; }

// Once, before the first product.
bool one_thread() {
  if (openblas_get_parallel() != OPENBLAS_THREAD) {
    throw UsageError(cat("OpenBLAS ", openblas_get_config(), ": expected its pthread flavour, libopenblas0-pthread"));
  }
  openblas_set_num_threads(1);
  return true;
}

}  // namespace

Index tile_rows() { return 256; }
Index max_tile_cols() { return max_tile_size / 256; }

void multiply_tile(const TileProduct& t, MutView c, Scalar beta, BlockBody done) {
  [[maybe_unused]] static const bool ready = one_thread();
  const auto m = static_cast<blasint>(t.m), n = static_cast<blasint>(t.n), k = static_cast<blasint>(t.k);
  const auto lda = static_cast<blasint>(t.lda), ldb = static_cast<blasint>(t.ldb);
  const auto ldc = static_cast<blasint>(c.outerStride());
  if constexpr (sizeof(Scalar) == sizeof(float)) {
    cblas_sgemm(CblasColMajor, blas(t.op_a), blas(t.op_b), m, n, k, static_cast<float>(t.alpha),
                reinterpret_cast<const float*>(t.a), lda, reinterpret_cast<const float*>(t.b), ldb,
                static_cast<float>(beta), reinterpret_cast<float*>(c.data()), ldc);
  } else {
    cblas_dgemm(CblasColMajor, blas(t.op_a), blas(t.op_b), m, n, k, static_cast<double>(t.alpha),
                reinterpret_cast<const double*>(t.a), lda, reinterpret_cast<const double*>(t.b), ldb,
                static_cast<double>(beta), reinterpret_cast<double*>(c.data()), ldc);
  }
  if (done) done(0, 0, c);
}

std::string tile_backend() { return cat(openblas_get_config(), " (", sizeof(Scalar) * 8, "-bit, one thread a call)"); }

}  // namespace strata
