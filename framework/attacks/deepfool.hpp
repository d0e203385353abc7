// DeepFool (Moosavi-Dezfooli, Fawzi & Frossard, 1511.04599, algorithm 2): about the smallest L2 perturbation that changes a
// decision. Step by step to the nearest border of the scores' linear approximation,
//
//   l = argmin_{k≠y} |s_k − s_y| / ‖∇s_k − ∇s_y‖,   r += |s_l − s_y| / ‖∇s_l − ∇s_y‖² · (∇s_l − ∇s_y),
//
// until x + (1 + overshoot)·r, put into the range of the inputs, is decided wrongly. x + r is put into it too at each step,
// which goes on from there; a feature at its border that a step would push out has no part in that step, nor in its norm.
// All columns of a batch at once. Where nothing was found, the clean example is given back.
#pragma once

#include "framework/attacks/adversarial.hpp"

namespace strata {

struct DeepFool {
  int steps = 50;
  double overshoot = 0.02;
};

struct MinimalPerturbation {
  Adversarial found;
  /// ‖x' − x‖₂ by column: 0 where the clean example is decided wrongly already, infinity where nothing was found.
  std::vector<double> distance;
};

/// Throws UsageError (steps below 1, an overshoot that is negative or NaN), UnsupportedError if the decision has no gradient,
/// DataError on inputs outside the batch's range.
MinimalPerturbation deepfool(TrueOracle& oracle, const Batch& batch, const DeepFool& how = {});

}  // namespace strata
