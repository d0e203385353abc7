#include "framework/analysis/neurons.hpp"

#include <algorithm>
#include <charconv>

#include "framework/core/errors.hpp"

namespace strata {
namespace {

// The units of a layer at its neuron node; a flatten may stand in between.
std::array<Index, 3> image_of(const Shape& layer, const Shape& node) {
  const Shape& shape = node.size() == 1 && features(layer) == node[0] ? layer : node;
  if (shape.size() == 3) return {shape[0], shape[1], shape[2]};
  return {features(node), 1, 1};
}

}  // namespace

Neurons::Neurons(const Graph& graph) : Neurons(graph, false) {}

Neurons Neurons::of_channels(const Graph& graph) { return {graph, true}; }

bool Neurons::has_channels() const {
  return std::any_of(layers_.begin() + 1, layers_.end(),
                     [](const NeuronLayer& l) { return l.image[1] * l.image[2] > 1; });
}

Neurons::Neurons(const Graph& graph, bool channels) : graph_(&graph) {
  const auto add = [&](NodeId node, NodeId layer) {
    const auto image = image_of(graph[layer].shape, graph[node].shape);
    const Index positions = channels ? image[1] * image[2] : 1;
    const Index first = layers_.empty() ? 0 : count();
    layers_.push_back({node, layer == Graph::input() ? "input" : graph[layer].name, graph[node].units / positions,
                       graph.depth(node), first, positions, image});
  };
  add(Graph::input(), Graph::input());
  for (NodeId node = 1; node < graph.size(); ++node) {
    NodeId deepest = -1;
    for (const NodeId layer : graph.layers()) {
      if (graph.neuron(layer) != node) continue;
      if (deepest < 0 || graph.depth(layer) > graph.depth(deepest)) deepest = layer;
    }
    if (deepest < 0) continue;
    add(node, deepest);
  }

  const auto is_neuron = [&](NodeId node) {
    return std::any_of(layers_.begin(), layers_.end(), [&](const NeuronLayer& l) { return l.node == node; });
  };
  // Fewest layers from each source to every node, by one walk in topological order.
  hops_.assign(size() * size(), 0);
  for (std::size_t s = 0; s < size(); ++s) {
    std::vector<int> hops(static_cast<std::size_t>(graph.size()), -1);  // −1: no way
    hops[static_cast<std::size_t>(layers_[s].node)] = 0;
    for (NodeId node = layers_[s].node + 1; node < graph.size(); ++node) {
      int& here = hops[static_cast<std::size_t>(node)];
      for (const NodeId in : graph[node].inputs) {
        const int before = hops[static_cast<std::size_t>(in)];
        if (before >= 0 && (here < 0 || before < here)) here = before;
      }
      if (here >= 0 && is_neuron(node)) ++here;
    }
    for (std::size_t t = s + 1; t < size(); ++t) {
      hops_[t * size() + s] = std::max(hops[static_cast<std::size_t>(layers_[t].node)], 0);
    }
  }

  for (NodeId node = 1; node < graph.size(); ++node) {
    const auto& inputs = graph[node].inputs;
    int deepest = 0;
    for (const NodeId in : inputs) deepest = std::max(deepest, graph.depth(in));
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (graph.depth(inputs[i]) < deepest) skip_edges_.push_back({node, i});
    }
  }
}

int Neurons::depth() const {
  int deepest = 0;
  for (const NeuronLayer& layer : layers_) deepest = std::max(deepest, layer.depth);
  return deepest;
}

std::vector<std::string> Neurons::names() const {
  std::vector<std::string> names;
  for (const NeuronLayer& layer : layers_) names.push_back(layer.name);
  return names;
}

std::size_t Neurons::find(const std::string& name) const {
  for (std::size_t l = 0; l < size(); ++l) {
    if (layers_[l].name == name) return l;
  }
  throw UsageError(unknown_name("layer", name, names()));
}

std::vector<Index> Neurons::sample(std::size_t layer, Index count, std::uint64_t seed) const {
  const auto order = Rng(seed, "analysis/neurons/" + layers_[layer].name).permutation(layers_[layer].units);
  std::vector<Index> picked(order.begin(), order.begin() + std::min<Index>(count, layers_[layer].units));
  std::sort(picked.begin(), picked.end());
  return picked;
}

NeuronRef parse_neuron(const Neurons& neurons, const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) throw UsageError(cat("neuron '", text, "': expected LAYER:NUMBER, like h3:17"));
  const std::size_t layer = neurons.find(text.substr(0, colon));
  const char* const begin = text.data() + colon + 1;
  const char* const end = text.data() + text.size();
  Index unit = -1;
  const auto [stop, error] = std::from_chars(begin, end, unit);
  if (error != std::errc() || stop != end || unit < 0 || unit >= neurons[layer].units) {
    throw UsageError(cat("neuron '", text, "': expected a number from 0 to ", neurons[layer].units - 1, ", since ",
                         neurons[layer].name, " has ", neurons[layer].units, " neurons"));
  }
  return {layer, unit};
}

}  // namespace strata
