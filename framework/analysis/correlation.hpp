// Whether two quantities go together: over rules by rank, without what both owe to others, and within each rule over seeds.
//
// A point with a NaN in any of its values is left out everywhere; n counts the rest. Undefined correlations (fewer than 3
// points, a quantity that does not vary) are NaN, and so are the bounds of an interval that so few points do not give, or
// a correlation of ±1.
#pragma once

#include <span>
#include <vector>

#include "framework/analysis/statistics.hpp"

namespace strata {

/// 1 … n in ascending order; equal values share the mean of their ranks.
std::vector<double> ranks(std::span<const double> values);

/// Spearman's ρ, which is Pearson's correlation of the ranks (Spearman 1904), and partial if there are k controls: the
/// correlation of what is left of both ranks when the ranks of the controls are fitted to them by least squares, with
/// an intercept. The interval is tanh(artanh ρ ± z·√((1 + ρ²/2)/(n − k − 3))) (Bonett & Wright 2000, Psychometrika 65:23; k:
/// Fisher 1924, Metron 3:329), z the normal quantile.
/// Throws ShapeError if the lengths differ, UsageError unless 0 < confidence < 1.
Interval rank_correlation(std::span<const double> x, std::span<const double> y,
                          const std::vector<std::vector<double>>& controls = {}, double confidence = 0.95);

/// Whether x and y go together within groups, whatever the groups' means: Pearson's correlation of the differences to each
/// group's mean, with the interval tanh(artanh r ± z/√(n − G − 2)) for G groups (Bakdash & Marusich 2017, Front. Psychol.
/// 8:456: repeated measures correlation, n − G − 1 degrees of freedom). Groups of one point say nothing and do not count.
/// Throws as rank_correlation.
Interval within_group_correlation(std::span<const double> x, std::span<const double> y, std::span<const int> group,
                                  double confidence = 0.95);

}  // namespace strata
