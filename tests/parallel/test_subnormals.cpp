// Numbers nearer to 0 than the smallest normal one, inside and outside of runs.
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <limits>
#include <utility>

#include "framework/core/errors.hpp"
#include "framework/parallel/parallel.hpp"
#include "tests/support/threads.hpp"

using namespace strata;
using strata::testing::Barrier;
using strata::testing::EightThreads;

// On each thread, the caller's among them, and never beyond the work. Both halves: results and operands.
BOOST_AUTO_TEST_CASE(subnormal_numbers_are_0_where_threads_were_asked_for) {
  const EightThreads eight;
  const auto flushed = [] {
    volatile Scalar small = std::numeric_limits<Scalar>::min(), half = Scalar(0.5), two = 2;
    volatile Scalar subnormal = std::numeric_limits<Scalar>::denorm_min();
    return std::pair(small * half == 0, subnormal * two == 0);
  };
  const std::pair yes(true, true), no(false, false);
  BOOST_TEST((flushed() == no));
  for (const int threads : {1, 2, 8}) {
    Barrier barrier(threads);
    std::atomic<int> right{0};
    with_threads(threads, [&] {
      if (flushed() == yes) ++right;
      parallel_for(threads, [&](Index) {
        barrier.arrive();
        if (flushed() == yes) ++right;
      });
    });
    BOOST_TEST(right == threads + 1, threads << " threads: " << right);
    BOOST_TEST((flushed() == no));
    BOOST_CHECK_THROW(with_threads(threads, [] { throw DataError("stop"); }), DataError);
    BOOST_TEST((flushed() == no));
  }
}
