#include "framework/layers/layer.hpp"

#include "framework/core/errors.hpp"

namespace strata {

std::vector<ParamSpec> Layer::params(std::span<const Shape>) const { return {}; }

double Layer::multiply_adds(std::span<const Shape>) const { return 0; }

void Layer::push_forward(Views, Views, View, const Aux&, Views, Views, MutView) const {
  throw UnsupportedError(cat("layer type '", type(), "' has no push_forward, which this rule needs"));
}

void Layer::param_grad(Views, View, const Aux&, View, MutViews, Scalar) const {}

}  // namespace strata
