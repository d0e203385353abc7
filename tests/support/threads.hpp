// Threads for tests of threads.
#pragma once

#include <tbb/global_control.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace strata::testing {

/// Lets a program with fewer cores run 8 threads. Of no effect on std::thread (STRATA_STD_THREADS).
struct EightThreads {
  tbb::global_control allow{tbb::global_control::max_allowed_parallelism, 8};
};

/// A barrier that gives up: `arrive` is true once `count` threads are in it together, false after 20 s without, and
/// from then on at once.
class Barrier {
 public:
  explicit Barrier(int count) : count_(count) {}

  bool arrive() {
    std::unique_lock lock(guard_);
    if (++arrived_ == count_) changed_.notify_all();
    const auto over = [&] { return broken_ || arrived_ >= count_; };
    broken_ = !changed_.wait_for(lock, std::chrono::seconds(20), over) || broken_;
    if (broken_) changed_.notify_all();
    return !broken_;
  }

 private:
  int count_;
  int arrived_ = 0;
  bool broken_ = false;
  std::mutex guard_;
  std::condition_variable changed_;
};

}  // namespace strata::testing
