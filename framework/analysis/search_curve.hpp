// What a random search for hyper-parameters had found after fewer trials: whether a larger budget would have helped.
//
// Dodge et al. 2019, Show Your Work (1909.03004), draw the n trials with replacement, P(best ≤ s₍ₖ₎) = (k/N)ⁿ, which
// takes the same trial twice and so lies below what n different trials find, also at n = N (Tang et al. 2020, Showing
// Your Work Doesn't Always Work, 2004.13705). Here they are drawn without: the mean is unbiased, and N trials find the
// best of all.
#pragma once

#include <span>
#include <vector>

namespace strata {

/// The best of n of N trials, all subsets of n alike; at [n − 1], for n = 1 … N.
struct SearchCurve {
  std::vector<double> mean;
  std::vector<double> low, high;  ///< its 2.5 % and 97.5 % quantiles: the smallest score s with P(best ≤ s) as large
};

/// With the scores in order, s₍₁₎ ≤ … ≤ s₍N₎: P(best of n ≤ s₍ₖ₎) = C(k, n) / C(N, n). Exact but for rounding, in N² steps.
/// Scores are accuracies. NaN is a trial that found nothing, diverged or failed: it counts as 0.
/// low and high say how much the order of these trials matters, and meet at n = N; what other trials would have found
/// they do not say. Where nearly all subsets hold the best trial, low is its score, and the mean a little less.
/// Empty for no trials. Throws UsageError for a score that is negative or infinite.
SearchCurve best_after_trials(std::span<const double> scores);

}  // namespace strata
