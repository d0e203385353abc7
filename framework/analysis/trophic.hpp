// Trophic incoherence (MacKay, Johnson & Sansom, 2001.05173): can the neurons be given heights so that every connection
// climbs by one?
//
//   w_ij  weight of the direct connection from i to j: mean |∂a_j/∂a_i| with no other neuron in between (× σ_i/σ_j scaled)
//   u = what flows in + out of a neuron, v = in − out;   (diag(u) − W − Wᵀ) h = v        (eq. 2.6)
//   F₀ = Σ w_ij (h_j − h_i − 1)² / Σ w_ij                                                 (eq. 2.8)
// 0 in a chain of layers, up to 1; a skip that matters raises it.
#pragma once

#include "framework/analysis/hierarchy.hpp"

namespace strata {

/// All connections count, not a sample: in nets with more neurons than this, as convolutions have, the measure is NaN.
inline constexpr Index most_trophic_neurons = 8192;

/// For raw and scaled, without and with the input (NaN if the analysis has no input): into the measure of that name.
/// Dead neurons are left out.
void measure_trophic_incoherence(const InfluenceAnalysis& analysis, HierarchyValues& into);

}  // namespace strata
