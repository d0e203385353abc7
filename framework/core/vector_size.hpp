// The widest vector registers that the build has.
#pragma once

#include "framework/core/types.hpp"

namespace strata {

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
#elif defined(__AVX__)
inline constexpr int vector_bytes = 32;
#else
inline constexpr int vector_bytes = 16;
#endif
/// Scalars in one of them.
inline constexpr int vector_lanes = vector_bytes / static_cast<int>(sizeof(Scalar));

}  // namespace strata
