// The seam to the threads: the only functions of the framework that start parallel work.
//
// The threads are oneTBB's, in an arena for each run, or std::thread's in the ThreadSanitizer build (TSan does not see
// TBB's fences). How they share out loops is in team.hpp.
#pragma once

#include <functional>
#include <vector>

#include "framework/core/function_ref.hpp"
#include "framework/core/types.hpp"

namespace strata {

using TaskBody = FunctionRef<void(Index)>;

/// Calls body(0) … body(count − 1), each once, on any threads of the current run, and returns when all are done.
/// What a body computes must not depend on which thread runs it: cut the work by shape, never by thread count.
/// An exception thrown by a body is rethrown here.
void parallel_for(Index count, TaskBody body);

/// Threads that `parallel_for` may use here (1 outside `run_many` means: everything inline).
int current_threads();

/// Runs `work` with `threads` threads for every parallel_for inside it. Requires threads ≥ 1. On all of these threads subnormal
/// numbers are taken for 0, as they are not where no threads have been asked for (subnormals.hpp).
void with_threads(int threads, const std::function<void()>& work);

/// Runs independent jobs on `threads` threads in all: with at least as many jobs as threads, one thread a job, taken
/// in the order given (put the longest first); with fewer, the threads are shared out. A job must not throw.
void run_many(const std::vector<std::function<void()>>& jobs, int threads);

/// Hardware threads available to this process (respects the affinity mask).
int hardware_threads();

}  // namespace strata
