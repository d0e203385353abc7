// What words may say of a difference: every sentence of the program that calls one thing more or less than another, by
// several seeds, asks here. The figures themselves, with their intervals, are shown in any case.
#pragma once

#include <string>

#include "framework/analysis/statistics.hpp"

namespace strata::cli {

enum class Verdict {
  none,   ///< not compared: no pair of runs
  open,   ///< cannot be told from 0 with these seeds
  below,  ///< surely below 0
  above,  ///< surely above 0
};

/// `p`: of the difference's paired t-test, corrected (holm) for all differences that are looked at together. Below or above
/// only if p < significance_level; NaN, as with one seed, leaves it open.
Verdict verdict(const Interval& difference, double p);

/// "0.044"; "<0.001"; "–" for NaN. Never "0.050" for what is below it.
std::string p_text(double p);

}  // namespace strata::cli
