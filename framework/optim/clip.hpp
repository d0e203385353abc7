// Keeps gradients in bounds before the optimizers see them.
#pragma once

#include <span>

#include "framework/core/types.hpp"

namespace strata {

/// √(Σ g²) over all elements of all gradients, summed in double in an order that depends on the shapes alone.
double global_norm(std::span<const MutView> gradients);

/// Clips the gradients as one vector (Pascanu et al. 1211.5063, algorithm 1; torch's clip_grad_norm_): each is
/// multiplied by min(1, max_norm / (norm + 10⁻⁶)). Where that is 1, and for max_norm = ∞, no byte changes.
/// Not a number in any gradient makes all of them so. Returns the norm before. Throws UsageError unless max_norm > 0.
double clip_by_norm(std::span<MutView> gradients, double max_norm);

/// Clips each element to [−limit, limit]; for limit = ∞ no byte changes. Throws UsageError unless limit > 0.
void clip_by_value(std::span<MutView> gradients, double limit);

}  // namespace strata
