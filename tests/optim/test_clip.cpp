// Gradient clipping: torch's factor, and not a byte moved where nothing is clipped.

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "framework/core/errors.hpp"
#include "framework/core/rng.hpp"
#include "framework/optim/clip.hpp"
#include "framework/parallel/parallel.hpp"
#include "tests/support/threads.hpp"

using namespace strata;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double eps = std::numeric_limits<Scalar>::epsilon();

struct Gradients {
  std::vector<Matrix> values;
  std::vector<MutView> views;

  explicit Gradients(std::vector<Matrix> m) : values(std::move(m)) {
    for (Matrix& v : values) views.push_back(mut_view(v));
  }
  Gradients(const Gradients& other) : Gradients(other.values) {}
  Gradients& operator=(const Gradients&) = delete;

  bool same_bytes(const Gradients& o) const {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto bytes = static_cast<std::size_t>(values[i].size()) * sizeof(Scalar);
      if (std::memcmp(values[i].data(), o.values[i].data(), bytes) != 0) return false;
    }
    return true;
  }
};

// Norm 13, over two matrices, with a negative zero to lose.
Gradients thirteen() { return Gradients({Matrix{{3, Scalar(-0.0)}, {0, -4}}, Matrix{{12}}}); }

Gradients assorted() {
  std::vector<Matrix> all;
  for (const auto& [rows, cols] : std::vector<std::pair<Index, Index>>{{10000, 1}, {37, 1001}, {1, 20000}, {3, 5}}) {
    all.emplace_back(rows, cols);
    Rng(2, cat("clip", rows)).fill_normal(mut_view(all.back()), 0, 1);
  }
  return Gradients(all);
}

}  // namespace

BOOST_AUTO_TEST_CASE(norm) {
  BOOST_TEST(global_norm(thirteen().views) == 13.0);
  BOOST_TEST(global_norm({}) == 0.0);
  // What a float cannot square.
  Gradients tiny({Matrix::Constant(9, 1, Scalar(1e-30))});
  BOOST_TEST(global_norm(tiny.views) == 3e-30, boost::test_tools::tolerance(1e-6));
  Gradients g = assorted();
  double sum = 0;
  for (const Matrix& m : g.values) sum += m.cast<double>().squaredNorm();
  BOOST_TEST(global_norm(g.views) == std::sqrt(sum), boost::test_tools::tolerance(1e-13));
}

BOOST_AUTO_TEST_CASE(by_norm) {
  Gradients g = thirteen();
  BOOST_TEST(clip_by_norm(g.views, 6.5) == 13.0);
  const double factor = 6.5 / (13 + 1e-6);
  BOOST_TEST(g.values[0](0, 0) == 3 * factor, boost::test_tools::tolerance(2 * eps));
  BOOST_TEST(g.values[0](1, 1) == -4 * factor, boost::test_tools::tolerance(2 * eps));
  BOOST_TEST(g.values[1](0, 0) == 12 * factor, boost::test_tools::tolerance(2 * eps));
  BOOST_TEST(std::signbit(g.values[0](0, 1)));
  // The 1e-6 counts: a norm that just reaches the bound is scaled, one well below is not.
  Gradients small({Matrix::Constant(1, 1, Scalar(1e-6))});
  clip_by_norm(small.views, 1e-6);
  BOOST_TEST(small.values[0](0, 0) == 5e-7, boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(by_value) {
  Gradients g = thirteen();
  clip_by_value(g.views, 3.5);
  BOOST_TEST((g.values[0].array() == Matrix{{3, 0}, {0, -3.5}}.array()).all());
  BOOST_TEST(g.values[1](0, 0) == Scalar(3.5));
  BOOST_TEST(std::signbit(g.values[0](0, 1)));
}

BOOST_AUTO_TEST_CASE(nothing_clipped_no_byte_moved) {
  for (const double bound : {14.0, 1e300, infinity}) {
    Gradients g = thirteen();
    clip_by_norm(g.views, bound);
    clip_by_value(g.views, bound);
    BOOST_TEST(g.same_bytes(thirteen()));
  }
  Gradients broken({Matrix{{Scalar(infinity), Scalar(not_a_number)}, {1, 2}}});
  const Gradients before = broken;
  clip_by_norm(broken.views, infinity);
  clip_by_value(broken.views, infinity);
  BOOST_TEST(broken.same_bytes(before));
}

BOOST_AUTO_TEST_CASE(nan_is_not_hidden) {
  Gradients g({Matrix{{Scalar(not_a_number), 9}}});
  clip_by_value(g.views, 1);
  BOOST_TEST(std::isnan(g.values[0](0, 0)));
  BOOST_TEST(g.values[0](0, 1) == 1);
  clip_by_norm(g.views, 1);
  BOOST_TEST(std::isnan(g.values[0](0, 1)));
}

BOOST_AUTO_TEST_CASE(the_number_of_threads_does_not_show) {
  const testing::EightThreads eight;
  Gradients one = assorted();
  const double norm = clip_by_norm(one.views, 1);
  clip_by_value(one.views, 0.002);
  for (const int threads : {2, 3, 8}) {
    with_threads(threads, [&] {
      Gradients g = assorted();
      BOOST_TEST(clip_by_norm(g.views, 1) == norm);
      clip_by_value(g.views, 0.002);
      BOOST_TEST(g.same_bytes(one));
    });
  }
}

BOOST_AUTO_TEST_CASE(part_of_a_larger_matrix) {
  Matrix big{{9, 8}, {3, 1}, {1, 5}, {9, 8}};
  std::vector<MutView> part = {MutView(big.data() + 1, 2, 2, Eigen::OuterStride<>(4))};
  BOOST_TEST(global_norm(part) == 6.0);
  clip_by_value(part, 2);
  BOOST_TEST((big.array() == Matrix{{9, 8}, {2, 1}, {1, 2}, {9, 8}}.array()).all());
}

BOOST_AUTO_TEST_CASE(senseless_bounds) {
  Gradients g = thirteen();
  for (const double bound : {0.0, -1.0, not_a_number, -infinity}) {
    BOOST_CHECK_THROW(clip_by_norm(g.views, bound), UsageError);
    BOOST_CHECK_THROW(clip_by_value(g.views, bound), UsageError);
  }
}
