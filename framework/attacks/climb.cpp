#include "framework/attacks/climb.hpp"

#include <algorithm>
#include <cmath>

#include "framework/core/errors.hpp"
#include "framework/parallel/column_blocks.hpp"

namespace strata {
namespace {

void check(const Climb& how) {
  if (how.steps < 1) throw UsageError(cat("attack: steps = ", how.steps, ": expected at least 1"));
  if (how.restarts < 1) throw UsageError(cat("attack: restarts = ", how.restarts, ": expected at least 1"));
  const auto fine = [](double v) { return v >= 0 && std::isfinite(v); };
  if (!fine(how.step)) throw UsageError(cat("attack: step = ", how.step, ": expected a part of epsilon, above 0"));
  if (!fine(how.momentum)) throw UsageError(cat("attack: momentum = ", how.momentum, ": expected 0 or more"));
}

// Each restart works on the columns that still stand; the others are where they are to be.
class Restarts {
 public:
  Restarts(const Batch& batch, const Region& region, const Climb& how, std::uint64_t seed)
      : batch_(batch), region_(region), how_(how), seed_(seed), best_(batch, how.keep) {}

  // one(clean, x, see): climbs from x, showing see(x, scores) what it comes by.
  template <class One> Adversarial run(const One& one) {
    const int restarts = how_.random_start ? how_.restarts : 1;
    for (int restart = 0; restart < restarts && !best_.all_fooled(); ++restart) {
      std::vector<Index> columns = best_.standing();
      const SubBatch part(batch_, columns);
      Matrix x = part.batch().x;
      if (how_.random_start) {
        region_.start(part.batch().x, part.batch().ids, seed_, cat("attack/start ", restart), mut_view(x));
      }
      one(part.batch(), x, [&](const Matrix& at, const Matrix& scores) {
        best_.see(columns, view(at), view(scores), how_.loss);
        return how_.keep == Keep::best && best_.all_fooled();
      });
    }
    return best_.take();
  }

 private:
  const Batch& batch_;
  const Region& region_;
  const Climb& how_;
  std::uint64_t seed_;
  Best best_;
};

void gradient_or_throw(Oracle& oracle, const Batch& at, AttackLoss loss, Matrix& scores, Matrix& dx) {
  if (!oracle.gradient(at, loss, mut_view(scores), mut_view(dx))) {
    throw UnsupportedError("attack: the decision has no gradient; expected an attack by queries alone");
  }
}

}  // namespace

Adversarial climb(Oracle& oracle, const Batch& batch, const Region& region, const Climb& how, std::uint64_t seed) {
  check(how);
  region.check(batch.x);
  const double size = region.epsilon * (how.step > 0 ? how.step : 2.5 / how.steps);
  return Restarts(batch, region, how, seed).run([&](const Batch& clean, Matrix& x, const auto& see) {
    Matrix scores(batch.classes(), x.cols()), dx(x.rows(), x.cols()), average;
    if (how.momentum > 0) average = Matrix::Zero(x.rows(), x.cols());
    for (int step = 0; step < how.steps; ++step) {
      gradient_or_throw(oracle, clean.moved_to(view(x)), how.loss, scores, dx);
      if (see(x, scores)) return;
      if (how.momentum > 0) {
        for (Index c = 0; c < x.cols(); ++c) {
          const Scalar length = dx.col(c).lpNorm<1>();
          average.col(c) *= static_cast<Scalar>(how.momentum);
          if (length > 0 && std::isfinite(length)) average.col(c) += dx.col(c) / length;
        }
      }
      region.step(view(how.momentum > 0 ? average : dx), size, mut_view(x));
      region.project(clean.x, mut_view(x));
    }
    oracle.scores(clean.moved_to(view(x)), mut_view(scores));
    see(x, scores);
  });
}

Adversarial auto_climb(Oracle& oracle, const Batch& batch, const Region& region, const Climb& how, std::uint64_t seed) {
  check(how);
  region.check(batch.x);
  // Checkpoints after p_j of the steps: p_0 = 0, p_1 = .22, p_{j+1} = p_j + max(p_j − p_{j−1} − .03, .06).
  std::vector<int> checkpoints;
  for (double last = 0, p = 0.22; p <= 1;) {
    checkpoints.push_back(static_cast<int>(std::ceil(p * how.steps)));
    const double next = p + std::max(p - last - 0.03, 0.06);
    last = p;
    p = next;
  }
  constexpr double momentum = 0.75, enough_rises = 0.75;
  return Restarts(batch, region, how, seed).run([&](const Batch& clean, Matrix& x, const auto& see) {
    const Index n = x.cols();
    const auto count = static_cast<std::size_t>(n);
    Matrix scores(batch.classes(), n), dx(x.rows(), n), before = x, best_x = x, best_dx(x.rows(), n);
    std::vector<double> size(count, 2 * region.epsilon), loss(count), best(count), best_at_checkpoint(count);
    std::vector<int> rises(count, 0);
    std::vector<char> halved(count, 0);
    const auto look = [&] {
      gradient_or_throw(oracle, clean.moved_to(view(x)), how.loss, scores, dx);
      attack_loss(how.loss, view(scores), clean.labels, loss, no_view());
      return see(x, scores);
    };
    if (look()) return;
    best = best_at_checkpoint = loss;
    best_dx = dx;
    std::size_t checkpoint = 0;
    int since = 0;
    for (int step = 0; step < how.steps; ++step) {
      Matrix next = x;
      for_columns(x.rows(), n, [&](Index c) {
        const auto i = static_cast<std::size_t>(c);
        MutView column(next.col(c).data(), next.rows(), 1, Eigen::OuterStride<>(next.rows()));
        const View from(clean.x.data() + c * clean.x.outerStride(), x.rows(), 1, Eigen::OuterStride<>(x.rows()));
        const View g(dx.col(c).data(), x.rows(), 1, Eigen::OuterStride<>(x.rows()));
        region.step(g, size[i], column);
        region.project(from, column);
        if (step > 0) {
          const auto share = static_cast<Scalar>(momentum);
          column = x.col(c) + share * (column - x.col(c)) + (1 - share) * (x.col(c) - before.col(c));
          region.project(from, column);
        }
      });
      before = x;
      x = next;
      const std::vector<double> loss_before = loss;
      if (look()) return;
      for (Index c = 0; c < n; ++c) {
        const auto i = static_cast<std::size_t>(c);
        rises[i] += loss[i] > loss_before[i];
        if (!(loss[i] > best[i])) continue;
        best[i] = loss[i];
        best_x.col(c) = x.col(c);
        best_dx.col(c) = dx.col(c);
      }
      ++since;
      if (checkpoint == checkpoints.size() || step + 1 != checkpoints[checkpoint]) continue;
      ++checkpoint;
      for (Index c = 0; c < n; ++c) {
        const auto i = static_cast<std::size_t>(c);
        const bool few = rises[i] < enough_rises * since, stuck = !halved[i] && best[i] <= best_at_checkpoint[i];
        halved[i] = few || stuck;
        if (halved[i]) {
          size[i] /= 2;
          x.col(c) = best_x.col(c);
          dx.col(c) = best_dx.col(c);
          loss[i] = best[i];
        }
        rises[i] = 0;
        best_at_checkpoint[i] = best[i];
      }
      since = 0;
    }
  });
}

}  // namespace strata
