// The peak of the arithmetic units, on one thread and on all: what the other programs' percentages refer to.
// Run it with nothing else on the machine: bench_peak
#include <algorithm>
#include <cmath>

#include "benchmarks/bench.hpp"
#include "benchmarks/peak.hpp"
#include "framework/core/errors.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata::bench {
namespace {

void probe(benchmark::State& state, int threads) {
  std::vector<double> rates;
  timed(state, [&] { rates.push_back(peak_gflops(threads)); });
  for (const double rate : rates) {
    if (!std::isfinite(rate) || rate <= 0) return fail(state, cat("the peak is ", rate));
  }
  state.counters["GFLOP/s"] = *std::max_element(rates.begin(), rates.end());
  state.counters["median"] = median(rates);
}

}  // namespace

void register_benchmarks() {
  const auto add = [](int threads) {
    benchmark::RegisterBenchmark(cat("peak/threads:", threads).c_str(), probe, threads)
        ->Iterations(5)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  };
  add(1);
  if (hardware_threads() > 1) add(hardware_threads());
}

}  // namespace strata::bench
