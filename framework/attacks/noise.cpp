#include "framework/attacks/noise.hpp"

#include "framework/core/errors.hpp"
#include "framework/core/rng.hpp"
#include "framework/parallel/column_blocks.hpp"

namespace strata {

Adversarial noise(Oracle& oracle, const Batch& batch, const Region& region, const Noise& how, std::uint64_t seed) {
  if (how.draws < 1) throw UsageError(cat("attack: draws = ", how.draws, ": expected at least 1"));
  region.check(batch.x);
  const bool uniform = how.kind == NoiseKind::uniform;
  Best best(batch, Keep::best);
  for (int draw = 0; draw < how.draws && !best.all_fooled(); ++draw) {
    const std::vector<Index> columns = best.standing();
    const SubBatch part(batch, columns);
    const Batch clean = part.batch();
    Matrix x = clean.x;
    const std::string stream = cat("attack/noise ", uniform ? "uniform " : "gaussian ", draw);
    for_columns(
        x.rows(), x.cols(),
        [&](Index c) {
          const Rng rng(seed, stream, static_cast<std::uint64_t>(clean.ids[static_cast<std::size_t>(c)]));
          Eigen::VectorXd away(x.rows());
          for (Index r = 0; r < x.rows(); ++r) {
            const auto i = static_cast<std::uint64_t>(r);
            away[r] = uniform ? 2 * rng.uniform(i) - 1 : rng.normal(i);
          }
          if (region.norm == Norm::l2) away *= region.epsilon / away.norm();
          else away *= uniform ? region.epsilon : region.epsilon / 2;
          x.col(c) += away.cast<Scalar>();
        },
        20);
    region.project(clean.x, mut_view(x));
    Matrix scores(batch.classes(), x.cols());
    oracle.scores(clean.moved_to(view(x)), mut_view(scores));
    best.see(columns, view(x), view(scores), AttackLoss::margin);
  }
  return best.take();
}

}  // namespace strata
