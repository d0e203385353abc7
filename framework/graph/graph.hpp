// A directed acyclic graph of layers, checked when it is built and constant from then on.
//
// Nodes have integer ids in topological order; node 0 is the input. Words used throughout:
//   layer        a node with parameters that makes units of its own: not a normalisation, which belongs to the layer before
//                it (one that has no layer before it is a layer)
//   neuron node  where a layer's units are read: the layer's node, or the last of the nodes that keep its units
//                (normalisation, activation, add, dropout) and follow it one after the other, each the only reader of the
//                one before
//   credit point the neuron node of a hidden layer: where a rule may deliver a signal
//   cut          a node that every path from the input to the output passes through
//   region       of a credit point (or the output): the nodes between it and the credit points before it
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "framework/core/shape.hpp"
#include "framework/graph/graph_spec.hpp"
#include "framework/layers/catalog.hpp"
#include "framework/layers/layer.hpp"

namespace strata {

using NodeId = int;

struct Node {
  std::string name;
  std::shared_ptr<const Layer> layer;  ///< null for the input
  std::vector<NodeId> inputs;
  std::vector<NodeId> readers;  ///< nodes that take this one as input, ascending
  Shape shape;
  Index units = 0;  ///< features(shape)
  std::vector<ParamSpec> params;
};

class Graph {
 public:
  /// Throws GraphError on duplicate or unknown names, cycles, nodes that the input does not reach or that do not
  /// reach the output; UsageError on unknown layer types or attributes; ShapeError naming node and both shapes.
  explicit Graph(const GraphSpec& spec, const LayerCatalog& layers = builtin_layers());

  int size() const { return static_cast<int>(nodes_.size()); }
  const Node& operator[](NodeId id) const { return nodes_[static_cast<std::size_t>(id)]; }
  static constexpr NodeId input() { return 0; }
  NodeId output() const { return output_; }
  /// Throws GraphError naming the known nodes.
  NodeId find(const std::string& name) const;
  const GraphSpec& spec() const { return spec_; }

  /// The layers, in topological order.
  const std::vector<NodeId>& layers() const { return layers_; }
  /// The neuron node of a layer.
  NodeId neuron(NodeId layer) const { return neuron_[static_cast<std::size_t>(layer)]; }
  /// Longest path from the input in layers: 1 for the first; for other nodes, that of the deepest layer before them.
  int depth(NodeId id) const { return depth_[static_cast<std::size_t>(id)]; }

  /// Neuron nodes of the hidden layers, each once, in topological order. The output is not one.
  const std::vector<NodeId>& credit_points() const { return credit_points_; }
  bool is_credit_point(NodeId id) const { return is_credit_[static_cast<std::size_t>(id)] != 0; }
  bool is_cut(NodeId id) const;
  /// Nodes that are computed from earlier credit points (or the input) on the way to `point`, which is the last of
  /// them; in topological order. `point` is a credit point or the output.
  std::vector<NodeId> region(NodeId point) const;
  /// Nodes whose values depend on `node`, in topological order; it is not among them.
  std::vector<NodeId> after(NodeId node) const;
  /// True if every credit point is a cut: then the net is a chain of stages, as target propagation needs.
  bool is_chain() const;
  /// The first credit point that is not a cut, for messages; −1 if none.
  NodeId first_uncut() const;

  /// Multiply-adds of one forward pass of one sample, and numbers in all parameters.
  double multiply_adds() const;
  double parameters() const;

 private:
  void connect(const LayerCatalog& layers);
  void check_connected() const;
  void infer_shapes();
  void find_neurons();

  GraphSpec spec_;
  std::vector<Node> nodes_;
  NodeId output_ = 0;
  std::vector<NodeId> layers_, credit_points_, neuron_;
  std::vector<int> depth_;
  std::vector<char> is_credit_;
};

}  // namespace strata
