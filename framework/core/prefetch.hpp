// Memory that is soon needed, asked for ahead of time.
#pragma once

#include "framework/core/types.hpp"

namespace strata {

enum class Soon { read, written };

/// Asks for the cache lines of `count` numbers. (Inlined by force: GCC deems a function that only prefetches idle.)
template <Soon soon> [[gnu::always_inline]] inline void prefetch(const Scalar* from, Index count) {
  constexpr Index line = 64 / sizeof(Scalar);
  for (Index i = 0; i < count; i += line) __builtin_prefetch(from + i, soon == Soon::written);
}

}  // namespace strata
