#include "framework/parallel/team.hpp"

#include <thread>
#include <utility>

namespace strata {
namespace {

constexpr std::uint64_t lower_half = 0xffff'ffffULL;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// How long somebody without work has been looking for some.
class Patience {
 public:
  /// Looks on at once, then lets others on the core in between. False once it has been long.
  bool wait() {
    if (++looks_ < 2000) {
      pause();
      return true;
    }
    std::this_thread::yield();
    return looks_ < 2200;
  }

  /// Long enough for helping to pay: some microseconds.
  bool ready_to_help() const { return looks_ >= 400; }

 private:
  int looks_ = 0;
};

}  // namespace

// Takes and does indices of a share as long as there are any. False if there was none.
bool Team::work_through(std::size_t member) {
  std::atomic<std::uint64_t>& ticket = shares_[member].ticket;
  const auto there_is = [](std::uint64_t t) { return (t & lower_half) < (t >> 32); };
  Index did = 0;
  while (there_is(ticket.load(std::memory_order_seq_cst))) {
    const std::uint64_t mine = ticket.fetch_add(1, std::memory_order_acq_rel);
    if (!there_is(mine)) break;
    try {
      body_(static_cast<Index>(mine & lower_half));
    } catch (...) {
      const std::lock_guard lock(failing_);
      if (!failure_) failure_ = std::current_exception();
    }
    ++did;
  }
  if (did > 0) done_.fetch_add(did, std::memory_order_release);
  return did > 0;
}

bool Team::help(std::size_t member) {
  bool helped = false;
  for (std::size_t i = 1; i < shares_.size(); ++i) helped |= work_through((member + i) % shares_.size());
  return helped;
}

void Team::loop(Index count, FunctionRef<void(Index)> body) {
  body_ = body;
  done_.store(0, std::memory_order_relaxed);
  const auto size = static_cast<Index>(shares_.size());
  for (Index m = size - 1; m >= 0; --m) {
    const auto first = static_cast<std::uint64_t>(count * m / size);
    const auto end = static_cast<std::uint64_t>(count * (m + 1) / size);
    shares_[static_cast<std::size_t>(m)].ticket.store(end << 32 | first, std::memory_order_seq_cst);
  }
  if (sleepers_.load(std::memory_order_seq_cst) > 0) wake();
  work_through(0);
  for (Patience patience; done_.load(std::memory_order_acquire) < count; patience.wait()) {
    if (patience.ready_to_help() && help(0)) patience = {};
  }
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Team::serve(int number) {
  const auto member = static_cast<std::size_t>(number);
  Patience patience;
  while (!closed_.load(std::memory_order_acquire)) {
    if (work_through(member) || (patience.ready_to_help() && help(member))) {
      patience = {};
      continue;
    }
    if (patience.wait()) continue;
    const std::uint32_t known = news_.load(std::memory_order_seq_cst);
    sleepers_.fetch_add(1, std::memory_order_seq_cst);
    // Whoever opened a loop before the line above may not have seen this sleeper: so one more look.
    if (!work_through(member) && !closed_.load(std::memory_order_seq_cst)) {
      news_.wait(known, std::memory_order_seq_cst);
    }
    sleepers_.fetch_sub(1, std::memory_order_seq_cst);
    patience = {};
  }
}

void Team::wake() {
  news_.fetch_add(1, std::memory_order_seq_cst);
  news_.notify_all();
}

void Team::close() {
  closed_.store(true, std::memory_order_seq_cst);
  wake();
}

}  // namespace strata
