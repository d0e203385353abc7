// The angle between matrices as vectors: exact where it is known, whatever the vectors' place in memory.

#include "framework/analysis/angle.hpp"

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>

#include "framework/core/errors.hpp"
#include "tests/support/message.hpp"

using namespace strata;

namespace {

/// A matrix that begins `offset` values into its memory, with a gap after each column.
struct Placed {
  Placed(Index offset, Index rows, Index cols, int seed)
      : memory(static_cast<std::size_t>(offset + (rows + 1) * cols)), offset(offset), rows(rows), cols(cols) {
    for (Index c = 0; c < cols; ++c) {
      for (Index r = 0; r < rows; ++r) {
        memory[static_cast<std::size_t>(offset + c * (rows + 1) + r)] =
            std::sin(static_cast<Scalar>((c * rows + r + 1) * seed));
      }
    }
  }
  View view() const { return {memory.data() + offset, rows, cols, Eigen::OuterStride<>(rows + 1)}; }
  std::vector<Scalar> memory;
  Index offset, rows, cols;
};

}  // namespace

BOOST_AUTO_TEST_CASE(equal_vectors_are_at_exactly_0_wherever_they_lie) {
  // Some rows and values at which sums differed in the last bit as long as the compiler fused each of them its own way.
  for (const Index rows : {1, 3, 5, 7, 8, 9, 64, 101}) {
    for (int seed = 1; seed <= 50; ++seed) {
      const Placed reference(0, rows, 6, seed);
      for (Index offset = 0; offset < 9; ++offset) {
        const double angle = angle_degrees(reference.view(), Placed(offset, rows, 6, seed).view());
        BOOST_TEST(angle == 0.0, rows << " rows from " << offset << ", seed " << seed << ": " << angle);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(known_angles) {
  Matrix u(2, 1), v(2, 1);
  u << 1, 0;
  v << 0, 3;
  const auto near = boost::test_tools::tolerance(1e-6);
  BOOST_TEST(angle_degrees(view(u), view(v)) == 90.0, near);
  v << -2, 0;
  BOOST_TEST(angle_degrees(view(u), view(v)) == 180.0, near);
  v << 1, 1;
  BOOST_TEST(angle_degrees(view(u), view(v)) == 45.0, near);
  v << 0, 0;
  BOOST_TEST(std::isnan(angle_degrees(view(u), view(v))));
}

BOOST_AUTO_TEST_CASE(pieces_add_up) {
  Matrix u = Matrix::Zero(2, 2), v = Matrix::Zero(2, 2), b(1, 1), c(1, 1);
  u(0, 0) = 3;
  v(0, 0) = 3;
  b << 0;
  c << 4;
  Angle angle;
  angle.add(view(u), view(v));
  angle.add(view(b), view(c));
  BOOST_TEST(angle.norm_u() == 3.0);
  BOOST_TEST(angle.norm_v() == 5.0);
  BOOST_TEST(angle.degrees() == std::acos(0.6) * 180 / std::acos(-1.0), boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(shapes_must_agree) {
  const Matrix u(2, 3), v(3, 2);
  BOOST_TEST(testing::message<ShapeError>([&] { angle_degrees(view(u), view(v)); }) ==
             "angle between a 2 × 3 and a 3 × 2 matrix");
}
