// The plug-in: a learning rule turns a batch into pseudo-gradients. Everything else is shared, so that two rules
// differ in nothing but the rule.
//
// A rule owns no loop over data, no optimizer, no file and no thread. Whatever it must remember between steps is a
// parameter or a buffer in the registry; its members are options, ids and private nets, fixed once prepare() is done.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "framework/graph/net.hpp"
#include "framework/learning/batch.hpp"
#include "framework/learning/grad_sink.hpp"
#include "framework/learning/workspace.hpp"
#include "framework/losses/loss.hpp"

namespace strata {

/// What a rule may look at while it computes.
struct Model {
  const Net& net;
  const Loss& loss;
  const Registry& registry;

  const Graph& graph() const { return net.graph(); }
};

/// What a rule can train, and what it trains.
struct Traits {
  std::vector<std::string> groups = {"forward"};  ///< parameter groups it steps
  bool needs_chain = false;                       ///< every credit point must be a cut: no skip around a layer
  bool layers_alone = false;    ///< parameters of nodes that are no layer (a normalisation behind one) get no signal
  bool examples_alone = false;  ///< an example's loss must depend on that example alone, not on the batch
  std::vector<std::string> layers = {};     ///< layer types it can train through; empty = any
  std::vector<std::string> losses = {};     ///< losses it works with; empty = any
  std::vector<std::string> refreshes = {};  ///< groups of buffers that after_phase changes
};

/// One update: the groups that are stepped together, from one state.
struct Phase {
  std::string name;
  std::vector<std::string> groups;
};

/// Walks over the training set, each batch going through the phases in order.
struct Pass {
  std::string name;
  int epochs = 1;
  std::vector<Phase> phases;
};

/// How often these passes walk over the training set.
int walks(const std::vector<Pass>& passes);

/// `before` runs once, ahead of the first epoch (pretraining of inverses); `epoch` makes up each epoch.
struct Schedule {
  std::vector<Pass> before;
  std::vector<Pass> epoch;
};

/// Takes what a rule reports about its own health, a number a layer.
class ProbeSink {
 public:
  virtual ~ProbeSink() = default;
  virtual void report(const std::string& name, NodeId layer, double value) = 0;
};

class LearningRule {
 public:
  virtual ~LearningRule() = default;

  virtual Traits traits() const { return {}; }

  /// Why this rule cannot train `graph` under `loss`, naming what is in the way; "" if it can. By default what
  /// traits() says.
  virtual std::string unsupported(const Graph& graph, const Loss& loss) const;

  /// Registers the rule's own parameters, buffers and private nets. Called once, before anything else.
  virtual void prepare(const Net& net, const Loss& loss, Registry& registry);

  /// By default one pass with one phase that steps all of traits().groups.
  virtual Schedule schedule() const;

  /// True if training moves this layer of the main net (false for the hidden layers of `frozen`).
  virtual bool trains(const Graph& graph, NodeId layer) const;

  /// Puts the pseudo-gradients of the phase's groups into `gradients`. A pseudo-gradient is minus the wanted change,
  /// scaled like the gradient of the batch mean.
  virtual void compute(const Phase& phase, const Ctx& ctx, const Model& model, const Batch& batch, Workspace& ws,
                       GradSink& gradients) const = 0;

  /// After the phase's groups have been stepped: a mirror's normalisation, a refresh of signs.
  virtual void after_phase(const Phase& phase, const Ctx& ctx, const Net& net, Registry& registry) const;

  /// scores (classes × B): the larger, the likelier. By default the forward pass in evaluation mode.
  virtual void predict(const Model& model, const Batch& batch, Workspace& ws, MutView scores) const;

  /// dinput = (∂scores/∂input)ᵀ dscores for the scores that predict gave, to be called after it with the same batch and
  /// workspace; false if no gradient exists.
  virtual bool predict_pull_back(const Model& model, const Batch& batch, Workspace& ws, View dscores,
                                 MutView dinput) const;

  /// The loss's gradient with respect to the input along the rule's own feedback path; false if it has none.
  virtual bool feedback_input_gradient(const Model& model, const Batch& batch, Workspace& ws, MutView dinput) const;

  /// Reports the rule's health on a probe batch: angles, reconstruction losses, residuals.
  virtual void probe(const Model& model, const Batch& batch, Workspace& ws, ProbeSink& sink) const;
};

/// Forward pass in training mode, then ∂L/∂output in deltas: how most rules start. Returns ∂L/∂output (classes × B).
View output_error(const Ctx& ctx, const Model& model, const Batch& batch, Activations& acts, Deltas& deltas);

}  // namespace strata
