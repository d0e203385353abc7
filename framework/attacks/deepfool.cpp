#include "framework/attacks/deepfool.hpp"

#include <cmath>
#include <limits>
#include <numeric>

#include "framework/attacks/region.hpp"
#include "framework/core/errors.hpp"

namespace strata {

MinimalPerturbation deepfool(TrueOracle& oracle, const Batch& batch, const DeepFool& how) {
  if (how.steps < 1) throw UsageError(cat("attack: steps = ", how.steps, ": expected at least 1"));
  if (!(how.overshoot >= 0 && std::isfinite(how.overshoot))) {
    throw UsageError(cat("attack: overshoot = ", how.overshoot, ": expected 0 or more"));
  }
  const Region range{Norm::l2, 0, batch.low, batch.high};
  range.check(batch.x);
  const auto infinite = std::numeric_limits<double>::infinity();
  MinimalPerturbation result{{batch.x, std::vector<char>(batch.labels.size(), 0)},
                             std::vector<double>(batch.labels.size(), infinite)};
  Matrix moved = batch.x;  // x + r
  std::vector<Index> standing(batch.labels.size());
  std::iota(standing.begin(), standing.end(), Index(0));
  const Index classes = batch.classes();
  for (int step = 0; step <= how.steps && !standing.empty(); ++step) {
    // Where the overshoot has led, and who is through.
    const SubBatch part(batch, standing);
    const Batch clean = part.batch();
    const auto n = static_cast<Index>(standing.size());
    Matrix here(batch.x.rows(), n), beyond(batch.x.rows(), n), scores(classes, n);
    for (Index i = 0; i < n; ++i) {
      here.col(i) = moved.col(standing[static_cast<std::size_t>(i)]);
      beyond.col(i) = clean.x.col(i) + static_cast<Scalar>(1 + how.overshoot) * (here.col(i) - clean.x.col(i));
    }
    beyond = beyond.cwiseMax(batch.low).cwiseMin(batch.high);
    oracle.scores(clean.moved_to(view(beyond)), mut_view(scores));
    const auto decided = decisions(view(scores));
    std::vector<Index> left;
    for (Index i = 0; i < n; ++i) {
      const auto b = static_cast<std::size_t>(i);
      const auto column = static_cast<std::size_t>(standing[b]);
      if (decided[b] == clean.labels[b]) {
        left.push_back(standing[b]);
        continue;
      }
      result.found.x.col(standing[b]) = beyond.col(i);
      result.found.fooled[column] = 1;
      result.distance[column] = (beyond.col(i) - clean.x.col(i)).cast<double>().norm();
    }
    if (step == how.steps || left.empty()) break;

    // The nearest border of each column, class by class.
    oracle.scores(clean.moved_to(view(here)), mut_view(scores));
    Matrix dscores(classes, n), gradient(batch.x.rows(), n), nearest = Matrix::Zero(batch.x.rows(), n);
    std::vector<double> least(static_cast<std::size_t>(n), infinite), length(static_cast<std::size_t>(n), 0);
    for (Index k = 0; k < classes; ++k) {
      dscores.setZero();
      for (Index i = 0; i < n; ++i) {
        dscores(k, i) += 1;
        dscores(clean.labels[static_cast<std::size_t>(i)], i) -= 1;
      }
      if (!oracle.pull_back(clean.moved_to(view(here)), view(dscores), mut_view(gradient))) {
        throw UnsupportedError("attack: the decision has no gradient; expected an attack by queries alone");
      }
      for (Index i = 0; i < n; ++i) {
        const auto b = static_cast<std::size_t>(i);
        const auto at = here.col(i).array();
        auto g = gradient.col(i).array();
        g = ((g < 0 && at <= batch.low) || (g > 0 && at >= batch.high)).select(Scalar(0), g);
        const double norm = gradient.col(i).cast<double>().norm();
        if (k == clean.labels[b] || !(norm > 0 && std::isfinite(norm))) continue;
        const double gap = std::abs(static_cast<double>(scores(k, i)) - scores(clean.labels[b], i));
        if (!(gap / norm < least[b])) continue;
        least[b] = gap / norm;
        length[b] = norm;
        nearest.col(i) = gradient.col(i);
      }
    }
    for (Index i = 0; i < n; ++i) {
      const auto b = static_cast<std::size_t>(i);
      if (!std::isfinite(least[b])) continue;  // no direction; tried again in vain
      auto column = moved.col(standing[b]);
      // On the border itself a step would be none.
      const double size = std::max(least[b], 1e-6) / length[b];
      column = (column + static_cast<Scalar>(size) * nearest.col(i)).cwiseMax(batch.low).cwiseMin(batch.high).eval();
    }
    standing = std::move(left);
  }
  return result;
}

}  // namespace strata
