#include "framework/layers/layer.hpp"

#include "framework/core/errors.hpp"
#include "framework/parallel/column_blocks.hpp"

namespace strata {
namespace {

void hand_on(MutView m, BlockBody done) {
  for_column_blocks(m.rows(), m.cols(), [&](Index first, Index count) {
    done(0, first, MutView(m.data() + first * m.outerStride(), m.rows(), count, Eigen::OuterStride<>(m.outerStride())));
  });
}

}  // namespace

std::vector<ParamSpec> Layer::params(std::span<const Shape>) const { return {}; }

std::shared_ptr<const Layer> Layer::bound(std::span<const Shape>) const { return nullptr; }

double Layer::multiply_adds(std::span<const Shape>) const { return 0; }

void Layer::push_forward(Views, Views, View, const Aux&, Views, Views, MutView) const {
  throw UnsupportedError(cat("layer type '", type(), "' has no push_forward, which this rule needs"));
}

void Layer::pull_back_units(Views w, Views x, View y, const Aux& aux, View dy, std::span<const Index>,
                            MutViews dx) const {
  pull_back(w, x, y, aux, dy, dx);
}

void Layer::forward_blocks(const NodeCtx& at, Views w, Views x, MutView y, Aux& aux, BlockBody done) const {
  forward(at, w, x, y, aux);
  hand_on(y, done);
}

void Layer::pull_back_blocks(Views w, Views x, View y, const Aux& aux, View dy, View before, MutView dx,
                             BlockBody done) const {
  if (!begin_with(before, dx)) dx.setZero();
  pull_back(w, x, y, aux, dy, {&dx, 1});
  if (done) hand_on(dx, done);
}

bool Layer::backward_blocks(Views, Views, View, const Aux&, View, View, MutView, BlockBody, ParamPlace) const {
  return false;
}

bool Layer::param_grad_blocks(Views, View, const Aux&, View, Scalar, ParamBlockBody) const { return false; }

void Layer::param_grad(Views, View, const Aux&, View, MutViews, Scalar) const {}

void Layer::move_statistics(const Aux&, MutViews) const {}

}  // namespace strata
