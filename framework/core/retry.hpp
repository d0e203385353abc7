#pragma once

#include <cerrno>

namespace strata {

/// Repeats a system call that a signal interrupted.
template <class F> auto retry(F call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

}  // namespace strata
