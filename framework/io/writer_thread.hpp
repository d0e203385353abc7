// The one thread that touches HDF5 (the library is not thread-safe), fed by a bounded queue.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace strata {

/// What becomes of one job of a WriterThread. Like std::future<void>, but what the job threw changes hands as a whole: when
/// it comes out of get(), the writer's thread holds no share of it any more.
class Written {
 public:
  Written() = default;
  /// Whether there is a job to wait for.
  [[nodiscard]] bool valid() const { return state_ != nullptr; }
  /// Until the job has run. Requires valid().
  void wait() const;
  /// As wait(); then throws what the job threw. Not valid() afterwards.
  void get();

 private:
  friend class WriterThread;
  struct State {
    std::mutex guard;
    std::condition_variable ran;
    bool has_run = false;
    std::exception_ptr failure;
  };
  explicit Written(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

class WriterThread {
 public:
  /// At most `capacity` jobs wait; submit blocks beyond that.
  explicit WriterThread(std::size_t capacity = 16);
  /// Finishes what is queued.
  ~WriterThread();
  WriterThread(const WriterThread&) = delete;
  WriterThread& operator=(const WriterThread&) = delete;

  /// Runs `job` on the writer thread, in order of submission. What it throws comes out of Written::get.
  Written submit(std::function<void()> job);

 private:
  struct Job {
    std::function<void()> run;
    std::shared_ptr<Written::State> state;
  };
  void work();

  std::size_t capacity_;
  std::mutex guard_;
  std::condition_variable filled_, emptied_;
  std::deque<Job> queue_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace strata
