// The parallel seam (each index once, errors come back, N threads really run) and the matrix product cut in tiles.
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <limits>
#include <mutex>
#include <set>
#include <thread>

#include "framework/core/errors.hpp"
#include "framework/core/rng.hpp"
#include "framework/parallel/column_blocks.hpp"
#include "framework/parallel/gemm.hpp"
#include "framework/parallel/parallel.hpp"
#include "tests/support/says.hpp"
#include "tests/support/threads.hpp"

using namespace strata;
using strata::testing::Barrier;
using strata::testing::bytes;
using strata::testing::EightThreads;
using strata::testing::says;

namespace {

Matrix random(Index rows, Index cols, const char* name) {
  Matrix m(rows, cols);
  Rng(1, name).fill_normal(mut_view(m), 0, 1);
  return m;
}

const std::vector<Op> ops = {Op::none, Op::transposed};

Matrix stored(Op op, Index rows, Index cols, const char* name) {
  return op == Op::none ? random(rows, cols, name) : random(cols, rows, name);
}

/// alpha·op(a)·op(b) + beta·c, element by element in double.
Eigen::MatrixXd naive(Op op_a, const Matrix& a, Op op_b, const Matrix& b, const Matrix& c, double alpha, double beta) {
  const auto at = [](const Matrix& m, Op op, Index r, Index col) {
    return static_cast<double>(op == Op::none ? m(r, col) : m(col, r));
  };
  const Index inner = op_a == Op::none ? a.cols() : a.rows();
  Eigen::MatrixXd out(c.rows(), c.cols());
  for (Index j = 0; j < c.cols(); ++j) {
    for (Index i = 0; i < c.rows(); ++i) {
      double sum = 0;
      for (Index k = 0; k < inner; ++k) sum += at(a, op_a, i, k) * at(b, op_b, k, j);
      out(i, j) = alpha * sum + (beta == 0 ? 0 : beta * static_cast<double>(c(i, j)));
    }
  }
  return out;
}

double distance(const Matrix& a, const Eigen::MatrixXd& b) {
  return (a.cast<double>() - b).cwiseAbs().maxCoeff() / std::max(1.0, b.cwiseAbs().maxCoeff());
}

}  // namespace

BOOST_AUTO_TEST_CASE(each_index_once) {
  const EightThreads eight;
  for (const int threads : {1, 2, 3, 8}) {
    for (const Index count : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> calls(static_cast<std::size_t>(count));
      with_threads(threads, [&] { parallel_for(count, [&](Index i) { ++calls[static_cast<std::size_t>(i)]; }); });
      bool once = true;
      for (const auto& n : calls) once = once && n == 1;
      BOOST_TEST_CONTEXT(threads << " threads, " << count) { BOOST_TEST(once); }
    }
  }
  parallel_for(3, [&](Index) { BOOST_TEST(current_threads() == 1); });
}

// Each body waits until `threads` bodies are inside at once: with fewer threads it would give up and fail.
BOOST_AUTO_TEST_CASE(that_many_threads_really_run) {
  const EightThreads eight;
  for (const int threads : {2, 3, 8}) {
    Barrier barrier(threads);
    std::atomic<bool> all{true};
    std::mutex guard;
    std::set<std::thread::id> seen;
    with_threads(threads, [&] {
      BOOST_TEST(current_threads() == threads);
      parallel_for(threads, [&](Index) {
        if (!barrier.arrive()) all = false;
        const std::lock_guard lock(guard);
        seen.insert(std::this_thread::get_id());
      });
    });
    BOOST_TEST_CONTEXT(threads) {
      BOOST_TEST(all);
      BOOST_TEST(static_cast<int>(seen.size()) == threads);
    }
  }
}

BOOST_AUTO_TEST_CASE(one_thread_runs_inline_and_in_order) {
  std::vector<Index> order;
  const auto here = std::this_thread::get_id();
  with_threads(1, [&] {
    parallel_for(5, [&](Index i) {
      BOOST_TEST((std::this_thread::get_id() == here));
      order.push_back(i);
    });
  });
  const std::vector<Index> expected = {0, 1, 2, 3, 4};
  BOOST_TEST(order == expected, boost::test_tools::per_element());
}

