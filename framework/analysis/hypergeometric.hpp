// How often chance alone gives that many hits: the test of an overlap between two subsets (Fisher's exact test,
// one-sided).
#pragma once

#include "framework/core/types.hpp"

namespace strata {

/// P(X ≥ observed), where X counts the successes among `draws` drawn without replacement from `population`, of which
/// `successes` are successes:
///
///     P(X = x) = C(successes, x) · C(population − successes, draws − x) / C(population, draws)
///
/// 1 if X cannot be smaller than `observed`, 0 if it cannot be as large.
/// Throws UsageError for a negative number, and if successes or draws exceed the population.
double hypergeometric_tail(Index population, Index successes, Index draws, Index observed);

}  // namespace strata
