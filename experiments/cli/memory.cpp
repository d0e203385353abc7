#include "experiments/cli/memory.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"

namespace strata::cli {

double available_memory() {
  double there = INFINITY;
  std::ifstream in("/proc/meminfo");
  for (std::string word; in >> word;) {
    double kilobytes = 0;
    if (word == "MemAvailable:" && in >> kilobytes) there = kilobytes * 1024;
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    there = std::min(there, static_cast<double>(limit.rlim_cur));
  }
  return there;
}

void check_fits(const std::string& what, double needed, double available, const std::string& instead) {
  if (needed <= available) return;
  throw UsageError(
      cat(what, ": takes ", bytes_text(needed), " of memory, ", bytes_text(available), " are available; ", instead));
}

}  // namespace strata::cli
