// What the programs bench_* share: their main function, a failure that shows in the exit status, and times as plain
// numbers. Every program takes Google Benchmark's options, --benchmark_filter=REGEX and --benchmark_format=json say.
#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <string>
#include <vector>

namespace strata::bench {

/// Each program defines this one; main calls it.
void register_benchmarks();

/// Ends a benchmark whose result is wrong; the program then exits with 1.
void fail(benchmark::State& state, const std::string& why);

/// The peak of `threads` threads in GFLOP/s: peak_gflops, measured once a program and thread count.
double peak(int threads);

double median(std::vector<double> values);

/// 1, 2, … hardware_threads().
std::vector<int> thread_counts();

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The loop of a benchmark; returns the seconds an iteration took.
template <class Body> double timed(benchmark::State& state, const Body& body) {
  const auto start = Clock::now();
  for ([[maybe_unused]] auto _ : state) body();
  return seconds_since(start) / static_cast<double>(state.iterations());
}

/// The counters of something that does `operations` floating-point operations in `seconds` on `threads` threads.
void count_operations(benchmark::State& state, double operations, double seconds, int threads);

}  // namespace strata::bench
