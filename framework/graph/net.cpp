#include "framework/graph/net.hpp"

#include <algorithm>
#include <boost/container/small_vector.hpp>

#include "framework/core/errors.hpp"
#include "framework/parallel/column_blocks.hpp"

namespace strata {
namespace {

// Lists of what one node has, on the stack: a training step allocates nothing.
using FewViews = boost::container::small_vector<View, 4>;
using FewMutViews = boost::container::small_vector<MutView, 4>;

void add_weights(const Net& net, const Registry& registry, NodeId node, const Transport* transport, FewViews& w) {
  for (const ParamId id : net.params(node)) {
    const bool own = transport == nullptr || static_cast<std::size_t>(id) >= transport->size();
    w.push_back(view(registry.value(own ? id : (*transport)[static_cast<std::size_t>(id)])));
  }
}

void add_inputs(const Graph& graph, NodeId node, const Activations& acts, FewViews& x) {
  for (const NodeId in : graph[node].inputs) x.push_back(acts.for_readers(in));
}

Views span_of(const FewViews& views) { return {views.data(), views.size()}; }

// Is a delta of `neuron` with one number a column still such a one when it comes to its layer `node`?
bool stays_one_hot(const Graph& graph, NodeId node, NodeId neuron) {
  if (graph.neuron(node) != neuron) return false;
  for (; node != neuron; node = graph[node].readers[0]) {
    if (graph[graph[node].readers[0]].layer->mixes_units()) return false;
  }
  return true;
}

// Adds dy to the delta of a node. With `shows`, dy stays as it is and is only shown as long as it is the only one.
void share_out(View dy, Deltas& deltas, NodeId node, bool shows) {
  if (!deltas.present(node)) {
    if (shows) deltas.show(node, dy);
    else begin_with(dy, deltas.overwritten(node, dy.cols()));
    return;
  }
  MutView to = deltas.at(node, dy.cols());
  for_column_blocks(dy.rows(), dy.cols(), [&](Index c, Index n) { to.middleCols(c, n) += dy.middleCols(c, n); });
}

const Scalar* at(const View& m, Index row, Index col) { return m.data() + col * m.outerStride() + row; }
Scalar* at(MutView& m, Index row, Index col) { return m.data() + col * m.outerStride() + row; }

}  // namespace

Net::Net(Graph graph, Registry& registry, const std::string& prefix, const std::string& group, bool trainable)
    : graph_(std::move(graph)), params_(static_cast<std::size_t>(graph_.size())),
      tail_(static_cast<std::size_t>(graph_.size()), 0) {
  for (NodeId id = 1; id < graph_.size(); ++id) {
    for (const ParamSpec& spec : graph_[id].params) {
      const std::string name = prefix + graph_[id].name + "." + spec.name;
      params_[static_cast<std::size_t>(id)].push_back(
          trainable && spec.trainable ? registry.add(name, group, spec.rows, spec.cols, spec.init)
                                      : registry.add_buffer(name, group, spec.rows, spec.cols, spec.init));
    }
  }
  find_tails();
}

void Net::find_tails() {
  for (NodeId id = 1; id < graph_.size(); ++id) {
    const Node& node = graph_[id];
    if (node.readers.size() != 1 || node.layer->passes_through()) continue;
    if (graph_[node.readers[0]].layer->pointwise() != nullptr) tail_[static_cast<std::size_t>(id)] = node.readers[0];
  }
}

void Net::forward(const Ctx& ctx, const Registry& registry, View x, Activations& acts) const {
  if (x.rows() != graph_[0].units) {
    throw ShapeError(cat("network input: got ", x.rows(), " features, expected ", graph_[0].units, " (shape ",
                         to_string(graph_[0].shape), ")"));
  }
  acts.set(Graph::input(), x);
  for (NodeId id = 1; id < graph_.size(); ++id) {
    const NodeId before = graph_[id].inputs[0];
    const bool done = before > 0 && tail_[static_cast<std::size_t>(before)] == id;
    if (!done) forward_node(ctx, registry, id, x.cols(), acts, true);
  }
}

void Net::forward_nodes(const Ctx& ctx, const Registry& registry, const std::vector<NodeId>& nodes,
                        Activations& acts) const {
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const bool with_tail = i + 1 < nodes.size() && nodes[i + 1] == tail_[static_cast<std::size_t>(nodes[i])];
    const Index batch = acts[graph_[nodes[i]].inputs[0]].cols();
    if (forward_node(ctx, registry, nodes[i], batch, acts, with_tail)) ++i;
  }
}

