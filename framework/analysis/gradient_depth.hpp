// How the gradient of the loss changes with distance from the output: does it vanish?
//
// Always the true gradient ∂L/∂a, whatever rule trains the net; of each example's own loss, in evaluation mode.
#pragma once

#include <vector>

#include "framework/analysis/fit.hpp"
#include "framework/analysis/neurons.hpp"
#include "framework/learning/batch.hpp"
#include "framework/losses/loss.hpp"

namespace strata {

struct GradientByDepth {
  std::vector<double> mean_abs;  ///< mean |∂L/∂a| over a layer's neurons and the examples, by neuron layer ≥ 1
  std::vector<double> norm;      ///< root mean square over examples of ‖∂L/∂a‖₂, by neuron layer ≥ 1
  std::vector<float> neuron;  ///< mean |∂L/∂a| over examples of each neuron, lined up as in Neurons, input left out
  std::vector<int> distance;  ///< depth of the output − depth of the layer, by neuron layer ≥ 1
  Decay exponential;          ///< log mean_abs = c − rate·distance over the hidden layers
  Decay power;                ///< log mean_abs = c − rate·log distance, likewise
};

/// `batch` are the examples; it is taken whole.
GradientByDepth gradient_by_depth(const Net& net, const Registry& registry, const Loss& loss, const Neurons& neurons,
                                  const Batch& batch);

}  // namespace strata
