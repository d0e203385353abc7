// Jobs run in order, one at a time, all of them; what one throws comes out where it was waited for, and there alone.

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <vector>

#include "framework/core/errors.hpp"
#include "framework/io/writer_thread.hpp"
#include "tests/support/message.hpp"

using namespace strata;
using strata::testing::message;

BOOST_AUTO_TEST_CASE(jobs_run_in_order_and_all_of_them) {
  std::vector<int> seen;
  {
    WriterThread writer(2);  // fewer than there are jobs: submit waits
    for (int i = 0; i < 100; ++i) writer.submit([&seen, i] { seen.push_back(i); });
  }
  BOOST_REQUIRE(seen.size() == 100U);
  for (int i = 0; i < 100; ++i) BOOST_TEST(seen[static_cast<std::size_t>(i)] == i);
}

BOOST_AUTO_TEST_CASE(a_failure_comes_out_once_and_stops_nothing) {
  WriterThread writer;
  Written bad = writer.submit([] { throw IoError("disk full"); });
  Written good = writer.submit([] {});
  BOOST_TEST(bad.valid());
  BOOST_TEST(message<IoError>([&] { bad.get(); }) == "disk full");
  BOOST_TEST(!bad.valid());
  good.get();
  BOOST_TEST(!good.valid());
  BOOST_TEST(!Written().valid());
}

BOOST_AUTO_TEST_CASE(what_failed_belongs_to_who_waited) {
  // Under TSan: the failure is made on one thread and destroyed on another.
  WriterThread writer;
  std::atomic<int> failures = 0;
  for (int i = 0; i < 200; ++i) {
    Written job = writer.submit([i] {
      if (i % 2 == 0) throw IoError("disk full");
    });
    if (i % 4 == 0) job.wait();
    try {
      job.get();
    } catch (const IoError&) {
      ++failures;
    }
  }
  writer.submit([] { throw IoError("nobody asks"); });
  BOOST_TEST(failures == 100);
}