// Computes a node; and its tail, if it has one and `with_tail` says so: then returns true.
bool Net::forward_node(const Ctx& ctx, const Registry& registry, NodeId node, Index batch, Activations& acts,
                       bool with_tail) const {
  FewViews x;
  add_inputs(graph_, node, acts, x);
  const Layer& layer = *graph_[node].layer;
  if (layer.passes_through()) {
    acts.set(node, x[0]);
    return false;
  }
  FewViews w;
  add_weights(*this, registry, node, nullptr, w);
  const NodeCtx at_node{ctx, graph_[node].name};
  if (layer.has_statistics() && ctx.mode == Mode::train && ctx.update_stats) acts.note_statistics(*this, node);
  const MutView y = acts.own(node, batch);
  const NodeId tail = tail_[static_cast<std::size_t>(node)];
  if (!with_tail || tail == 0) {
    layer.forward(at_node, span_of(w), span_of(x), y, acts.aux(node));
    return false;
  }
  const Pointwise& f = *graph_[tail].layer->pointwise();
  MutView f_of_y = acts.own(tail, batch);
  layer.forward_blocks(at_node, span_of(w), span_of(x), y, acts.aux(node), [&](Index row, Index col, MutView block) {
    for (Index c = 0; c < block.cols(); ++c) f.map(block.rows(), at(block, 0, c), at(f_of_y, row, col + c));
  });
  return true;
}

// Does the sweep want the gradient of input number `input` of a node?
bool Net::takes(NodeId node, std::size_t input, const Sweep& sweep) const {
  for (const Edge& edge : sweep.cut) {
    if (edge.node == node && edge.input == input) return false;
  }
  const NodeId in = graph_[node].inputs[input];
  if (graph_.depth(in) == 0) return sweep.to_input;
  return !(sweep.stop_at_credit_points && graph_.is_credit_point(in));
}

void Net::pull_back_node(const Registry& registry, NodeId node, const Activations& acts, Deltas& deltas,
                         const Sweep& sweep) const {
  pull_back(registry, node, acts, deltas, sweep, false, nullptr);
}

// With `pass_on`, the gradient of a tail goes on, block by block, to what the tail reads, once the last of its readers, the
// first of the graph, has added to it. True if `gradients` has got the node's, found on the way.
bool Net::pull_back(const Registry& registry, NodeId node, const Activations& acts, Deltas& deltas, const Sweep& sweep,
                    bool pass_on, NodeGradients* gradients) const {
  const View dy = deltas[node];
  const std::vector<NodeId>& inputs = graph_[node].inputs;
  FewViews x;
  add_inputs(graph_, node, acts, x);
  FewViews w;
  add_weights(*this, registry, node, sweep.transport, w);
  const Layer& layer = *graph_[node].layer;
  if (layer.passes_back()) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (takes(node, i, sweep)) share_out(dy, deltas, inputs[i], pass_on);
    }
    return false;
  }
  const bool one_hot = sweep.one_hot >= 0 && stays_one_hot(graph_, node, sweep.one_hot);
  if (inputs.size() > 1 || one_hot) {
    FewMutViews dx;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      dx.push_back(takes(node, i, sweep) ? deltas.at(inputs[i], dy.cols()) : no_view());
    }
    if (std::none_of(dx.begin(), dx.end(), wanted)) return false;
    const MutViews all{dx.data(), dx.size()};
    if (one_hot) {
      layer.pull_back_units(span_of(w), span_of(x), acts[node], acts.aux(node), dy, sweep.unit, all);
    } else {
      layer.pull_back(span_of(w), span_of(x), acts[node], acts.aux(node), dy, all);
    }
    return false;
  }
  const NodeId in = inputs[0];
  if (!takes(node, 0, sweep)) return false;
  const View before = deltas.present(in) ? deltas[in] : nothing();
  const MutView dx = deltas.overwritten(in, dy.cols());
  const NodeId below = in == Graph::input() ? in : graph_[in].inputs[0];
  const bool stops = sweep.at_point && graph_.is_credit_point(in);
  const bool tail = in != Graph::input() && !stops && graph_[in].readers[0] == node &&
                    tail_[static_cast<std::size_t>(below)] == in && takes(in, 0, sweep) && !deltas.present(below);
  const auto run = [&](BlockBody done) {
    if (gradients != nullptr && !params(node).empty() && dy.cols() == acts.batch()) {
      const auto place = [&](std::size_t p) {
        const Matrix& value = registry.value(params(node)[p]);
        return gradients->place(params(node)[p], value.rows(), value.cols());
      };
      if (layer.backward_blocks(span_of(w), span_of(x), acts[node], acts.aux(node), dy, before, dx, done, place)) {
        return true;
      }
    }
    layer.pull_back_blocks(span_of(w), span_of(x), acts[node], acts.aux(node), dy, before, dx, done);
    return false;
  };
  if (!pass_on || !tail) return run({});
  const Pointwise& f = *graph_[in].layer->pointwise();
  const View z = acts[below];
  const View y = acts[in];
  MutView dz = deltas.overwritten(below, dy.cols());
  const bool found = run([&](Index row, Index col, MutView block) {
    for (Index c = 0; c < block.cols(); ++c) {
      const Index sample = (col + c) % y.cols();  // dy may hold several cotangents a sample
      f.pull(block.rows(), at(z, row, sample), at(y, row, sample), at(block, 0, c), at(dz, row, col + c));
    }
  });
  deltas.pass_on(in);
  return found;
}

