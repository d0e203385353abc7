// Memory that is kept between uses.
#pragma once

#include <vector>

#include "framework/core/types.hpp"

namespace strata {

/// Memory that grows to what was largest, aligned for vector registers. Meant to be a thread's own: its first use takes the
/// memory, later ones find it there.
template <class T> class Room {
 public:
  /// For `size` of T; holds anything.
  T* of(Index size) {
    const auto wanted = static_cast<std::size_t>(size);
    if (memory_.size() < wanted) memory_.assign(wanted, T());
    return memory_.data();
  }

 private:
  std::vector<T, Eigen::aligned_allocator<T>> memory_;
};

}  // namespace strata
