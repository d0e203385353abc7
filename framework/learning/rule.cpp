#include "framework/learning/rule.hpp"

#include <algorithm>

#include "framework/core/errors.hpp"

namespace strata {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

int walks(const std::vector<Pass>& passes) {
  int sum = 0;
  for (const Pass& pass : passes) sum += pass.epochs;
  return sum;
}

std::string LearningRule::unsupported(const Graph& graph, const Loss& loss) const {
  const Traits t = traits();
  if (!t.losses.empty() && !contains(t.losses, loss.name())) {
    return cat("it does not work with the loss ", loss.name(), "; it does with ", join(t.losses));
  }
  for (NodeId id = 1; id < graph.size() && !t.layers.empty(); ++id) {
    if (!contains(t.layers, graph[id].layer->type())) {
      return cat("it cannot train through node '", graph[id].name, "' of type ", graph[id].layer->type(),
                 "; it can through ", join(t.layers));
    }
  }
  for (NodeId id = 1; id < graph.size(); ++id) {
    const auto& layers = graph.layers();
    const std::string node = cat("node '", graph[id].name, "' of type ", graph[id].layer->type());
    if (t.layers_alone && !graph[id].params.empty() && std::find(layers.begin(), layers.end(), id) == layers.end()) {
      return cat("it has no signal for the parameters of ", node);
    }
    if (t.examples_alone && graph[id].layer->has_statistics()) {
      return cat("it tells examples apart by their losses, and ", node, " mixes those of a batch");
    }
  }
  if (t.needs_chain && !graph.is_chain()) {
    return cat("it needs a chain of layers, and a skip goes around '", graph[graph.first_uncut()].name, "'");
  }
  return "";
}

void LearningRule::prepare(const Net&, const Loss&, Registry&) {}

Schedule LearningRule::schedule() const { return {{}, {{"train", 1, {{"train", traits().groups}}}}}; }

bool LearningRule::trains(const Graph&, NodeId) const { return true; }

void LearningRule::after_phase(const Phase&, const Ctx&, const Net&, Registry&) const {}

void LearningRule::predict(const Model& model, const Batch& batch, Workspace& ws, MutView scores) const {
  Ctx ctx;
  ctx.mode = Mode::evaluate;
  Activations& acts = ws.acts();
  model.net.forward(ctx, model.registry, batch.x, acts);
  scores = acts[model.graph().output()];
}

bool LearningRule::predict_pull_back(const Model& model, const Batch&, Workspace& ws, View dscores,
                                     MutView dinput) const {
  const Activations& acts = ws.acts();  // as predict left them
  Deltas& deltas = ws.deltas();
  deltas.clear();
  deltas.at(model.graph().output(), dscores.cols()) = dscores;
  Sweep sweep;
  sweep.to_input = true;
  model.net.backward(model.registry, acts, deltas, nullptr, sweep);
  dinput = deltas[Graph::input()];
  return true;
}

bool LearningRule::feedback_input_gradient(const Model&, const Batch&, Workspace&, MutView) const { return false; }

void LearningRule::probe(const Model&, const Batch&, Workspace&, ProbeSink&) const {}

View output_error(const Ctx& ctx, const Model& model, const Batch& batch, Activations& acts, Deltas& deltas) {
  const NodeId out = model.graph().output();
  model.net.forward(ctx, model.registry, batch.x, acts);
  deltas.clear();
  model.loss.gradient(acts[out], batch, deltas.at(out, batch.size()));
  return deltas[out];
}

}  // namespace strata