// Members go to sleep between loops that come seldom, help where one is late, and nobody is left behind.
BOOST_AUTO_TEST_CASE(loops_that_come_seldom_or_are_uneven) {
  const EightThreads eight;
  for (const int threads : {2, 3, 8}) {
    with_threads(threads, [&] {
      for (int round = 0; round < 20; ++round) {
        if (round % 5 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));  // long enough to fall asleep
        std::vector<std::atomic<int>> calls(37);
        parallel_for(37, [&](Index i) {
          // All the work in one member's share.
          const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(i < 10 ? 200 : 0);
          while (std::chrono::steady_clock::now() < until) {
          }
          ++calls[static_cast<std::size_t>(i)];
        });
        for (const auto& n : calls) BOOST_REQUIRE(n == 1);
      }
    });
  }
}

BOOST_AUTO_TEST_CASE(errors_come_back) {
  const EightThreads eight;
  for (const int threads : {1, 2, 8}) {
    const auto run = [&] {
      with_threads(threads, [] {
        parallel_for(100, [](Index i) {
          if (i == 42) throw UsageError("tile 42");
        });
      });
    };
    BOOST_CHECK_EXCEPTION(run(), UsageError, says({"tile 42"}));
    BOOST_TEST(current_threads() == 1);
    int after = 0;  // the seam works on
    with_threads(1, [&] { parallel_for(3, [&](Index) { ++after; }); });
    BOOST_TEST(after == 3);
  }
}

