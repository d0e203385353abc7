// How much memory there is, and a word ahead of time when something would not fit.
#pragma once

#include <string>

namespace strata::cli {

/// Bytes that can be had without swapping, as the kernel guesses, and within the limit of this process; infinity where
/// neither is known.
double available_memory();

/// Throws UsageError "<what>: takes 3.0 GiB of memory, 1.0 GiB are available; <instead>" if needed > available.
void check_fits(const std::string& what, double needed, double available, const std::string& instead);

}  // namespace strata::cli
