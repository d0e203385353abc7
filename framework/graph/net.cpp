#include "framework/graph/net.hpp"

#include <algorithm>

#include "framework/core/errors.hpp"

namespace strata {

Net::Net(Graph graph, Registry& registry, const std::string& prefix, const std::string& group, bool trainable)
    : graph_(std::move(graph)), params_(static_cast<std::size_t>(graph_.size())) {
  for (const NodeId id : graph_.layers()) {
    for (const ParamSpec& spec : graph_[id].params) {
      const std::string name = prefix + graph_[id].name + "." + spec.name;
      params_[static_cast<std::size_t>(id)].push_back(
          trainable ? registry.add(name, group, spec.rows, spec.cols, spec.init)
                    : registry.add_buffer(name, group, spec.rows, spec.cols, spec.init));
    }
  }
}

std::vector<View> Net::weights(const Registry& registry, NodeId node, const Transport* transport) const {
  std::vector<View> w;
  for (const ParamId id : params(node)) {
    const bool own = transport == nullptr || static_cast<std::size_t>(id) >= transport->size();
    w.push_back(view(registry.value(own ? id : (*transport)[static_cast<std::size_t>(id)])));
  }
  return w;
}

std::vector<View> Net::input_views(NodeId node, const Activations& acts) const {
  std::vector<View> x;
  for (const NodeId in : graph_[node].inputs) x.push_back(acts[in]);
  return x;
}

void Net::forward(const Ctx& ctx, const Registry& registry, View x, Activations& acts) const {
  if (x.rows() != graph_[0].units) {
    throw ShapeError(cat("network input: got ", x.rows(), " features, expected ", graph_[0].units, " (shape ",
                         to_string(graph_[0].shape), ")"));
  }
  acts.set(Graph::input(), x);
  for (NodeId id = 1; id < graph_.size(); ++id) {
    graph_[id].layer->forward({ctx, graph_[id].name}, weights(registry, id, nullptr), input_views(id, acts),
                              acts.own(id, x.cols()), acts.aux(id));
  }
}

void Net::forward_nodes(const Ctx& ctx, const Registry& registry, const std::vector<NodeId>& nodes,
                        Activations& acts) const {
  for (const NodeId id : nodes) {
    const auto x = input_views(id, acts);
    graph_[id].layer->forward({ctx, graph_[id].name}, weights(registry, id, nullptr), x, acts.own(id, x[0].cols()),
                              acts.aux(id));
  }
}

void Net::pull_back_node(const Registry& registry, NodeId node, const Activations& acts, Deltas& deltas,
                         const Sweep& sweep) const {
  const View dy = deltas[node];
  std::vector<MutView> dx;
  bool any = false;
  for (const NodeId in : graph_[node].inputs) {
    const bool blocked =
        in == Graph::input() ? !sweep.to_input : sweep.stop_at_credit_points && graph_.is_credit_point(in);
    dx.push_back(blocked ? no_view() : deltas.at(in, dy.cols()));
    any = any || !blocked;
  }
  if (!any) return;
  graph_[node].layer->pull_back(weights(registry, node, sweep.transport), input_views(node, acts), acts[node],
                                acts.aux(node), dy, dx);
}

void Net::backward(const Registry& registry, const Activations& acts, Deltas& deltas, NodeGradients* gradients,
                   const Sweep& sweep) const {
  for (NodeId id = graph_.size() - 1; id > 0; --id) {
    if (!deltas.present(id)) continue;
    if (gradients != nullptr && !params(id).empty()) gradients->add(*this, id, acts, deltas[id]);
    pull_back_node(registry, id, acts, deltas, sweep);
  }
}

void Net::push_forward(const Registry& registry, const Activations& acts, const std::vector<View>& dw, View dx,
                       Activations& tangents) const {
  tangents.set(Graph::input(), dx);
  for (NodeId id = 1; id < graph_.size(); ++id) {
    const auto dx_here = input_views(id, tangents);
    std::vector<View> dw_here;
    for (const ParamId p : params(id)) {
      dw_here.push_back(static_cast<std::size_t>(p) < dw.size() ? dw[static_cast<std::size_t>(p)] : nothing());
    }
    if (std::none_of(dx_here.begin(), dx_here.end(), given) && std::none_of(dw_here.begin(), dw_here.end(), given)) {
      tangents.set(id, nothing());
      continue;
    }
    graph_[id].layer->push_forward(weights(registry, id, nullptr), input_views(id, acts), acts[id], acts.aux(id),
                                   dx_here, dw_here, tangents.own(id, acts[id].cols()));
  }
}

void Net::param_grad(NodeId node, const Activations& acts, View dy, MutViews g, Scalar scale) const {
  graph_[node].layer->param_grad(input_views(node, acts), acts[node], acts.aux(node), dy, g, scale);
}

}  // namespace strata