void Net::backward(const Registry& registry, const Activations& acts, Deltas& deltas, NodeGradients* gradients,
                   const Sweep& sweep) const {
  for (NodeId id = graph_.size() - 1; id > 0; --id) {
    if (!deltas.present(id)) continue;
    if (sweep.at_point && graph_.is_credit_point(id)) sweep.at_point(id, deltas.at(id, deltas[id].cols()));
    const bool found = !deltas.passed_on(id) && pull_back(registry, id, acts, deltas, sweep, true, gradients);
    if (gradients != nullptr && !params(id).empty() && !found) gradients->add(*this, id, acts, deltas[id]);
  }
}

void Net::move_statistics(Registry& registry, NodeId node, const Activations& acts) const {
  FewMutViews w;
  for (const ParamId id : params(node)) w.push_back(mut_view(registry.value(id)));
  graph_[node].layer->move_statistics(acts.aux(node), {w.data(), w.size()});
}

void Net::push_forward(const Registry& registry, const Activations& acts, const std::vector<View>& dw, View dx,
                       Activations& tangents) const {
  tangents.set(Graph::input(), dx);
  for (NodeId id = 1; id < graph_.size(); ++id) {
    FewViews dx_here;
    add_inputs(graph_, id, tangents, dx_here);
    FewViews dw_here;
    for (const ParamId p : params(id)) {
      dw_here.push_back(static_cast<std::size_t>(p) < dw.size() ? dw[static_cast<std::size_t>(p)] : nothing());
    }
    if (std::none_of(dx_here.begin(), dx_here.end(), given) && std::none_of(dw_here.begin(), dw_here.end(), given)) {
      tangents.set(id, nothing());
      continue;
    }
    FewViews w;
    add_weights(*this, registry, id, nullptr, w);
    FewViews x;
    add_inputs(graph_, id, acts, x);
    graph_[id].layer->push_forward(span_of(w), span_of(x), acts[id], acts.aux(id), span_of(dx_here), span_of(dw_here),
                                   tangents.own(id, acts[id].cols()));
  }
}

void Net::param_grad(NodeId node, const Activations& acts, View dy, MutViews g, Scalar scale) const {
  FewViews x;
  add_inputs(graph_, node, acts, x);
  graph_[node].layer->param_grad(span_of(x), acts[node], acts.aux(node), dy, g, scale);
}

bool Net::param_grad_blocks(NodeId node, const Activations& acts, View dy, Scalar scale, ParamBlockBody done) const {
  FewViews x;
  add_inputs(graph_, node, acts, x);
  return graph_[node].layer->param_grad_blocks(span_of(x), acts[node], acts.aux(node), dy, scale, done);
}

}  // namespace strata
