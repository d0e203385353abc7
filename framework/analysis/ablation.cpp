#include "framework/analysis/ablation.hpp"

#include <algorithm>
#include <map>

#include "framework/core/errors.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata {
namespace {

constexpr Index ablation_examples = 256;  // at a time

// The nodes that a node's value reaches, in topological order.
std::vector<NodeId> nodes_after(const Graph& graph, NodeId node) {
  std::vector<char> reached(static_cast<std::size_t>(graph.size()), 0);
  reached[static_cast<std::size_t>(node)] = 1;
  std::vector<NodeId> after;
  for (NodeId id = node + 1; id < graph.size(); ++id) {
    for (const NodeId in : graph[id].inputs) {
      if (!reached[static_cast<std::size_t>(in)] || reached[static_cast<std::size_t>(id)]) continue;
      reached[static_cast<std::size_t>(id)] = 1;
      after.push_back(id);
    }
  }
  return after;
}

}  // namespace

std::vector<double> ablation_effects(const Net& net, const Registry& registry, const InfluenceAnalysis& analysis,
                                     View x, const std::vector<Intervention>& interventions) {
  const Neurons& neurons = analysis.neurons();
  const Graph& graph = net.graph();
  // One pass through the net for each source, whatever the number of its targets.
  std::map<std::pair<std::size_t, Index>, std::vector<std::size_t>> by_source;
  for (std::size_t i = 0; i < interventions.size(); ++i) {
    const auto& [source, target] = interventions[i];
    if (!neurons.upstream(target.layer, source.layer)) {
      throw UsageError(
          cat("ablation: layer ", neurons[source.layer].name, " is not upstream of ", neurons[target.layer].name));
    }
    by_source[{source.layer, source.unit}].push_back(i);
  }
  const std::vector<std::pair<std::pair<std::size_t, Index>, std::vector<std::size_t>>> sources(by_source.begin(),
                                                                                                by_source.end());
  Ctx ctx;
  ctx.mode = Mode::evaluate;
  ctx.update_stats = false;
  Activations base(graph);
  std::vector<double> effects(interventions.size(), 0);
  for (Index first = 0; first < x.cols(); first += ablation_examples) {
    const Index batch = std::min(ablation_examples, x.cols() - first);
    net.forward(ctx, registry,
                View(x.data() + first * x.outerStride(), x.rows(), batch, Eigen::OuterStride<>(x.outerStride())), base);
    parallel_for(static_cast<Index>(sources.size()), [&](Index s) {
      const auto& [source, uses] = sources[static_cast<std::size_t>(s)];
      const NeuronLayer& layer = neurons[source.first];
      const auto mean = analysis.moments().mean[static_cast<std::size_t>(layer.first + source.second)];
      Activations held(graph);
      for (NodeId node = 0; node < graph.size(); ++node) held.set(node, base[node]);
      MutView value = held.own(layer.node, batch);
      value = base[layer.node];
      value.row(source.second).setConstant(static_cast<Scalar>(mean));
      net.forward_nodes(ctx, registry, nodes_after(graph, layer.node), held);
      for (const std::size_t i : uses) {
        const NeuronRef target = interventions[i].target;
        const NodeId node = neurons[target.layer].node;
        const auto change = held[node].row(target.unit) - base[node].row(target.unit);
        effects[i] += change.cast<double>().cwiseAbs().sum();
      }
    });
  }
  for (std::size_t i = 0; i < effects.size(); ++i) {
    const NeuronRef target = interventions[i].target;
    const auto at = static_cast<std::size_t>(neurons[target.layer].first + target.unit);
    const bool dead = analysis.moments().dead[at] != 0;
    effects[i] = dead ? quiet_nan : effects[i] / (static_cast<double>(x.cols()) * analysis.moments().sd[at]);
  }
  return effects;
}

}  // namespace strata
