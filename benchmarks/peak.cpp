#include "benchmarks/peak.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "framework/parallel/gemm_kernel.hpp"

namespace strata::bench {
namespace {

using gemm_kernel::lanes;
using gemm_kernel::Vec;

constexpr int chains = 12;  // enough to hide the latency of an FMA, few enough for 16 registers
constexpr int rounds = 20'000;

// One burst: `chains` independent chains in registers, nothing from memory.
void burst() {
  Vec sum[chains] = {};
  const Vec x = Vec{} + Scalar(0.9999), y = Vec{} + Scalar(0.5);
  for (int r = 0; r < rounds; ++r) {
#pragma GCC unroll 12
    for (int i = 0; i < chains; ++i) sum[i] = sum[i] * x + y;
    // What the compiler cannot see through, so that it neither folds nor merges rounds.
    asm volatile(""
                 : "+v"(sum[0]), "+v"(sum[1]), "+v"(sum[2]), "+v"(sum[3]), "+v"(sum[4]), "+v"(sum[5]), "+v"(sum[6]),
                   "+v"(sum[7]), "+v"(sum[8]), "+v"(sum[9]), "+v"(sum[10]), "+v"(sum[11]));
  }
}

}  // namespace

double peak_gflops(int threads, int bursts) {
  using Clock = std::chrono::steady_clock;
  const double operations = 2.0 * lanes * chains * rounds * threads;
  double best = 0;
  std::atomic<int> arrived{0};
  std::vector<Clock::time_point> start(static_cast<std::size_t>(threads)), end(start);
  for (int b = 0; b < bursts; ++b) {
    arrived = 0;
    const auto work = [&](std::size_t t) {
      ++arrived;
      while (arrived < threads) {
      }  // all at once
      start[t] = Clock::now();
      burst();
      end[t] = Clock::now();
    };
    std::vector<std::thread> others;
    for (int t = 1; t < threads; ++t) others.emplace_back(work, static_cast<std::size_t>(t));
    work(0);
    for (auto& thread : others) thread.join();
    const std::chrono::duration<double> span =
        *std::max_element(end.begin(), end.end()) - *std::min_element(start.begin(), start.end());
    best = std::max(best, operations / span.count() / 1e9);
  }
  return best;
}

}  // namespace strata::bench
