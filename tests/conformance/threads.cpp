// Every rule on 1, 2, 3 and 8 threads: the same parameters after three epochs, as bytes, on a net whose
// products are cut in several tiles.

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>

#include "framework/losses/loss.hpp"
#include "framework/parallel/parallel.hpp"
#include "tests/conformance/suites.hpp"
#include "tests/support/learning.hpp"
#include "tests/support/threads.hpp"

namespace strata::conformance {
namespace {

using namespace strata::testing;

// Copies of gemm.cpp's: tiles of 256 rows by 32 or 64 columns, inline below so many multiply-adds.
constexpr Index tile_rows = 256, tile_cols = 64, inline_multiply_adds = 200'000;

Index tiles(Index m, Index n, Index k) {
  if (m * n * k < inline_multiply_adds) return 1;
  return ((m + tile_rows - 1) / tile_rows) * ((n + tile_cols - 1) / tile_cols);
}

constexpr Index inputs = 70, width = 300, batch = 150;

Setting large(const RuleEntry& rule) {
  Setting s({.features = inputs, .classes = 5, .clusters = 2, .train = 300, .test = 20}, 50, {width, width});
  s.net.dropout = 0.1;
  s.train.batch = batch;  // the last one has 100
  s.train.probe_examples = 130;
  const auto made = rule.make(resolve(rule, {}).options);
  const auto obstacle = [&] { return made->unsupported(s.graph(), *make_loss(s.loss)); };
  for (const std::string& loss : loss_names()) {
    if (obstacle().empty()) break;
    s.loss = loss;
  }
  if (!obstacle().empty()) s.net.dropout = 0;
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

void the_net_is_large_enough_to_be_cut() {
  BOOST_TEST(tiles(width, batch, inputs) > 1);  // forward
  BOOST_TEST(tiles(width, 100, width) > 1);     // forward, the smaller last batch
  BOOST_TEST(tiles(width, width, batch) > 1);   // weight gradient
  BOOST_TEST(tiles(width, inputs, batch) > 1);
  BOOST_TEST(width * batch > 8192);  // elementwise work, column_blocks.hpp
}

void the_bits_do_not_depend_on_the_number_of_threads(const RuleEntry& rule) {
  const testing::EightThreads eight;
  const Setting s = large(rule);
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

// As a grid of runs does it: several runs at once, each with a share of the threads.
void the_bits_do_not_depend_on_runs_beside(const std::vector<RuleEntry>& rules) {
  const testing::EightThreads eight;
  std::vector<Setting> settings;
  for (const RuleEntry& rule : rules) {
    settings.push_back(large(rule));
    settings.back().train.batch = 128;
  }
  const std::size_t few = std::min<std::size_t>(2, rules.size());
  std::vector<std::string> alone(rules.size()), beside(rules.size()), shared(few);
  std::vector<std::function<void()>> jobs;
  for (std::size_t r = 0; r < rules.size(); ++r) {
    alone[r] = trained(settings[r], rules[r]);
    jobs.emplace_back([&, r] { beside[r] = trained(settings[r], rules[r]); });
  }
  run_many(jobs, 3);
  for (std::size_t r = 0; r < rules.size(); ++r) BOOST_TEST((beside[r] == alone[r]), rules[r].name);
  jobs.clear();
  for (std::size_t r = 0; r < few; ++r) jobs.emplace_back([&, r] { shared[r] = trained(settings[r], rules[r]); });
  run_many(jobs, 5);
  for (std::size_t r = 0; r < few; ++r) BOOST_TEST((shared[r] == alone[r]), rules[r].name);
}

}  // namespace

Suite* thread_suite(const std::vector<RuleEntry>& rules) {
  Suite* all = suite("threads");
  add_case(*all, "the_net_is_large_enough_to_be_cut", the_net_is_large_enough_to_be_cut);
  Suite* number = suite("the_bits_do_not_depend_on_the_number_of_threads");
  for (const RuleEntry& rule : rules) {
    add_case(*number, rule.name, [rule] { the_bits_do_not_depend_on_the_number_of_threads(rule); });
  }
  all->add(number);
  add_case(*all, "the_bits_do_not_depend_on_runs_beside", [rules] { the_bits_do_not_depend_on_runs_beside(rules); });
  return all;
}

}  // namespace strata::conformance
