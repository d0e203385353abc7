// Elementwise activations, torch's definitions:
//   identity z · tanh · sigmoid 1/(1 + e⁻ᶻ) · hard_sigmoid clip(z/6 + ½, 0, 1) · relu max(z, 0)
//   leaky_relu z or 0.01 z · elu z or eᶻ − 1 (α = 1)
// At a kink the derivative is the one from the left, as in torch.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "framework/layers/layer.hpp"

namespace strata {

/// An activation layer by name; throws UsageError naming the known ones.
std::unique_ptr<Layer> make_activation(const std::string& name);

/// The names make_activation accepts.
const std::vector<std::string>& activation_names();

}  // namespace strata
