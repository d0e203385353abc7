// Lets GCC call glibc's functions on whole vectors (libmvec, up to 4 ULP) in loops over tanh, sin and cos of doubles: Eigen
// vectorises these for float only. Elsewhere nothing is declared and such loops stay scalar.
#pragma once

#include <cmath>

#if defined(STRATA_DOUBLE) && defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 35)
extern "C" {
[[gnu::simd("notinbranch")]] double tanh(double) noexcept;
[[gnu::simd("notinbranch")]] double sin(double) noexcept;
[[gnu::simd("notinbranch")]] double cos(double) noexcept;
}
#endif
#endif
