#include "framework/io/writer_thread.hpp"

namespace strata {

WriterThread::WriterThread(std::size_t capacity) : capacity_(capacity), thread_([this] { work(); }) {}

WriterThread::~WriterThread() {
  {
    const std::lock_guard lock(guard_);
    closing_ = true;
  }
  filled_.notify_all();
  thread_.join();
}

std::future<void> WriterThread::submit(std::function<void()> job) {
  std::packaged_task<void()> task(std::move(job));
  auto done = task.get_future();
  {
    std::unique_lock lock(guard_);
    emptied_.wait(lock, [this] { return queue_.size() < capacity_; });
    queue_.push_back(std::move(task));
  }
  filled_.notify_one();
  return done;
}

void WriterThread::work() {
  for (;;) {
    std::packaged_task<void()> task;
    {
      std::unique_lock lock(guard_);
      filled_.wait(lock, [this] { return closing_ || !queue_.empty(); });
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    emptied_.notify_one();
    task();
  }
}

}  // namespace strata
