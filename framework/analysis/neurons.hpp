// Which numbers of a net are neurons, how deep they lie, and which connections are skips.
//
//   neuron       a unit of a neuron node (graph.hpp): of a layer after its activation, logits before the softmax; and a
//                feature of the input, which is a layer of its own
//   depth        longest path from the input, in layers with weights: 0 for the input, 1 for the first hidden layer
//   distance     depth of the target − depth of the source: 1 is the layer just before
//   hops         fewest steps from layer to layer on a way from the source to the target: 1 where a skip leads straight
//                to it
//   channel      by Neurons::of_channels: a feature map as one neuron, whose activation is the mean over its positions
//   skip edge    a connection into a joining node (add, concat) from less depth than the deepest of its inputs
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "framework/graph/net.hpp"

namespace strata {

struct NeuronLayer {
  NodeId node;
  std::string name;  ///< "input", or that of the deepest layer whose neurons these are: "h1"
  Index units;
  int depth;
  Index first;  ///< where its neurons begin when all layers' neurons are lined up, the input's first
  /// Numbers of the node that make a neuron, side by side: 1, or a channel's height × width.
  Index positions = 1;
  std::array<Index, 3> image;  ///< channels, height and width of the layer; of what is flat, its units, 1 and 1
};

/// The neurons of a graph, which must outlive it.
class Neurons {
 public:
  explicit Neurons(const Graph& graph);
  /// The same layers with a neuron for each channel of an image; what is no image stays.
  static Neurons of_channels(const Graph& graph);
  /// True if a layer other than the input is of images, so that of_channels differs.
  bool has_channels() const;

  const Graph& graph() const { return *graph_; }
  /// The input, then the layers in topological order; the output is the last.
  const std::vector<NeuronLayer>& layers() const { return layers_; }
  std::size_t size() const { return layers_.size(); }
  const NeuronLayer& operator[](std::size_t l) const { return layers_[l]; }
  /// Neurons in all layers together, the input's counted in.
  Index count() const { return layers_.back().first + layers_.back().units; }
  /// Of the deepest layer.
  int depth() const;
  std::vector<std::string> names() const;
  /// Index of the layer of that name. Throws UsageError naming the known ones.
  std::size_t find(const std::string& name) const;

  /// Fewest layers on a way from `source` to `target`; 0 if there is no way (then it is not upstream).
  int hops(std::size_t target, std::size_t source) const { return hops_[target * size() + source]; }
  bool upstream(std::size_t target, std::size_t source) const { return hops(target, source) > 0; }
  /// Depth of the target − depth of the source. At least 1 for what is upstream, but where an add joins a layer with
  /// another's neurons of the same depth: these are 0 apart.
  int distance(std::size_t target, std::size_t source) const { return layers_[target].depth - layers_[source].depth; }

  const std::vector<Edge>& skip_edges() const { return skip_edges_; }

  /// `count` of a layer's neurons (all, if there are no more), drawn by (seed, layer's name), ascending.
  std::vector<Index> sample(std::size_t layer, Index count, std::uint64_t seed) const;

 private:
  Neurons(const Graph& graph, bool channels);

  const Graph* graph_;
  std::vector<NeuronLayer> layers_;
  std::vector<int> hops_;
  std::vector<Edge> skip_edges_;
};

/// A neuron by name: "h3:17".
struct NeuronRef {
  std::size_t layer;
  Index unit;
};

/// Throws UsageError on anything that is not LAYER:NUMBER with a layer of the net and a number that it has.
NeuronRef parse_neuron(const Neurons& neurons, const std::string& text);

}  // namespace strata
