// What the arithmetic units can do at most: the yardstick of every figure here.
#pragma once

namespace strata::bench {

/// The best rate seen of fused multiply-adds on the widest registers of this build, in 10⁹ floating-point operations
/// a second (two an FMA and lane), by `threads` threads at once over `bursts` bursts of about a millisecond.
double peak_gflops(int threads, int bursts = 60);

}  // namespace strata::bench
