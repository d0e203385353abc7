// What many runs come to, without a few that went wrong or very well deciding it (Agarwal et al. 2021, Deep Reinforcement
// Learning at the Edge of the Statistical Precipice, 2108.13264). Values that are NaN are left out.
#pragma once

#include <span>

namespace strata {

/// The interquartile mean: of n values in order, the mean of those that are left without the ⌊n/4⌋ smallest and the
/// ⌊n/4⌋ largest, each with weight 1. That is scipy.stats.trim_mean(x, 0.25), which the paper's rliable uses; no value
/// counts in part, so for n not a multiple of 4 a little more than the middle half is averaged. NaN for n = 0.
double interquartile_mean(std::span<const double> values);

/// P(X > Y) + ½·P(X = Y) for one of `x` and one of `y` drawn at random: over all pairs, ties counted half, which is the
/// Mann–Whitney U of x divided by both counts. Not paired. ½ where the two are alike; NaN if either has none.
double probability_of_improvement(std::span<const double> x, std::span<const double> y);

}  // namespace strata
