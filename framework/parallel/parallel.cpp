#include "framework/parallel/parallel.hpp"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#ifndef STRATA_STD_THREADS
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#endif

namespace strata {
namespace {
thread_local int threads_here = 1;

class ThreadsHere {
 public:
  explicit ThreadsHere(int threads) : saved_(threads_here) { threads_here = threads; }
  ~ThreadsHere() { threads_here = saved_; }
  ThreadsHere(const ThreadsHere&) = delete;
  ThreadsHere& operator=(const ThreadsHere&) = delete;

 private:
  int saved_;
};
}  // namespace

int current_threads() { return threads_here; }

int hardware_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

#ifdef STRATA_STD_THREADS

void parallel_for(Index count, TaskBody body) {
  const int threads = static_cast<int>(std::min<Index>(threads_here, count));
  if (threads <= 1) {
    for (Index i = 0; i < count; ++i) body(i);
    return;
  }
  std::atomic<Index> next{0};
  std::exception_ptr failure;
  std::mutex guard;
  const auto worker = [&] {
    for (Index i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      try {
        body(i);
      } catch (...) {
        const std::lock_guard lock(guard);
        if (!failure) failure = std::current_exception();
      }
    }
  };
  std::vector<std::thread> pool;
  for (int t = 1; t < threads; ++t) pool.emplace_back(worker);
  worker();
  for (auto& thread : pool) thread.join();
  if (failure) std::rethrow_exception(failure);
}

void with_threads(int threads, const std::function<void()>& work) {
  const ThreadsHere scope(threads);
  work();
}

#else

void parallel_for(Index count, TaskBody body) {
  if (threads_here <= 1 || count <= 1) {
    for (Index i = 0; i < count; ++i) body(i);
    return;
  }
  // simple_partitioner with grain 1: a task is a tile, already as large as it should be.
  tbb::parallel_for(
      tbb::blocked_range<Index>(0, count, 1),
      [&](const tbb::blocked_range<Index>& range) {
        // A task runs on a TBB worker: work nested in a tile stays inline.
        const ThreadsHere inline_scope(1);
        for (Index i = range.begin(); i != range.end(); ++i) body(i);
      },
      tbb::simple_partitioner{});
}

void with_threads(int threads, const std::function<void()>& work) {
  tbb::task_arena arena(threads);
  arena.execute([&] {
    const ThreadsHere scope(threads);
    work();
  });
}

#endif

void run_many(const std::vector<std::function<void()>>& jobs, int threads) {
  if (jobs.empty()) return;
  const int slots = std::clamp<int>(threads, 1, static_cast<int>(jobs.size()));
  std::atomic<std::size_t> next{0};
  const auto slot = [&](int width) {
    with_threads(width, [&] {
      for (std::size_t i = next.fetch_add(1); i < jobs.size(); i = next.fetch_add(1)) jobs[i]();
    });
  };
  std::vector<std::thread> pool;
  // The threads that do not divide evenly go to the first slots, which take the longest jobs.
  for (int s = 0; s < slots; ++s) pool.emplace_back(slot, threads / slots + (s < threads % slots ? 1 : 0));
  for (auto& thread : pool) thread.join();
}

}  // namespace strata
