// Attacks that climb the loss by its gradient, all columns of a batch at once.
//
//   fgsm          one step of ε from the clean example (Goodfellow et al., 1412.6572)
//   bim           steps of α from the clean example, each put back into the region (Kurakin et al., 1607.02533)
//   pgd           the same from random points of the ball, several times (Madry et al., 1706.06083)
//   momentum_pgd  along g ← μ g + ∇/‖∇‖₁ in place of ∇ (Dong et al., 1710.06081, eq. 6)
#pragma once

#include <cstdint>

#include "framework/attacks/adversarial.hpp"
#include "framework/attacks/region.hpp"

namespace strata {

struct Climb {
  int steps = 40;
  double step = 0;  ///< α as a part of ε; 0: 2.5/steps, as Madry et al.
  bool random_start = true;
  int restarts = 1;     ///< with other random starts, of those that stand; 1 without random starts
  double momentum = 0;  ///< μ; 0: none
  AttackLoss loss = AttackLoss::cross_entropy;
  Keep keep = Keep::best;

  static Climb fgsm() { return {.steps = 1, .step = 1, .random_start = false}; }
  static Climb bim(int steps) { return {.steps = steps, .random_start = false}; }
  static Climb pgd(int steps, int restarts = 1) { return {.steps = steps, .restarts = restarts}; }
  static Climb momentum_pgd(int steps) { return {.steps = steps, .momentum = 1}; }
};

/// Throws UsageError (steps or restarts below 1, a step or momentum that is negative or NaN, and what Region::check says),
/// UnsupportedError if the oracle has no gradient, DataError on inputs outside the range.
Adversarial climb(Oracle& oracle, const Batch& batch, const Region& region, const Climb& how, std::uint64_t seed);

/// APGD (Croce & Hein, 2003.01690, algorithm 1): momentum α = .75, steps of 2ε that are halved at checkpoints where too few
/// of them rose or nothing better was found, from the best point so far. `how.step` and `how.momentum` are not looked at.
Adversarial auto_climb(Oracle& oracle, const Batch& batch, const Region& region, const Climb& how, std::uint64_t seed);

}  // namespace strata
