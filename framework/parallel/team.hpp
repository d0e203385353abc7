// Threads that stay ready for the duration of a run, and share out loops.
//
// A training step is some twenty short loops one after the other; waking a scheduler's workers for each would cost more
// than the loops of a small net. So the members of a team keep looking for the next loop for a while before they go to
// sleep, and whoever calls a loop never waits for a member that has no part in it.
//
// A member has its own share of a loop, the same one each time: what it has just updated is in its cache when the next
// step needs it. It helps others only when they are late, since what it takes from them must move between caches, there
// and back. Which member does what changes no bits.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <vector>

#include "framework/core/function_ref.hpp"
#include "framework/core/types.hpp"

namespace strata {

class Team {
 public:
  /// A team of `size` ≥ 1 members, the caller of loops counted in.
  explicit Team(int size) : shares_(static_cast<std::size_t>(size)) {}

  /// Calls body(0) … body(count − 1), each once, on the caller and on the members that are free; returns when all are
  /// done, then rethrows an exception that a body threw. One caller at a time. count < 2³¹.
  void loop(Index count, FunctionRef<void(Index)> body);

  /// What member 1 … size − 1 does, each on a thread of its own: takes part in loops until close() is called. Loops get
  /// done whether or not all of them have come.
  void serve(int member);

  /// Sends the members home.
  void close();

 private:
  bool work_through(std::size_t member);
  bool help(std::size_t member);
  void wake();

  // A member's share of the loop: its end in the upper half, the next index to be taken in the lower. One atomic step
  // takes an index and sees whether it counts, so nobody takes one of a loop that is over.
  struct alignas(64) Share {
    std::atomic<std::uint64_t> ticket{0};
  };
  std::vector<Share> shares_;
  alignas(64) std::atomic<Index> done_{0};
  FunctionRef<void(Index)> body_;  // written between loops; read by those who hold an index
  std::exception_ptr failure_;
  std::mutex failing_;
  std::atomic<std::uint32_t> news_{0};  // what sleepers wait for a change of
  std::atomic<int> sleepers_{0};
  std::atomic<bool> closed_{false};
};

}  // namespace strata
