// What the rules in this folder share. A rule of yours needs no more than the headers named here.
#pragma once

#include "framework/layers/activation.hpp"
#include "framework/learning/catalog.hpp"
#include "framework/learning/rule.hpp"

namespace strata {

/// Every rule of this folder; CMake writes the list from the add_learning_rule calls.
Catalog builtin_catalog();

}  // namespace strata

namespace strata::rules {

/// The options feedback-init and feedback-scale.
std::vector<OptionSpec> feedback_options();

/// A fixed feedback matrix "feedback/<node>.weight" of the same shape for every weight of the net, and the transport
/// that uses it. Biases transport nothing. Without a group they are buffers; with one, parameters that the group's
/// optimizer steps.
Transport own_feedback(const Net& net, Registry& registry, const Initializer& init, const std::string& group = "");

/// Reports angle(B, W) in degrees for every weight with a feedback matrix of its own.
void report_feedback_angles(const Model& model, const Transport& transport, ProbeSink& sink);

}  // namespace strata::rules
