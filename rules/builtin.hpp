// What the rules in this folder share. A rule of yours needs no more than the headers named here.
#pragma once

#include "framework/core/function_ref.hpp"
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

/// The error goes back through matrices that the rule names in transport_: feedback alignment and its relatives.
class TransportRule : public LearningRule {
 public:
  void compute(const Phase& phase, const Ctx& ctx, const Model& model, const Batch& batch, Workspace& ws,
               GradSink& gradients) const override;
  bool feedback_input_gradient(const Model& model, const Batch& batch, Workspace& ws, MutView dinput) const override;
  /// Reports the angles between feedback and forward weights.
  void probe(const Model& model, const Batch& batch, Workspace& ws, ProbeSink& sink) const override;

 protected:
  Transport transport_;  ///< set by prepare()
};

/// For every weight W of the net with a feedback matrix B of its own: done(W, B) by their ids.
void for_each_feedback(const Transport& transport, FunctionRef<void(ParamId w, ParamId b)> done);

/// Reports angle(B, W) in degrees for every weight with a feedback matrix of its own.
void report_feedback_angles(const Model& model, const Transport& transport, ProbeSink& sink);

}  // namespace strata::rules
