// The one thread that touches HDF5 (the library is not thread-safe), fed by a bounded queue.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

namespace strata {

class WriterThread {
 public:
  /// At most `capacity` jobs wait; submit blocks beyond that.
  explicit WriterThread(std::size_t capacity = 16);
  /// Finishes what is queued.
  ~WriterThread();
  WriterThread(const WriterThread&) = delete;
  WriterThread& operator=(const WriterThread&) = delete;

  /// Runs `job` on the writer thread, in order of submission. What it throws comes out of the future.
  std::future<void> submit(std::function<void()> job);

 private:
  void work();

  std::size_t capacity_;
  std::mutex guard_;
  std::condition_variable filled_, emptied_;
  std::deque<std::packaged_task<void()>> queue_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace strata
