// A graph with its parameters in a registry: what can be run forward and swept backward.
//
// A Net holds no numbers, only where they are. A rule may own private nets (inverses, auxiliary heads); their
// parameters live in the same registry, in a group of their own.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "framework/core/function_ref.hpp"
#include "framework/graph/activations.hpp"
#include "framework/graph/graph.hpp"
#include "framework/graph/registry.hpp"

namespace strata {

class Net;

/// Takes what the backward sweep finds out about parameters; implemented by GradSink.
class NodeGradients {
 public:
  virtual ~NodeGradients() = default;
  /// The node's parameters get scale·(∂y/∂w)ᵀ dy. `acts` and `dy` must stay as they are until the gradients are used.
  virtual void add(const Net& net, NodeId node, const Activations& acts, View dy, Scalar scale = 1) = 0;
  /// The parameter gets what the caller writes to this matrix of rows × cols, all of it.
  virtual MutView place(ParamId parameter, Index rows, Index cols) = 0;
};

/// Which matrices carry a signal back through each parameter: its own id for backprop, a feedback matrix otherwise.
/// Indexed by ParamId; a transport shorter than the registry means "own" for the rest.
using Transport = std::vector<ParamId>;

/// The connection from a node's input number `input` to the node.
struct Edge {
  NodeId node;
  std::size_t input;
};

struct Sweep {
  const Transport* transport = nullptr;  ///< null: every parameter transports itself (backprop)
  bool stop_at_credit_points = false;    ///< signals do not pass a credit point: each region on its own
  bool to_input = false;                 ///< also the gradient of the input, and of what lies before the first layer
  std::span<const Edge> cut = {};        ///< connections that carry nothing back
  /// Told of what has arrived at each credit point that anything reaches, before it goes on; may change it.
  FunctionRef<void(NodeId point, MutView delta)> at_point = {};
  /// The deltas of the layers of this neuron node are zero but for row unit[c] of each column c: what is pulled back
  /// through them is then a pick of rows instead of a product. −1: no such node.
  NodeId one_hot = -1;
  std::span<const Index> unit = {};
};

class Net {
 public:
  /// Registers a parameter "<prefix><node>.<param>" for each of the graph's in `group`.
  /// As buffers (never stepped) if `trainable` is false.
  Net(Graph graph, Registry& registry, const std::string& prefix = "", const std::string& group = "forward",
      bool trainable = true);

  const Graph& graph() const { return graph_; }

  /// The parameters of a node, in its layer's order.
  const std::vector<ParamId>& params(NodeId node) const { return params_[static_cast<std::size_t>(node)]; }

  /// Computes every node from the batch x (features × B), which is shown, not copied. Throws ShapeError on a wrong
  /// number of features.
  void forward(const Ctx& ctx, const Registry& registry, View x, Activations& acts) const;

  /// Computes `nodes` alone (ascending), from whatever `acts` holds for their inputs.
  void forward_nodes(const Ctx& ctx, const Registry& registry, const std::vector<NodeId>& nodes,
                     Activations& acts) const;

  /// Walks from the output to the input: each node that is present in `deltas` reports its parameters' gradient to
  /// `gradients` (if not null) and pulls its delta back to its inputs. Signals that a rule put at several nodes add up.
  void backward(const Registry& registry, const Activations& acts, Deltas& deltas, NodeGradients* gradients,
                const Sweep& sweep = {}) const;

  /// As above for one node: deltas of its inputs get what it pulls back.
  void pull_back_node(const Registry& registry, NodeId node, const Activations& acts, Deltas& deltas,
                      const Sweep& sweep) const;

  /// The derivative of every node's value along a direction, in one forward sweep: of the parameters `dw` (by ParamId;
  /// nothing() or beyond the end: 0) and of the input `dx` (nothing(): 0). `acts` holds a forward pass. A node that the
  /// direction does not reach has a value without data in `tangents`. Throws UnsupportedError where a layer has no JVP.
  void push_forward(const Registry& registry, const Activations& acts, const std::vector<View>& dw, View dx,
                    Activations& tangents) const;

  /// Moves the running statistics of a node by the pass in training that `acts` holds.
  void move_statistics(Registry& registry, NodeId node, const Activations& acts) const;

  /// g[p] += scale·gradient of the node's parameter p (g in the order of params(node)).
  void param_grad(NodeId node, const Activations& acts, View dy, MutViews g, Scalar scale) const;

  /// done(p, block) for all of scale·gradient of each of the node's parameters, none of which is stored. False, and
  /// nothing done, if the layer cannot do it in blocks.
  bool param_grad_blocks(NodeId node, const Activations& acts, View dy, Scalar scale, ParamBlockBody done) const;

 private:
  void find_tails();
  bool forward_node(const Ctx& ctx, const Registry& registry, NodeId node, Index batch, Activations& acts,
                    bool with_tail) const;
  bool takes(NodeId node, std::size_t input, const Sweep& sweep) const;
  bool pull_back(const Registry& registry, NodeId node, const Activations& acts, Deltas& deltas, const Sweep& sweep,
                 bool pass_on, NodeGradients* gradients) const;

  Graph graph_;
  std::vector<std::vector<ParamId>> params_;
  // For a node whose only reader applies a function to each number: that reader, else 0. The two are computed block by
  // block together, forward and back; every value is stored all the same, and has the same bits.
  std::vector<NodeId> tail_;
};

}  // namespace strata
