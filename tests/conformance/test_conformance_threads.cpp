// Every rule of the catalog on 1, 2, 3 and 8 threads: the same parameters after three epochs, as bytes, on a net whose
// products are cut in several tiles.
#include <tbb/global_control.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>

#include "framework/parallel/parallel.hpp"
#include "rules/builtin.hpp"
#include "tests/support/learning.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

// Copies of gemm.cpp's: tiles of 256 rows by 32 or 64 columns, inline below so many multiply-adds.
constexpr Index tile_rows = 256, tile_cols = 64, inline_multiply_adds = 200'000;

Index tiles(Index m, Index n, Index k) {
  if (m * n * k < inline_multiply_adds) return 1;
  return ((m + tile_rows - 1) / tile_rows) * ((n + tile_cols - 1) / tile_cols);
}

constexpr Index inputs = 70, width = 300, batch = 150;

Setting large() {
  Setting s({.features = inputs, .classes = 5, .clusters = 2, .train = 300, .test = 20}, 50, {width, width});
  s.net.dropout = 0.1;
  s.train.batch = batch;  // the last one has 100
  s.train.probe_examples = 130;
  return s;
}

std::string trained(const Setting& s, const RuleEntry& rule) {
  const auto trainer = s.trainer(rule);
  train(*trainer, 3);
  return bytes(trainer->registry());
}

/// True if `threads` threads run bodies at the same time: each waits until all have arrived.
bool really_running(int threads) {
  std::atomic<int> arrived{0};
  std::atomic<bool> all{true};
  parallel_for(threads, [&](Index) {
    ++arrived;
    for (long spins = 0; arrived < threads; ++spins) {
      if (spins > 50'000'000) {
        all = false;
        break;
      }
      std::this_thread::yield();
    }
  });
  return all;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_net_is_large_enough_to_be_cut) {
  BOOST_TEST(tiles(width, batch, inputs) > 1);  // forward
  BOOST_TEST(tiles(width, 100, width) > 1);     // forward, the smaller last batch
  BOOST_TEST(tiles(width, width, batch) > 1);   // weight gradient
  BOOST_TEST(tiles(width, inputs, batch) > 1);
  BOOST_TEST(width * batch > 8192);  // elementwise work, column_blocks.hpp
}

BOOST_AUTO_TEST_CASE(the_bits_do_not_depend_on_the_number_of_threads) {
  const tbb::global_control allow(tbb::global_control::max_allowed_parallelism, 8);
  const Setting s = large();
  const Catalog catalog = builtin_catalog();
  for (const RuleEntry& rule : catalog.entries()) {
    BOOST_TEST_CONTEXT(rule.name) {
      const std::string reference = trained(s, rule);
      BOOST_TEST((reference != bytes(s.trainer(rule)->registry())));
      for (const int threads : {1, 2, 3, 8}) {
        with_threads(threads, [&] {
          BOOST_TEST(current_threads() == threads);
          BOOST_TEST(really_running(threads), threads << " threads are not there");
          BOOST_TEST((trained(s, rule) == reference), threads << " threads");
        });
      }
    }
  }
}

// As a grid of runs does it: several runs at once, each with a share of the threads.
BOOST_AUTO_TEST_CASE(the_bits_do_not_depend_on_runs_beside) {
  const tbb::global_control allow(tbb::global_control::max_allowed_parallelism, 8);
  Setting s = large();
  s.train.batch = 128;
  const Catalog catalog = builtin_catalog();
  const std::size_t rules = catalog.entries().size();
  std::vector<std::string> alone(rules), beside(rules), shared(2);
  std::vector<std::function<void()>> jobs;
  for (std::size_t r = 0; r < rules; ++r) {
    alone[r] = trained(s, catalog.entries()[r]);
    jobs.emplace_back([&, r] { beside[r] = trained(s, catalog.entries()[r]); });
  }
  run_many(jobs, 3);
  for (std::size_t r = 0; r < rules; ++r) BOOST_TEST((beside[r] == alone[r]), catalog.entries()[r].name);
  jobs.clear();
  for (std::size_t r = 0; r < 2; ++r) jobs.emplace_back([&, r] { shared[r] = trained(s, catalog.entries()[r]); });
  run_many(jobs, 5);
  for (std::size_t r = 0; r < 2; ++r) BOOST_TEST((shared[r] == alone[r]), catalog.entries()[r].name);
}
