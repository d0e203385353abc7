// Signals that go straight from the output to every credit point, through a matrix for each (units × outputs).
#pragma once

#include <vector>

#include "rules/builtin.hpp"

namespace strata::rules {

/// Fixed random matrices: a buffer "feedback/<point>" for every credit point, in order.
std::vector<ParamId> direct_feedback(const Net& net, Registry& registry, const Initializer& init);

/// δ_l = scale·B_l signal at every credit point; `signal` is outputs × batch.
void send_direct(const Model& model, const std::vector<ParamId>& matrices, View signal, Deltas& deltas,
                 Scalar scale = 1);

}  // namespace strata::rules
