// How a parameter moves along its (pseudo-)gradient: torch's definitions, element by element.
//
// η = lr·lr_factor, λ = weight_decay, t counts steps from 1, g' = g + λw:
//   sgd       w ← w − η g'
//   momentum  v ← μv + g',  w ← w − η v                        (Polyak 1964; torch's SGD with dampening 0)
//   nesterov  v ← μv + g',  w ← w − η (g' + μv)                (Sutskever et al. 2013)
//   rmsprop   s ← αs + (1 − α)g'²,  q = g'/(√s + ε),  w ← w − η q;  with μ > 0: v ← μv + q, w ← w − η v
//   adam      m ← β₁m + (1 − β₁)g',  s ← β₂s + (1 − β₂)g'²,
//             w ← w − η/(1 − β₁ᵗ) · m/(√s/√(1 − β₂ᵗ) + ε)      (Kingma & Ba 1412.6980, algorithm 1)
//   adamw     w ← (1 − ηλ)w, then adam with g' = g             (Loshchilov & Hutter 1711.05101, algorithm 2)
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "framework/core/types.hpp"

namespace strata {

/// An optimizer with its numbers. What an optimizer does not read must stay as default_optimizer has it.
struct OptimizerSpec {
  std::string name = "sgd";
  double lr = 1e-3;
  double momentum = 0;      ///< momentum, nesterov, rmsprop
  double beta1 = 0.9;       ///< adam, adamw
  double beta2 = 0.999;     ///< adam, adamw
  double epsilon = 1e-8;    ///< rmsprop, adam, adamw
  double alpha = 0.99;      ///< rmsprop
  double weight_decay = 0;  ///< all

  bool operator==(const OptimizerSpec&) const = default;
};

/// `name` with torch's defaults; the two optimizers torch has no defaults for, momentum and nesterov, have momentum
/// 0.9. Throws UsageError on an unknown name.
OptimizerSpec default_optimizer(const std::string& name);

/// Adam with torch's defaults for what is left out.
OptimizerSpec adam(double lr, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8);

/// Throws UsageError naming option, value and what is expected: lr, epsilon and weight_decay finite and ≥ 0, beta1,
/// beta2, alpha and momentum in [0, 1), momentum > 0 for momentum and nesterov, nothing set that `name` does not read.
void validate(const OptimizerSpec& spec);

struct OptimizerInfo {
  std::string name;
  std::string summary;  ///< one line
};

/// All optimizers, in the order of the list above.
const std::vector<OptimizerInfo>& optimizer_catalog();

/// What of a step depends on time: η with Adam's correction of β₁ in it, AdamW's 1 − ηλ, 1/√(1 − β₂ᵗ).
struct StepSize {
  Scalar rate, shrink = 1, root = 1;
};

/// Fixed once built; the state lives outside, in `slots`.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  static constexpr int max_slots = 2;

  /// Matrices of w's shape that a parameter needs as state, all 0 at first.
  virtual int slots() const = 0;

  /// The size of step t ≥ 1, which counts the steps of a parameter's group.
  virtual StepSize at(double lr_factor, std::uint64_t t) const = 0;

  /// Moves w and its state by one step. Purely elementwise: any partition of w, stepped part by part in any order, gives
  /// the same bits. g, w and slots must not overlap. Throws ShapeError unless g and slots() slots have w's shape.
  virtual void step(const StepSize& size, View g, MutView w, std::span<const MutView> slots) const = 0;
};

/// Throws what validate throws.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerSpec& spec);

}  // namespace strata
