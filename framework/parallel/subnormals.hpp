// Numbers nearer to 0 than the smallest normal one (1.2e-38 in float) taken for 0, for as long as an object lives, on its thread.
//
// A processor works on subnormal numbers in microcode, a hundred times slower than on others, and nets get many of them: the
// probabilities of a saturated softmax, the momentum of weights whose gradient has become 0.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <cstdint>
#endif

namespace strata {

class FlushSubnormals {
 public:
  FlushSubnormals() { set(kept_ | flushing); }
  ~FlushSubnormals() { set(kept_); }
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
#if defined(__x86_64__)
  using State = unsigned;
  static constexpr State flushing = 0x8040;  // results (FTZ) and operands (DAZ)
  static State get() { return _mm_getcsr(); }
  static void set(State s) { _mm_setcsr(s); }
#elif defined(__aarch64__)
  using State = std::uint64_t;
  static constexpr State flushing = std::uint64_t{1} << 24;  // FZ: both
  static State get() {
    State s;
    __asm__ volatile("mrs %0, fpcr" : "=r"(s));
    return s;
  }
  static void set(State s) { __asm__ volatile("msr fpcr, %0" : : "r"(s)); }
#else
  using State = int;
  static constexpr State flushing = 0;
  static State get() { return 0; }
  static void set(State) {}
#endif

  const State kept_ = get();
};

}  // namespace strata
