#include "framework/learning/dataset.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "framework/core/errors.hpp"
#include "framework/core/rng.hpp"

namespace strata {

std::optional<NonFinite> first_non_finite(const Matrix& x) {
  for (Index c = 0; c < x.cols(); ++c) {
    if (std::isfinite(x.col(c).sum())) continue;
    for (Index r = 0; r < x.rows(); ++r) {
      if (!std::isfinite(x(r, c))) return NonFinite{r, c, x(r, c)};
    }
  }
  return {};
}

void check_finite(const Dataset& data) {
  for (const auto& [part, x] : {std::pair{"training", &data.train.x}, std::pair{"test", &data.test.x}}) {
    if (const auto bad = first_non_finite(*x)) {
      throw DataError(cat("data set ", data.name, ": feature ", bad->feature, " of ", part, " example ", bad->example,
                          " is ", bad->value, "; expected finite numbers"));
    }
  }
}

Split split_examples(Index examples, Index validation, std::uint64_t seed) {
  if (validation < 1 || validation >= examples) {
    throw UsageError(
        cat("--validation ", validation, ": expected at least 1 and less than the ", examples, " training examples"));
  }
  const auto order = Rng(seed, "split").permutation(examples);
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(validation);
  Split split{{middle, order.end()}, {order.begin(), middle}};
  std::sort(split.train.begin(), split.train.end());
  std::sort(split.validation.begin(), split.validation.end());
  return split;
}

std::vector<Index> epoch_order(const std::vector<Index>& examples, std::uint64_t seed, int epoch) {
  auto order = Rng(seed, "order", static_cast<std::uint64_t>(epoch)).permutation(static_cast<Index>(examples.size()));
  for (Index& place : order) place = examples[static_cast<std::size_t>(place)];
  return order;
}

std::vector<Index> sample_examples(const std::vector<Index>& ids, Index count, const char* stream) {
  const auto order = Rng(0, stream).permutation(static_cast<Index>(ids.size()));
  std::vector<Index> picked;
  for (Index i = 0; i < std::min<Index>(count, static_cast<Index>(ids.size())); ++i) {
    picked.push_back(ids[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])]);
  }
  std::sort(picked.begin(), picked.end());
  return picked;
}

}  // namespace strata
