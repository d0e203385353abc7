// What tests of learning rules share: small data and nets, a rule driven by the trainer or step by step, and bytes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "datasets/clusters.hpp"
#include "framework/learning/batch_buffer.hpp"
#include "framework/learning/catalog.hpp"
#include "framework/learning/trainer.hpp"
#include "tests/support/says.hpp"

namespace strata::testing {

/// All parameters and buffers of a group ("" = of all groups).
inline std::string bytes(const Registry& registry, const std::string& group = "") {
  std::string all;
  for (ParamId id = 0; id < registry.size(); ++id) {
    if (group.empty() || registry[id].group == group) all += registry[id].name + bytes(registry.value(id));
  }
  return all;
}

/// A trainer's state without the times, as CBOR: NaN equals NaN there.
inline std::vector<std::uint8_t> timeless(nlohmann::json state) {
  for (auto& row : state.at("training")) {
    for (const char* seconds : {"train_seconds", "validation_seconds", "test_seconds"}) row.erase(seconds);
  }
  return nlohmann::json::to_cbor(state);
}

/// Puts a normalisation "n1" … of this type behind each hidden layer "h1" …
inline void normalise_hidden(GraphSpec& spec, const std::string& type) {
  std::vector<NodeSpec> nodes;
  for (NodeSpec node : spec.nodes) {
    for (std::string& in : node.inputs) {
      if (in.front() == 'h') in.front() = 'n';
    }
    nodes.push_back(node);
    if (node.type != "dense" || node.name.front() != 'h') continue;
    std::string name = node.name;
    name.front() = 'n';
    nodes.push_back({name, type, {node.name}});
  }
  spec.nodes = nodes;
}

/// The clusters data, its split and what else a run needs but the rule.
struct Setting {
  Dataset data;
  Split split;
  MlpSpec net;
  std::optional<ChainSpec> chain = {};  ///< in place of `net`
  std::string loss = "cross_entropy";
  TrainSettings train = {};
  std::function<void(GraphSpec&)> edit = {};  ///< what else is done to the net

  Setting(const ClustersSpec& clusters, Index validation, std::vector<Index> hidden)
      : data(make_clusters(clusters)), split(split_examples(clusters.train, validation, 0)) {
    net.input = data.sample_shape;
    net.hidden = std::move(hidden);
    net.outputs = data.classes;
    train.seed = 1;
    train.batch = 32;
    train.probe_examples = 16;
  }

  Graph graph() const {
    GraphSpec spec = chain ? chain_graph(*chain) : mlp_graph(net);
    if (edit) edit(spec);
    return Graph(spec);
  }

  std::unique_ptr<Trainer> trainer(std::unique_ptr<LearningRule> rule,
                                   std::vector<std::pair<std::string, OptimizerSpec>> optimizers) const {
    TrainSettings settings = train;
    settings.optimizers = std::move(optimizers);
    return std::make_unique<Trainer>(graph(), make_loss(loss), std::move(rule), data, split, settings);
  }

  /// With the rule's own hyper-parameters but for `given`.
  std::unique_ptr<Trainer> trainer(const RuleEntry& entry, const std::map<std::string, std::string>& given = {}) const {
    const ResolvedRule resolved = resolve(entry, given);
    return trainer(entry.make(resolved.options), resolved.optimizers);
  }
};

/// The measurement of epoch 0, then `epochs` of training.
inline void train(Trainer& trainer, int epochs) {
  for (int e = trainer.epoch(); e < epochs; ++e) trainer.next_epoch();
}

/// One rule on one net, computing without stepping.
struct Bench {
  Registry registry;
  Net net;
  std::unique_ptr<Loss> loss;
  std::unique_ptr<LearningRule> rule;
  Workspace ws;
  GradSink sink;
  Model model;

  Bench(const Graph& graph, const std::string& loss_name, const RuleEntry& entry,
        const std::map<std::string, std::string>& given = {})
      : registry(1), net(graph, registry), loss(make_loss(loss_name)), rule(entry.make(resolve(entry, given).options)),
        ws(net.graph()), model{net, *loss, registry} {
    rule->prepare(net, *loss, registry);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  Matrix& value(const std::string& name) { return registry.value(registry.find(name)); }

  /// The pseudo-gradients of the first phase of an epoch.
  void compute(const Batch& batch, const Ctx& ctx = {Mode::train, true, 1, 0}) {
    const Phase phase = rule->schedule().epoch.at(0).phases.at(0);
    std::vector<ParamId> ids;
    for (const std::string& group : phase.groups) {
      for (const ParamId id : registry.group(group)) ids.push_back(id);
    }
    sink.clear();
    rule->compute(phase, ctx, model, batch, ws, sink);
    sink.resolve(registry, ids);
  }

  bool has(const std::string& name) { return sink.has(registry.find(name)); }
  Matrix gradient(const std::string& name) { return std::as_const(sink).gradient(registry.find(name)); }
};

}  // namespace strata::testing
