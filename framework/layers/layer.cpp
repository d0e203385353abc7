#include "framework/layers/layer.hpp"

namespace strata {

std::vector<ParamSpec> Layer::params(std::span<const Shape>) const { return {}; }

double Layer::multiply_adds(std::span<const Shape>) const { return 0; }

void Layer::param_grad(Views, View, const Aux&, View, MutViews, Scalar) const {}

}  // namespace strata
