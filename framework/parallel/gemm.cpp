#include "framework/parallel/gemm.hpp"

#include <algorithm>

#include "framework/core/errors.hpp"
#include "framework/parallel/gemm_tile.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata {
namespace {

// Fewer multiply-adds than this and the threads are not worth waking. Only scheduling: the tiles stay the same.
constexpr Index inline_multiply_adds = 200'000;
// A product is cut into at least so many tiles, if they get no narrower than this and have so many multiply-adds left.
constexpr Index wanted_tiles = 8;
constexpr Index narrowest_tile = 32;
constexpr Index tile_multiply_adds = 250'000;

thread_local double multiply_adds_here = 0;

Index parts(Index whole, Index part) { return (whole + part - 1) / part; }

struct Product {
  Op op_a;
  View a;
  Op op_b;
  View b;
  Index m, n, k;
  Scalar alpha;

  Index tiles_m() const { return parts(m, tile_rows()); }
  Index tiles_n() const {
    Index width = max_tile_cols();
    const auto worth = [&](Index w) { return std::min(m, tile_rows()) * std::min(n, w) * k >= tile_multiply_adds; };
    while (width > narrowest_tile && tiles_m() * parts(n, width) < wanted_tiles && worth(width / 2)) width /= 2;
    return parts(n, width);
  }
};

Product product_of(Op op_a, View a, Op op_b, View b, Scalar alpha) {
  return {op_a,
          a,
          op_b,
          b,
          op_a == Op::none ? a.rows() : a.cols(),
          op_b == Op::none ? b.cols() : b.rows(),
          op_a == Op::none ? a.cols() : a.rows(),
          alpha};
}

// Calls tile(product, first row, first column) for every tile.
template <class Tile> void for_each_tile(const Product& p, const Tile& tile) {
  if (p.m == 0 || p.n == 0) return;
  multiply_adds_here += static_cast<double>(p.m) * static_cast<double>(p.n) * static_cast<double>(p.k);
  const Index tiles_m = p.tiles_m();
  const Index tiles_n = p.tiles_n();
  // Columns of tiles one after the other: a thread's share of a loop is a range of columns, which lie together in memory.
  // Its half of a weight's update, interleaved with another's, would keep moving between the caches.
  const auto one = [&](Index t) {
    const Index row = (t % tiles_m) * tile_rows();
    const Index col = p.n * (t / tiles_m) / tiles_n;
    const Index rows = std::min(tile_rows(), p.m - row);
    const Index cols = p.n * (t / tiles_m + 1) / tiles_n - col;
    const Index lda = p.a.outerStride();
    const Index ldb = p.b.outerStride();
    tile(TileProduct{p.op_a, p.a.data() + (p.op_a == Op::none ? row : row * lda), lda, p.op_b,
                     p.b.data() + (p.op_b == Op::none ? col * ldb : col), ldb, rows, cols, p.k, p.alpha},
         row, col);
  };
  if (p.m * p.n * p.k < inline_multiply_adds) {
    for (Index t = 0; t < tiles_m * tiles_n; ++t) one(t);
  } else {
    parallel_for(tiles_m * tiles_n, one);
  }
}

void check(const Product& p, Index rows, Index cols) {
  const Index k_b = p.op_b == Op::none ? p.b.rows() : p.b.cols();
  if (p.k == k_b && rows == p.m && cols == p.n) return;
  throw ShapeError(cat("matrix product: ", p.m, " × ", p.k, " times ", k_b, " × ", p.n, " into ", rows, " × ", cols));
}

}  // namespace

void gemm(Op op_a, View a, Op op_b, View b, MutView c, Scalar alpha, Scalar beta, BlockBody done) {
  const Product p = product_of(op_a, a, op_b, b, alpha);
  check(p, c.rows(), c.cols());
  for_each_tile(p, [&](const TileProduct& t, Index row, Index col) {
    const MutView out(c.data() + col * c.outerStride() + row, t.m, t.n, Eigen::OuterStride<>(c.outerStride()));
    if (!done) {
      multiply_tile(t, out, beta, {});
    } else {
      multiply_tile(t, out, beta, [&](Index r, Index n, MutView block) { done(row + r, col + n, block); });
    }
  });
}

void gemm_blocks(Op op_a, View a, Op op_b, View b, Scalar alpha, BlockBody done) {
  const Product p = product_of(op_a, a, op_b, b, alpha);
  check(p, p.m, p.n);
  for_each_tile(p, [&](const TileProduct& t, Index row, Index col) {
    // Not from the heap: a thread that gets its first tile in the middle of training allocates nothing.
    alignas(64) thread_local Scalar tile[max_tile_size];
    const MutView out(tile, t.m, t.n, Eigen::OuterStride<>(tile_rows()));
    multiply_tile(t, out, 0, [&](Index r, Index n, MutView block) { done(row + r, col + n, block); });
  });
}

void row_sums_blocks(View m, Scalar alpha, BlockBody done) {
  // Column after column in index order, a strip of rows at a time: contiguous, and one order of summation.
  constexpr Index strip = 64;
  constexpr Index inline_elements = 16'384;
  const auto one = [&](Index s) {
    const Index r = s * strip;
    const Index rows = std::min(strip, m.rows() - r);
    Eigen::Matrix<Scalar, strip, 1> sum = Eigen::Matrix<Scalar, strip, 1>::Zero();
    if (rows == strip) {
      for (Index c = 0; c < m.cols(); ++c) sum += m.col(c).segment<strip>(r);
    } else {
      for (Index c = 0; c < m.cols(); ++c) sum.head(rows) += m.col(c).segment(r, rows);
    }
    sum *= alpha;
    done(r, 0, MutView(sum.data(), rows, 1, Eigen::OuterStride<>(strip)));
  };
  const Index strips = parts(m.rows(), strip);
  if (m.size() < inline_elements) {
    for (Index s = 0; s < strips; ++s) one(s);
  } else {
    parallel_for(strips, one);
  }
}

void row_sums(View m, MutView out, Scalar alpha, Scalar beta) {
  if (out.rows() != m.rows() || out.cols() != 1) {
    throw ShapeError(cat("row sums: ", m.rows(), " × ", m.cols(), " into ", out.rows(), " × ", out.cols()));
  }
  row_sums_blocks(m, alpha, [&](Index row, Index, MutView sum) {
    auto here = out.col(0).segment(row, sum.rows());
    if (beta == Scalar(0)) {
      here = sum.col(0);
    } else {
      here = beta * here + sum.col(0);
    }
  });
}

CountMultiplyAdds::CountMultiplyAdds() : start_(multiply_adds_here) {}
double CountMultiplyAdds::count() const { return multiply_adds_here - start_; }

void count_multiply_adds(double count) { multiply_adds_here += count; }

std::string gemm_backend() { return tile_backend(); }

}  // namespace strata
