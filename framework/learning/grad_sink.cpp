#include "framework/learning/grad_sink.hpp"

#include <algorithm>
#include <boost/container/small_vector.hpp>

#include "framework/core/errors.hpp"
#include "framework/parallel/column_blocks.hpp"

namespace strata {

void GradSink::add(const Net& net, NodeId node, const Activations& acts, View dy, Scalar scale) {
  const Graph& graph = net.graph();
  if (node < 0 || node >= graph.size()) {
    throw UsageError(cat("pseudo-gradient at node ", node, ": expected 0 to ", graph.size() - 1));
  }
  if (dy.rows() != graph[node].units || dy.cols() != acts.batch()) {
    throw ShapeError(cat("pseudo-gradient at node '", graph[node].name, "': got ", dy.rows(), " × ", dy.cols(),
                         ", expected ", graph[node].units, " × ", acts.batch()));
  }
  nodes_.push_back({&net, node, &acts, dy.data(), dy.rows(), dy.cols(), dy.outerStride(), scale});
}

void GradSink::add(ParamId parameter, View g, Scalar scale) { place(parameter, g.rows(), g.cols()) = scale * g; }

MutView GradSink::place(ParamId parameter, Index rows, Index cols) {
  if (direct_.size() == direct_count_) direct_.emplace_back();  // numbers stay where they are
  Direct& next = direct_[direct_count_++];
  next.parameter = parameter;
  next.g.resize(rows, cols);
  return mut_view(next.g);
}

void GradSink::alias(ParamId parameter, ParamId like) { aliases_.push_back({parameter, like}); }

void GradSink::clear() {
  nodes_.clear();
  direct_count_ = 0;
  aliases_.clear();
  std::fill(present_.begin(), present_.end(), char{0});
}

bool GradSink::has(ParamId id) const {
  return static_cast<std::size_t>(id) < present_.size() && present_[static_cast<std::size_t>(id)] != 0;
}

// The gradient buffer of a parameter, zeroed at its first contribution.
MutView GradSink::open(const Registry& registry, ParamId id) {
  Matrix& g = gradients_[static_cast<std::size_t>(id)];
  char& present = present_[static_cast<std::size_t>(id)];
  if (!present) g.setZero(registry.value(id).rows(), registry.value(id).cols());
  present = 1;
  return mut_view(g);
}

// Marks what is asked for, and what an alias of it needs; counts the contributions to each parameter.
void GradSink::ask(const Registry& registry, const std::vector<ParamId>& parameters) {
  const auto size = static_cast<std::size_t>(registry.size());
  gradients_.resize(size);
  present_.assign(size, 0);
  asked_.assign(size, 0);
  contributions_.assign(size, 0);
  const auto check = [&](ParamId id) {
    if (id < 0 || id >= registry.size()) {
      throw UsageError(cat("gradient of parameter ", id, ": expected 0 to ", registry.size() - 1));
    }
  };
  for (std::size_t i = 0; i < direct_count_; ++i) check(direct_[i].parameter);
  for (const Alias& a : aliases_) {
    check(a.parameter);
    check(a.like);
  }
  for (const ParamId id : parameters) asked_[static_cast<std::size_t>(id)] = 1;
  for (const Alias& a : aliases_) {
    if (asked_[static_cast<std::size_t>(a.parameter)]) asked_[static_cast<std::size_t>(a.like)] = 1;
  }
  for (const FromNode& c : nodes_) {
    for (const ParamId id : c.net->params(c.node)) ++contributions_[static_cast<std::size_t>(id)];
  }
}

void GradSink::resolve(const Registry& registry, const std::vector<ParamId>& parameters) {
  ask(registry, parameters);
  add_up(registry);
}

void GradSink::consume(const Registry& registry, const std::vector<ParamId>& parameters, Consumer consumer) {
  ask(registry, parameters);
  // Whatever has another source, or is one, must be added up whole.
  constexpr int many = 2;
  for (std::size_t i = 0; i < direct_count_; ++i) contributions_[static_cast<std::size_t>(direct_[i].parameter)] = many;
  for (const Alias& a : aliases_) {
    contributions_[static_cast<std::size_t>(a.parameter)] = many;
    contributions_[static_cast<std::size_t>(a.like)] = many;
  }
  for (const FromNode& c : nodes_) {
    const std::vector<ParamId>& ids = c.net->params(c.node);
    const auto alone = [&](ParamId id) {
      return asked_[static_cast<std::size_t>(id)] && contributions_[static_cast<std::size_t>(id)] == 1;
    };
    if (!std::all_of(ids.begin(), ids.end(), alone)) continue;
    const bool consumed = c.net->param_grad_blocks(
        c.node, *c.acts, c.delta(), c.scale,
        [&](std::size_t p, Index row, Index col, MutView block) { consumer(ids[p], row, col, block); });
    if (!consumed) continue;
    for (const ParamId id : ids) asked_[static_cast<std::size_t>(id)] = 0;
  }
  // The gradients of the rest are all computed before any of these parameters moves.
  add_up(registry);
  for (const ParamId id : parameters) {
    if (!has(id)) continue;
    MutView g = gradient(id);
    for_column_blocks(g.rows(), g.cols(), [&](Index first, Index count) {
      consumer(id, 0, first, MutView(g.data() + first * g.rows(), g.rows(), count, Eigen::OuterStride<>(g.rows())));
    });
  }
}

void GradSink::add_up(const Registry& registry) {
  for (const FromNode& c : nodes_) {
    boost::container::small_vector<MutView, 4> g;
    bool any = false;
    for (const ParamId id : c.net->params(c.node)) {
      const bool wanted_here = asked_[static_cast<std::size_t>(id)] != 0;
      g.push_back(wanted_here ? open(registry, id) : no_view());
      any = any || wanted_here;
    }
    if (!any) continue;
    c.net->param_grad(c.node, *c.acts, c.delta(), {g.data(), g.size()}, c.scale);
  }
  for (std::size_t i = 0; i < direct_count_; ++i) {
    const Direct& c = direct_[i];
    if (!asked_[static_cast<std::size_t>(c.parameter)]) continue;
    MutView g = open(registry, c.parameter);
    if (g.rows() != c.g.rows() || g.cols() != c.g.cols()) {
      throw ShapeError(cat("gradient of '", registry[c.parameter].name, "': got ", c.g.rows(), " × ", c.g.cols(),
                           ", expected ", g.rows(), " × ", g.cols()));
    }
    g += c.g;
  }
  for (const Alias& a : aliases_) {
    if (!asked_[static_cast<std::size_t>(a.parameter)] || !has(a.like)) continue;
    MutView g = open(registry, a.parameter);
    const View source = view(gradients_[static_cast<std::size_t>(a.like)]);
    const bool same = g.rows() == source.rows() && g.cols() == source.cols();
    if (!same && (g.rows() != source.cols() || g.cols() != source.rows())) {
      throw ShapeError(cat("alias of '", registry[a.parameter].name, "' (", g.rows(), " × ", g.cols(), ") to '",
                           registry[a.like].name, "' (", source.rows(), " × ", source.cols(), ")"));
    }
    if (same) {
      g += source;
    } else {
      g += source.transpose();
    }
  }
}

}  // namespace strata
