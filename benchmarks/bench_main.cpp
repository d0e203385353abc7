// The main function of the programs bench_*: measures the peak before anything else, and prints it with the context.
#include <algorithm>
#include <atomic>
#include <iostream>
#include <map>

#include "benchmarks/bench.hpp"
#include "benchmarks/peak.hpp"
#include "framework/core/errors.hpp"
#include "framework/parallel/gemm.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata::bench {
namespace {

std::atomic<bool> failed{false};

}  // namespace

void fail(benchmark::State& state, const std::string& why) {
  failed = true;
  state.SkipWithError(why.c_str());
}

double peak(int threads) {
  static std::map<int, double> known;
  const auto [at, is_new] = known.emplace(threads, 0);
  if (is_new) at->second = peak_gflops(threads, 200);
  return at->second;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n == 0 ? 0 : (values[(n - 1) / 2] + values[n / 2]) / 2;
}

std::vector<int> thread_counts() {
  std::vector<int> counts;
  for (int t = 1; t <= hardware_threads(); ++t) counts.push_back(t);
  return counts;
}

void count_operations(benchmark::State& state, double operations, double seconds, int threads) {
  const double rate = operations / seconds / 1e9;
  state.counters["GFLOP/s"] = rate;
  state.counters["%peak"] = 100 * rate / peak(threads);
}

}  // namespace strata::bench

int main(int argc, char** argv) {
  using namespace strata;
  try {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    for (const int threads : bench::thread_counts()) {
      benchmark::AddCustomContext(cat("peak GFLOP/s, threads ", threads), cat(bench::peak(threads)));
    }
    benchmark::AddCustomContext("matrix products", gemm_backend());
    bench::register_benchmarks();
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return bench::failed ? 1 : 0;
  } catch (const std::exception& error) {
    std::cerr << argv[0] << ": " << error.what() << '\n';
    return 2;
  }
}