BOOST_AUTO_TEST_CASE(jobs_all_run_and_share_the_threads) {
  const EightThreads eight;
  run_many({}, 4);
  for (const int threads : {1, 2, 3, 8}) {
    for (const int jobs : {1, 3, 20}) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(jobs));
      std::mutex guard;
      int widest = 0, narrowest = 99, running = 0, most = 0;
      std::vector<std::function<void()>> work;
      for (int j = 0; j < jobs; ++j) {
        work.emplace_back([&, j] {
          {
            const std::lock_guard lock(guard);
            widest = std::max(widest, current_threads());
            narrowest = std::min(narrowest, current_threads());
            most = std::max(most, ++running);
          }
          parallel_for(4, [&](Index) { ++runs[static_cast<std::size_t>(j)]; });
          const std::lock_guard lock(guard);
          --running;
        });
      }
      run_many(work, threads);
      BOOST_TEST_CONTEXT(threads << " threads, " << jobs << " jobs") {
        for (const auto& n : runs) BOOST_TEST(n == 4);
        // As many at once as there are threads at most, and the threads shared out as evenly as they divide.
        const int slots = std::min(threads, jobs);
        BOOST_TEST(most <= slots);
        BOOST_TEST(widest <= (threads + slots - 1) / slots);
        BOOST_TEST(narrowest >= threads / slots);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(jobs_run_side_by_side) {
  const EightThreads eight;
  for (const int threads : {2, 3, 8}) {
    Barrier barrier(threads);
    std::atomic<int> together{0};
    run_many(
        std::vector<std::function<void()>>(static_cast<std::size_t>(threads), [&] { together += barrier.arrive(); }),
        threads);
    BOOST_TEST(together == threads);
  }
  BOOST_TEST(hardware_threads() >= 1);
}

// Two jobs on eight threads: each job's bodies really run on four.
BOOST_AUTO_TEST_CASE(jobs_have_threads_of_their_own) {
  const EightThreads eight;
  Barrier barrier(8);
  std::atomic<int> together{0};
  const std::function<void()> job = [&] { parallel_for(4, [&](Index) { together += barrier.arrive(); }); };
  run_many({job, job}, 8);
  BOOST_TEST(together == 8);
}

BOOST_AUTO_TEST_CASE(column_blocks_cover_once) {
  for (const Index rows : {0, 1, 100, 9000}) {
    for (const Index cols : {0, 1, 5, 20'000}) {
      Index next = 0;  // inline, so in order
      for_column_blocks(rows, cols, [&](Index first, Index count) {
        BOOST_TEST(first == next);
        BOOST_TEST(count >= 1);
        next += count;
      });
      BOOST_TEST(next == cols);
    }
  }
}

BOOST_AUTO_TEST_CASE(products_match_a_naive_one) {
  struct Size {
    Index m, k, n;
  };
  // Vectors, no inner dimension, Eigen's small kernels, and shapes one beside a tile's edge.
  const std::vector<Size> sizes = {{1, 1, 1},    {3, 0, 2},    {1, 7, 5},      {5, 7, 1},    {4, 3, 2},
                                   {17, 13, 29}, {257, 5, 33}, {255, 31, 129}, {300, 40, 65}};
  for (const Size s : sizes) {
    for (const Op op_a : ops) {
      for (const Op op_b : ops) {
        const Matrix a = stored(op_a, s.m, s.k, "a"), b = stored(op_b, s.k, s.n, "b"), c0 = random(s.m, s.n, "c");
        for (const auto& [alpha, beta] : {std::pair{1.0, 0.0}, {1.0, 1.0}, {-0.5, 0.25}, {0.0, 2.0}}) {
          Matrix c = c0;
          gemm(op_a, view(a), op_b, view(b), mut_view(c), Scalar(alpha), Scalar(beta));
          BOOST_TEST_CONTEXT(s.m << " " << s.k << " " << s.n << " alpha " << alpha << " beta " << beta) {
            BOOST_TEST(distance(c, naive(op_a, a, op_b, b, c0, alpha, beta)) < 2e-6);
          }
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(beta_zero_overwrites_whatever_was_there) {
  for (const Index m : {3, 300}) {
    const Matrix a = random(m, 20, "a"), b = random(20, 70, "b");
    Matrix c = Matrix::Constant(m, 70, std::numeric_limits<Scalar>::quiet_NaN());
    gemm(Op::none, view(a), Op::none, view(b), mut_view(c));
    BOOST_TEST(distance(c, naive(Op::none, a, Op::none, b, Matrix::Zero(m, 70), 1, 0)) < 2e-6);
    Vector sums = Vector::Constant(m, std::numeric_limits<Scalar>::infinity());
    row_sums(view(a), MutView(sums.data(), m, 1, Eigen::OuterStride<>(m)));
    BOOST_TEST(sums.allFinite());
  }
}

BOOST_AUTO_TEST_CASE(windows_of_larger_buffers) {
  for (const Op op_a : ops) {
    for (const Op op_b : ops) {
      constexpr Index m = 270, k = 45, n = 70;
      const Matrix a = stored(op_a, m, k, "a"), b = stored(op_b, k, n, "b");
      // The same matrices at odd places of buffers with odd leading dimensions.
      const auto inside = [](const Matrix& m_in, Matrix& big) {
        big = Matrix::Constant(m_in.rows() + 7, m_in.cols() + 2, 1e6f);
        big.block(3, 1, m_in.rows(), m_in.cols()) = m_in;
        const Index lead = big.rows();
        return MutView(big.data() + lead + 3, m_in.rows(), m_in.cols(), Eigen::OuterStride<>(lead));
      };
      Matrix big_a, big_b, big_c;
      const MutView a_view = inside(a, big_a), b_view = inside(b, big_b);
      const MutView c_view = inside(Matrix::Zero(m, n), big_c);
      gemm(op_a, view(a_view), op_b, view(b_view), c_view);
      BOOST_TEST(distance(big_c.block(3, 1, m, n), naive(op_a, a, op_b, b, Matrix::Zero(m, n), 1, 0)) < 2e-6);
      big_c.block(3, 1, m, n).setConstant(1e6f);
      BOOST_TEST((big_c.array() == Scalar(1e6f)).all());  // nothing written beside the window
    }
  }
}

// Inner sums of several chunks, blocks at every kind of edge, columns a page apart.
BOOST_AUTO_TEST_CASE(long_sums_and_all_edges) {
  for (const Index m : {1, 15, 16, 31, 33, 47, 63, 64, 65, 100, 1100}) {
    for (const Index n : {1, 2, 5, 6, 7, 40}) {
      for (const Op op_a : ops) {
        for (const Op op_b : ops) {
          constexpr Index k = 290;
          const Matrix a = stored(op_a, m, k, "a"), b = stored(op_b, k, n, "b"), c0 = random(m, n, "c");
          Matrix c = c0;
          gemm(op_a, view(a), op_b, view(b), mut_view(c), 2, Scalar(0.5));
          BOOST_TEST_CONTEXT(m << " × " << n) { BOOST_TEST(distance(c, naive(op_a, a, op_b, b, c0, 2, 0.5)) < 2e-6); }
        }
      }
    }
  }
}

// Where in a product an element lies does not show in its bits: parts computed alone are equal to the whole's.
BOOST_AUTO_TEST_CASE(bits_do_not_depend_on_the_cut) {
  if (gemm_backend().find("Strata") == std::string::npos) return;  // a library promises less
  constexpr Index m = 150, k = 300, n = 77;
  for (const Op op_a : ops) {
    for (const Op op_b : ops) {
      const Matrix a = stored(op_a, m, k, "a"), b = stored(op_b, k, n, "b"), c0 = random(m, n, "c");
      Matrix whole = c0;
      gemm(op_a, view(a), op_b, view(b), mut_view(whole), Scalar(0.3), Scalar(0.7));
      for (const auto& [row, rows] : {std::pair<Index, Index>{0, 1}, {3, 29}, {64, 86}}) {
        for (const auto& [col, cols] : {std::pair<Index, Index>{0, 1}, {5, 8}, {30, 47}}) {
          const Matrix a_part = op_a == Op::none ? Matrix(a.middleRows(row, rows)) : Matrix(a.middleCols(row, rows));
          const Matrix b_part = op_b == Op::none ? Matrix(b.middleCols(col, cols)) : Matrix(b.middleRows(col, cols));
          Matrix part = c0.block(row, col, rows, cols);
          gemm(op_a, view(a_part), op_b, view(b_part), mut_view(part), Scalar(0.3), Scalar(0.7));
          BOOST_TEST((bytes(part) == bytes(Matrix(whole.block(row, col, rows, cols)))));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(blocks_cover_a_product_once) {
  const EightThreads eight;
  for (const Index m : {10, 64, 200}) {
    for (const Index k : {20, 300}) {
      constexpr Index n = 150;
      const Matrix a = random(m, k, "a"), b = random(n, k, "b");
      Matrix whole = Matrix::Zero(m, n);
      gemm(Op::none, view(a), Op::transposed, view(b), mut_view(whole), Scalar(0.5));
      for (const int threads : {1, 2, 8}) {
        Matrix stored_by_hand = Matrix::Zero(m, n), seen = Matrix::Zero(m, n), changed = Matrix::Zero(m, n);
        with_threads(threads, [&] {
          gemm_blocks(Op::none, view(a), Op::transposed, view(b), Scalar(0.5), [&](Index r, Index c, MutView block) {
            stored_by_hand.block(r, c, block.rows(), block.cols()) = block;
            seen.block(r, c, block.rows(), block.cols()).array() += 1;
          });
          gemm(Op::none, view(a), Op::transposed, view(b), mut_view(changed), Scalar(0.5), 0,
               [](Index, Index, MutView block) { block.array() += 1; });
        });
        BOOST_TEST((bytes(stored_by_hand) == bytes(whole)));
        BOOST_TEST((seen.array() == 1).all());
        BOOST_TEST((bytes(changed) == bytes(Matrix(whole.array() + 1))));
      }
    }
  }
}

// Many products at once, each on one thread: what a library that keeps state behind its calls gets wrong now and then.
BOOST_AUTO_TEST_CASE(concurrent_products_are_right) {
  const EightThreads eight;
  const Matrix a = random(40, 30, "a"), b = random(30, 20, "b");
  Matrix made = Matrix::Zero(40, 20);
  gemm(Op::none, view(a), Op::none, view(b), mut_view(made));
  BOOST_TEST(distance(made, naive(Op::none, a, Op::none, b, Matrix::Zero(40, 20), 1, 0)) < 2e-6);
  const std::string reference = bytes(made);
  std::atomic<int> wrong{0};
  with_threads(4, [&] {
    parallel_for(1000, [&](Index) {
      Matrix c = Matrix::Zero(40, 20);
      for (int i = 0; i < 100; ++i) {
        gemm(Op::none, view(a), Op::none, view(b), mut_view(c));
        wrong += bytes(c) != reference;
      }
    });
  });
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(the_number_of_threads_does_not_show) {
  const EightThreads eight;
  constexpr Index m = 600, k = 300, n = 200;  // 3 × 4 tiles, edges in both directions
  for (const Op op_a : ops) {
    for (const Op op_b : ops) {
      const Matrix a = stored(op_a, m, k, "a"), b = stored(op_b, k, n, "b"), c0 = random(m, n, "c");
      const auto product = [&] {
        Matrix c = c0;
        gemm(op_a, view(a), op_b, view(b), mut_view(c), Scalar(0.3), Scalar(0.7));
        return c;
      };
      const Matrix made = product();
      const std::string reference = bytes(made);
      const auto in_double = [](Op op, const Matrix& s) -> Eigen::MatrixXd {
        return op == Op::none ? Eigen::MatrixXd(s.cast<double>()) : Eigen::MatrixXd(s.transpose().cast<double>());
      };
      const Eigen::MatrixXd sum = in_double(op_a, a) * in_double(op_b, b);
      BOOST_TEST(distance(made, double(Scalar(0.3)) * sum + double(Scalar(0.7)) * c0.cast<double>()) < 2e-6);
      for (const int threads : {1, 2, 3, 8}) {
        for (int repeat = 0; repeat < 3; ++repeat) {
          with_threads(threads, [&] { BOOST_TEST((bytes(product()) == reference)); });
        }
      }
    }
  }
}

// Products of several runs at once: what happens beside one does not show in it.
BOOST_AUTO_TEST_CASE(concurrent_products) {
  const EightThreads eight;
  const Matrix a = random(300, 64, "a"), b = random(64, 70, "b");
  const auto product = [&] {
    Matrix c(300, 70);
    gemm(Op::none, view(a), Op::none, view(b), mut_view(c));
    return bytes(c);
  };
  const std::string reference = product();
  std::atomic<int> wrong{0};
  const std::function<void()> job = [&] {
    for (int i = 0; i < 20; ++i) wrong += product() != reference;
  };
  run_many(std::vector<std::function<void()>>(16, job), 4);
  run_many(std::vector<std::function<void()>>(3, job), 8);
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(shapes_that_do_not_fit) {
  const Matrix a = random(3, 4, "a"), b = random(5, 6, "b");
  Matrix c = Matrix::Constant(3, 6, 7);
  BOOST_CHECK_EXCEPTION(gemm(Op::none, view(a), Op::none, view(b), mut_view(c)), ShapeError,
                        says({"3 × 4", "5 × 6", "3 × 6"}));
  BOOST_CHECK_EXCEPTION(gemm(Op::transposed, view(a), Op::transposed, view(b), mut_view(c)), ShapeError,
                        says({"4 × 3", "6 × 5", "3 × 6"}));
  const Matrix fits = random(4, 6, "b");
  for (const auto& [rows, cols] : {std::pair<Index, Index>{2, 6}, {3, 5}}) {
    Matrix small(rows, cols);
    BOOST_CHECK_EXCEPTION(gemm(Op::none, view(a), Op::none, view(fits), mut_view(small)), ShapeError,
                          says({cat(rows, " × ", cols)}));
  }
  BOOST_TEST((c.array() == 7).all());
  Matrix sums(4, 1), wide(3, 2);
  BOOST_CHECK_EXCEPTION(row_sums(view(a), mut_view(sums)), ShapeError, says({"3 × 4", "4 × 1"}));
  BOOST_CHECK_EXCEPTION(row_sums(view(a), mut_view(wide)), ShapeError, says({"3 × 4", "3 × 2"}));
}

BOOST_AUTO_TEST_CASE(sums_of_rows) {
  const Matrix m{{1, 2, 3}, {-4, 5, 0.5}};
  Matrix out{{10}, {20}};
  row_sums(view(m), mut_view(out), 2, Scalar(0.5));
  BOOST_TEST(out(0, 0) == 17);
  BOOST_TEST(out(1, 0) == 13);
  row_sums(view(m), mut_view(out));
  BOOST_TEST(out(0, 0) == 6);
  BOOST_TEST(out(1, 0) == 1.5);
  row_sums(View(m.data(), 2, 0, Eigen::OuterStride<>(2)), mut_view(out));
  BOOST_TEST(out.norm() == 0);
}

BOOST_AUTO_TEST_CASE(multiply_adds_are_counted) {
  const Matrix a = random(3, 4, "a"), b = random(4, 5, "b");
  Matrix c(3, 5), d(5, 3);
  const CountMultiplyAdds outer;
  gemm(Op::none, view(a), Op::none, view(b), mut_view(c));
  const CountMultiplyAdds inner;
  gemm(Op::transposed, view(b), Op::transposed, view(a), mut_view(d));
  BOOST_TEST(inner.count() == 60);
  BOOST_TEST(outer.count() == 120);
  BOOST_TEST(gemm_backend().find(sizeof(Scalar) == 4 ? "32-bit" : "64-bit") != std::string::npos);
}
