#include "framework/layers/dense.hpp"

#include "framework/core/errors.hpp"
#include "framework/layers/one_input.hpp"
#include "framework/parallel/gemm.hpp"

namespace strata {

Dense::Dense(Index units, bool bias, std::string init, double gain)
    : units_(units), bias_(bias), init_(std::move(init)), gain_(gain) {
  if (units_ < 1) throw UsageError(cat("dense: units = ", units_, ": expected at least 1"));
  initializer(init_, gain_);  // throws on an unknown name now rather than when the net is built
}

nlohmann::ordered_json Dense::attributes() const {
  nlohmann::ordered_json a{{"units", units_}, {"bias", bias_}, {"init", init_}};
  if (gain_ != 1) a["gain"] = gain_;
  return a;
}

Shape Dense::infer(std::span<const Shape> in) const {
  const Shape& input = one_input("dense", in);
  if (input.size() != 1) {
    throw ShapeError(cat("dense takes a flat input, got ", to_string(input), "; put a flatten node before it"));
  }
  return {units_};
}

std::vector<ParamSpec> Dense::params(std::span<const Shape> in) const {
  std::vector<ParamSpec> specs{{"weight", units_, features(in[0]), initializer(init_, gain_)}};
  if (bias_) specs.push_back({"bias", units_, 1, Initializer::zeros()});
  return specs;
}

double Dense::multiply_adds(std::span<const Shape> in) const {
  return static_cast<double>(units_) * static_cast<double>(features(in[0]));
}

void Dense::forward(const NodeCtx& at, Views w, Views x, MutView y, Aux& aux) const {
  forward_blocks(at, w, x, y, aux, {});
}

void Dense::forward_blocks(const NodeCtx&, Views w, Views x, MutView y, Aux&, BlockBody done) const {
  const auto finish = [&](Index row, Index col, MutView block) {
    if (bias_) block.colwise() += w[1].col(0).segment(row, block.rows());
    if (done) done(row, col, block);
  };
  const bool nothing_to_finish = !bias_ && !done;
  gemm(Op::none, w[0], Op::none, x[0], y, 1, 0, nothing_to_finish ? BlockBody() : BlockBody(finish));
}

void Dense::pull_back(Views w, Views, View, const Aux&, View dy, MutViews dx) const {
  if (wanted(dx[0])) gemm(Op::transposed, w[0], Op::none, dy, dx[0], 1, 1);
}

void Dense::pull_back_units(Views w, Views, View, const Aux&, View dy, std::span<const Index> unit, MutViews dx) const {
  if (!wanted(dx[0])) return;
  Vector row;  // of W, made contiguous once for all neighbouring columns of a unit
  Index last = -1;
  for (Index c = 0; c < dy.cols(); ++c) {
    const Index u = unit[static_cast<std::size_t>(c)];
    if (u != last) row = w[0].row(u).transpose();
    last = u;
    dx[0].col(c) += dy(u, c) * row;
  }
}

void Dense::param_grad(Views x, View, const Aux&, View dy, MutViews g, Scalar scale) const {
  if (wanted(g[0])) gemm(Op::none, dy, Op::transposed, x[0], g[0], scale, 1);
  if (bias_ && wanted(g[1])) row_sums(dy, g[1], scale, 1);
}

void Dense::pull_back_blocks(Views w, Views, View, const Aux&, View dy, View before, MutView dx, BlockBody done) const {
  gemm(Op::transposed, w[0], Op::none, dy, dx, 1, begin_with(before, dx) ? 1 : 0, done);
}

bool Dense::param_grad_blocks(Views x, View, const Aux&, View dy, Scalar scale, ParamBlockBody done) const {
  gemm_blocks(Op::none, dy, Op::transposed, x[0], scale,
              [&](Index row, Index col, MutView block) { done(0, row, col, block); });
  if (bias_) row_sums_blocks(dy, scale, [&](Index row, Index col, MutView block) { done(1, row, col, block); });
  return true;
}

void Dense::push_forward(Views w, Views x, View, const Aux&, Views dx, Views dw, MutView dy) const {
  dy.setZero();
  if (bias_ && given(dw[1])) dy.colwise() = dw[1].col(0);
  if (given(dx[0])) gemm(Op::none, w[0], Op::none, dx[0], dy, 1, 1);
  if (given(dw[0])) gemm(Op::none, dw[0], Op::none, x[0], dy, 1, 1);
}

}  // namespace strata
