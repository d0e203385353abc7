// The causal check of an attribution: what does a neuron do if a source is held at its mean?
//
//   effect of i on j = mean over examples |a_j(do a_i = ā_i) − a_j| / σ_j
// The rest of the net follows. A derivative speaks of small changes; this is a change of ordinary size.
#pragma once

#include <vector>

#include "framework/analysis/influence.hpp"

namespace strata {

struct Intervention {
  NeuronRef source, target;
};

/// The effect of each intervention, in their order; NaN where the target is dead. The means and σ are the analysis's
/// moments, over the same examples. Throws UsageError if a source is not upstream of its target.
std::vector<double> ablation_effects(const Net& net, const Registry& registry, const InfluenceAnalysis& analysis,
                                     View x, const std::vector<Intervention>& interventions);

}  // namespace strata
