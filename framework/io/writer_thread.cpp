#include "framework/io/writer_thread.hpp"

namespace strata {

void Written::wait() const {
  std::unique_lock lock(state_->guard);
  state_->ran.wait(lock, [this] { return state_->has_run; });
}

void Written::get() {
  wait();
  const auto state = std::move(state_);
  if (auto failure = std::move(state->failure)) std::rethrow_exception(std::move(failure));
}

WriterThread::WriterThread(std::size_t capacity) : capacity_(capacity), thread_([this] { work(); }) {}

WriterThread::~WriterThread() {
  {
    const std::lock_guard lock(guard_);
    closing_ = true;
  }
  filled_.notify_all();
  thread_.join();
}

Written WriterThread::submit(std::function<void()> job) {
  auto state = std::make_shared<Written::State>();
  {
    std::unique_lock lock(guard_);
    emptied_.wait(lock, [this] { return queue_.size() < capacity_; });
    queue_.push_back({std::move(job), state});
  }
  filled_.notify_one();
  return Written(std::move(state));
}

void WriterThread::work() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(guard_);
      filled_.wait(lock, [this] { return closing_ || !queue_.empty(); });
      if (queue_.empty()) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    emptied_.notify_one();
    std::exception_ptr failure;
    try {
      job.run();
    } catch (...) {
      failure = std::current_exception();
    }
    {
      const std::lock_guard lock(job.state->guard);
      job.state->failure = std::move(failure);
      job.state->has_run = true;
    }
    job.state->ran.notify_all();
  }
}

}  // namespace strata
