#include "framework/analysis/hypergeometric.hpp"

#include <algorithm>
#include <cmath>

#include "framework/core/errors.hpp"

namespace strata {

double hypergeometric_tail(Index population, Index successes, Index draws, Index observed) {
  if (population < 0 || successes < 0 || draws < 0 || observed < 0) {
    throw UsageError(cat("hypergeometric tail: population ", population, ", successes ", successes, ", draws ", draws,
                         ", observed ", observed, ": expected none below 0"));
  }
  if (successes > population || draws > population) {
    throw UsageError(cat("hypergeometric tail: ", successes, " successes and ", draws, " draws: expected at most the ",
                         population, " of the population"));
  }
  // In double, since products of counts overflow an Index.
  const auto all = static_cast<double>(population), good = static_cast<double>(successes);
  const auto drawn = static_cast<double>(draws), seen = static_cast<double>(observed);
  const double least = std::max(0.0, drawn + good - all), most = std::min(good, drawn);
  if (seen <= least) return 1;
  if (seen > most) return 0;

  // Weights relative to the mode's, each from its neighbour: nothing overflows, no factorials, and the sum of all of
  // them is the normaliser. What underflows is below 1e-300 of the whole.
  const double mode = std::clamp(std::floor((drawn + 1) * (good + 1) / (all + 2)), least, most);
  double tail = mode >= seen ? 1 : 0, below = 1 - tail;
  const auto add = [&](double x, double weight) { (x >= seen ? tail : below) += weight; };
  double weight = 1;
  for (double x = mode; x < most && weight > 0; ++x) {
    weight *= (good - x) * (drawn - x) / ((x + 1) * (all - good - drawn + x + 1));
    add(x + 1, weight);
  }
  weight = 1;
  for (double x = mode; x > least && weight > 0; --x) {
    weight *= x * (all - good - drawn + x) / ((good - x + 1) * (drawn - x + 1));
    add(x - 1, weight);
  }
  return tail / (tail + below);
}

}  // namespace strata
