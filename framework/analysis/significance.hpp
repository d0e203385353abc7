// Whether a difference can be told from chance: a test, its correction for several tests, and how many runs a test needs.
#pragma once

#include <optional>
#include <span>
#include <vector>

namespace strata {

/// Corrected p-values below this are called a difference; all that is said in words of one goes by it.
inline constexpr double significance_level = 0.05;

/// The two-sided p-value of the paired t-test (Student 1908) that the mean of d_i = a[i] − b[i] is 0, where i is the
/// seed: P(|T_{n−1}| ≥ |mean(d)|·√n/sd(d)), so p < 1 − c just where paired_difference's interval of confidence c leaves out 0.
/// Pairs with a NaN are skipped. NaN for n < 2. Where all d are the same there is no spread to test against: 1 if they
/// are 0, else 0. Throws ShapeError if the lengths differ.
double paired_t_test(std::span<const double> a, std::span<const double> b);

/// Holm's step-down correction (Holm 1979, Scand. J. Statist. 6:65): of the m p-values in ascending order, p_(i) becomes
///
///     max_{j ≤ i} min(1, (m − j + 1)·p_(j))
///
/// and with those below α called differences, the chance of any false one among them is at most α, however the tests
/// depend on each other. In the order given. NaNs are no tests: they stay NaN and do not count in m.
/// Throws UsageError for a p outside [0, 1].
std::vector<double> holm(std::span<const double> p);

/// How often the two-sided paired t-test at `level` finds a difference of mean `effect` standard deviations with n pairs:
/// P(|T'| > t_{1 − level/2, n−1}) with T' noncentral t of n − 1 degrees and noncentrality |effect|·√n (Cohen, Statistical
/// Power Analysis, 1988, section 2). Throws UsageError unless n ≥ 2, 0 < level < 1 and effect is finite.
double paired_power(int n, double effect, double level = significance_level);

/// The fewest pairs, 2 … most, with which paired_power(n, mean/sd, level) ≥ power: how many seeds would tell two rules apart if
/// mean and spread of their difference were those seen. Those are themselves guesses from few seeds, so this is one too.
/// nullopt if `most` are not enough, as always for a mean of 0; 2 for sd 0 and another mean.
/// Throws UsageError unless mean is finite, 0 ≤ sd < ∞, 0 < level < 1, 0 < power < 1 and most ≥ 2.
std::optional<int> seeds_to_tell(double mean, double sd, double level = significance_level, double power = 0.8,
                                 int most = 1000);

}  // namespace strata
