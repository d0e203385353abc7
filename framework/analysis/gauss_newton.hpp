// The Gauss–Newton step on activations, which target propagation approximates (Meulemans et al., 2006.14331, eq. 5 and
// theorem 2): for each example on its own, with J = ∂h_L/∂h_l over all ways and e = ∂L/∂h_L,
//
//   δ_l = Jᵀ (J Jᵀ + λ I)⁻¹ e,   λ = damping · tr(J Jᵀ)/dim(h_L)      the damped, smallest change that undoes e
// The weights' pseudo-gradient is what δ_l gives through the layer alone, (∂h_l/∂W_l)ᵀ δ_l, summed over the batch.
#pragma once

#include "framework/graph/net.hpp"

namespace strata {

/// Relative to the mean of J Jᵀ's diagonal.
inline constexpr double gauss_newton_damping = 1e-3;

/// Puts δ_l at every credit point, and e, which is its own δ up to a factor, at the output, into `deltas` (cleared
/// first): a backward sweep that stops at credit points then gives the weights' pseudo-gradients. `acts` holds a
/// forward pass, e is outputs × B.
void gauss_newton_deltas(const Net& net, const Registry& registry, const Activations& acts, View e, double damping,
                         Deltas& deltas);

}  // namespace strata
