#include "experiments/cli/verdict.hpp"

#include <cmath>

#include "experiments/cli/text.hpp"
#include "framework/analysis/significance.hpp"

namespace strata::cli {

Verdict verdict(const Interval& difference, double p) {
  if (difference.n == 0) return Verdict::none;
  if (!(p < significance_level)) return Verdict::open;
  return difference.mean < 0 ? Verdict::below : Verdict::above;
}

std::string p_text(double p) {
  if (p < 0.001) return "<0.001";
  if (p < significance_level && p >= significance_level - 5e-4) return "<0.050";  // what rounding would make 0.050
  return decimal(p);
}

}  // namespace strata::cli
