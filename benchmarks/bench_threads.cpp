// How training uses several threads: one run on 1, 2, … threads (latency), as many one-thread runs as threads
// (throughput), and an empty parallel_for, which is what sharing out a loop costs. Medians over epochs.
// Run: bench_threads, or one part: bench_threads --benchmark_filter=run/
#include <algorithm>
#include <array>
#include <atomic>

#include "benchmarks/bench.hpp"
#include "benchmarks/bench_training.hpp"
#include "framework/core/errors.hpp"
#include "framework/parallel/parallel.hpp"
#include "rules/builtin.hpp"

namespace strata::bench {
namespace {

constexpr Index batches = 40;
constexpr int epochs = 7;

void count(benchmark::State& state, const Trainer& trainer, int runs, double seconds, int threads) {
  state.counters["steps/s"] = runs / seconds;
  count_operations(state, 2 * runs * trainer.multiply_adds_per_step(), seconds, threads);
}

// Trains another to the same epoch on one thread, and compares.
bool as_on_one_thread(const Trainer& trained, const TrainingData& data, std::uint64_t seed) {
  const auto alone = data.trainer(builtin_catalog().at("backprop"), seed);
  while (alone->epoch() < trained.epoch()) alone->next_epoch();
  return same_parameters(trained, *alone);
}

void one_run(benchmark::State& state, const NetShape& net, int threads) {
  const TrainingData data(net, batches);
  const auto trainer = data.trainer(builtin_catalog().at("backprop"));
  std::vector<double> seconds;
  with_threads(threads, [&] {
    warm_up(*trainer);
    for ([[maybe_unused]] auto _ : state) {
      trainer->next_epoch();
      seconds.push_back(step_seconds(*trainer));
      state.SetIterationTime(seconds.back());
    }
  });
  if (!as_on_one_thread(*trainer, data, 0)) return fail(state, "other parameters than on one thread");
  count(state, *trainer, 1, median(seconds), threads);
}

void many_runs(benchmark::State& state, const NetShape& net, int threads) {
  const TrainingData data(net, batches);
  std::vector<std::unique_ptr<Trainer>> trainers;
  for (int r = 0; r < threads; ++r) {
    trainers.push_back(data.trainer(builtin_catalog().at("backprop"), static_cast<std::uint64_t>(r)));
  }
  std::vector<std::function<void()>> jobs;
  for (auto& t : trainers) jobs.emplace_back([&t] { t->next_epoch(); });
  run_many(jobs, threads);
  run_many(jobs, threads);
  std::vector<double> seconds;
  for ([[maybe_unused]] auto _ : state) {
    run_many(jobs, threads);
    double slowest = 0;  // the epoch takes as long
    for (const auto& t : trainers) slowest = std::max(slowest, step_seconds(*t));
    seconds.push_back(slowest);
    state.SetIterationTime(slowest);
  }
  if (!as_on_one_thread(*trainers.back(), data, trainers.size() - 1)) {
    return fail(state, "other parameters than alone");
  }
  count(state, *trainers[0], threads, median(seconds), threads);
}

void empty_loop(benchmark::State& state, int threads) {
  constexpr Index tasks = 8;  // what a product is cut into at least
  with_threads(threads, [&] {
    std::array<std::atomic<int>, tasks> calls{};
    parallel_for(tasks, [&](Index i) { ++calls[static_cast<std::size_t>(i)]; });
    for (const auto& c : calls) {
      if (c != 1) return fail(state, "not every index was called once");
    }
    const double seconds = timed(state, [&] { parallel_for(tasks, [](Index i) { benchmark::DoNotOptimize(i); }); });
    state.counters["loops/s"] = 1 / seconds;
  });
}

}  // namespace

void register_benchmarks() {
  for (const int threads : thread_counts()) {
    benchmark::RegisterBenchmark(cat("empty_loop/threads:", threads).c_str(), empty_loop, threads)
        ->UseRealTime()
        ->Unit(benchmark::kNanosecond);
  }
  const auto add = [](const char* what, auto body, const NetShape& net, int threads) {
    benchmark::RegisterBenchmark(cat(what, "/", net.name(), "/threads:", threads).c_str(), body, net, threads)
        ->Iterations(epochs)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  };
  for (const NetShape& net : net_shapes()) {
    for (const int threads : thread_counts()) add("run", one_run, net, threads);
    for (const int threads : thread_counts()) add("runs", many_runs, net, threads);
  }
}

}  // namespace strata::bench
