// Eigen's product under the tiles.
#include "framework/core/errors.hpp"
#include "framework/parallel/gemm_tile.hpp"

namespace strata {
namespace {

template <class A, class B> void product(const A& a, const B& b, MutView c, Scalar alpha, Scalar beta) {
  if (beta == Scalar(0)) {
    c.setZero();
  } else if (beta != Scalar(1)) {
    c *= beta;
  }
  c.noalias() += alpha * (a * b);
}

}  // namespace

Index tile_rows() { return 256; }
Index max_tile_cols() { return max_tile_size / 256; }

void multiply_tile(const TileProduct& t, MutView c, Scalar beta, BlockBody done) {
  const auto stored = [](const Scalar* data, Op op, Index rows, Index cols, Index ld) {
    return View(data, op == Op::none ? rows : cols, op == Op::none ? cols : rows, Eigen::OuterStride<>(ld));
  };
  const View a = stored(t.a, t.op_a, t.m, t.k, t.lda);
  const View b = stored(t.b, t.op_b, t.k, t.n, t.ldb);
  if (t.op_a == Op::none) {
    if (t.op_b == Op::none) product(a, b, c, t.alpha, beta);
    else product(a, b.transpose(), c, t.alpha, beta);
  } else {
    if (t.op_b == Op::none) product(a.transpose(), b, c, t.alpha, beta);
    else product(a.transpose(), b.transpose(), c, t.alpha, beta);
  }
  if (done) done(0, 0, c);
}

std::string tile_backend() {
  return cat("Eigen ", EIGEN_WORLD_VERSION, ".", EIGEN_MAJOR_VERSION, ".", EIGEN_MINOR_VERSION, " (",
             sizeof(Scalar) * 8, "-bit, ", Eigen::SimdInstructionSetsInUse(), ")");
}

}  // namespace strata
