#include "framework/learning/grad_sink.hpp"

#include <algorithm>

#include "framework/core/errors.hpp"

namespace strata {

void GradSink::add(const Net& net, NodeId node, const Activations& acts, View dy, Scalar scale) {
  nodes_.push_back({&net, node, &acts, dy.data(), dy.rows(), dy.cols(), dy.outerStride(), scale});
}

void GradSink::add(ParamId parameter, View g, Scalar scale) { direct_.push_back({parameter, scale * g}); }

void GradSink::alias(ParamId parameter, ParamId like) { aliases_.push_back({parameter, like}); }

void GradSink::clear() {
  nodes_.clear();
  direct_.clear();
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

void GradSink::resolve(const Registry& registry, const std::vector<ParamId>& parameters) {
  const auto size = static_cast<std::size_t>(registry.size());
  gradients_.resize(size);
  present_.assign(size, 0);
  std::vector<char> asked(size, 0);
  for (const ParamId id : parameters) asked[static_cast<std::size_t>(id)] = 1;
  for (const Alias& a : aliases_) {
    if (asked[static_cast<std::size_t>(a.parameter)]) asked[static_cast<std::size_t>(a.like)] = 1;
  }
  for (const FromNode& c : nodes_) {
    std::vector<MutView> g;
    bool any = false;
    for (const ParamId id : c.net->params(c.node)) {
      const bool wanted_here = asked[static_cast<std::size_t>(id)] != 0;
      g.push_back(wanted_here ? open(registry, id) : no_view());
      any = any || wanted_here;
    }
    if (any) c.net->param_grad(c.node, *c.acts, View(c.dy, c.rows, c.cols, Eigen::OuterStride<>(c.stride)), g, c.scale);
  }
  for (const Direct& c : direct_) {
    if (!asked[static_cast<std::size_t>(c.parameter)]) continue;
    MutView g = open(registry, c.parameter);
    if (g.rows() != c.g.rows() || g.cols() != c.g.cols()) {
      throw ShapeError(cat("gradient of '", registry[c.parameter].name, "': got ", c.g.rows(), " × ", c.g.cols(),
                           ", expected ", g.rows(), " × ", g.cols()));
    }
    g += c.g;
  }
  for (const Alias& a : aliases_) {
    if (!asked[static_cast<std::size_t>(a.parameter)] || !has(a.like)) continue;
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
