#include "framework/layers/conv2d.hpp"

#include <algorithm>

#include "framework/core/errors.hpp"

namespace strata {

Conv2d::Conv2d(Options options) : options_(std::move(options)) {
  const Options& o = options_;
  if (o.channels < 1) throw UsageError(cat("conv2d: channels = ", o.channels, ": expected at least 1"));
  if (o.groups < 1) throw UsageError(cat("conv2d: groups = ", o.groups, ": expected at least 1"));
  o.window.check("conv2d");
  initializer(o.init, o.gain);  // throws on an unknown name now rather than when the net is built
}

nlohmann::ordered_json Conv2d::attributes() const {
  const Options& o = options_;
  nlohmann::ordered_json a{{"channels", o.channels}, {"size", to_json(o.window.size)}};
  const Window usual{o.window.size};
  if (o.window.stride != usual.stride) a["stride"] = to_json(o.window.stride);
  if (o.window.padding != usual.padding) a["padding"] = to_json(o.window.padding);
  if (o.window.dilation != usual.dilation) a["dilation"] = to_json(o.window.dilation);
  if (o.groups != 1) a["groups"] = o.groups;
  a["bias"] = o.bias;
  a["init"] = o.init;
  if (o.gain != 1) a["gain"] = o.gain;
  return a;
}

Shape Conv2d::infer(std::span<const Shape> in) const {
  const Shape image = one_image("conv2d", in);
  for (const Index channels : {image[0], options_.channels}) {
    if (channels % options_.groups != 0) {
      throw ShapeError(cat("conv2d: groups = ", options_.groups, " from images ", to_string(image), " to ",
                           options_.channels, " channels: expected a divisor of both channel counts"));
    }
  }
  const Extents out = options_.window.output("conv2d", image);
  // Far more than nets have, and few enough for tables of them.
  const Index taps = options_.window.size[0] * options_.window.size[1], inputs = image[0] / options_.groups;
  if (std::max(options_.channels, inputs) > 10'000'000 / taps) {
    throw ShapeError(cat("conv2d: a kernel of ", taps, " pixels from images ", to_string(image), " to ",
                         options_.channels, " channels: expected at most 10,000,000 pixels × channels"));
  }
  return {options_.channels, out[0], out[1]};
}

std::vector<ParamSpec> Conv2d::params(std::span<const Shape> in) const {
  const Index taps = options_.window.size[0] * options_.window.size[1];
  Initializer init = initializer(options_.init, options_.gain);
  init.positions = taps;
  std::vector<ParamSpec> specs{{"weight", options_.channels, in[0][0] / options_.groups * taps, init}};
  if (options_.bias) specs.push_back({"bias", options_.channels, 1, Initializer::zeros()});
  return specs;
}

double Conv2d::multiply_adds(std::span<const Shape> in) const {
  const Extents out = options_.window.output("conv2d", in[0]);
  const Index patch = in[0][0] / options_.groups * options_.window.size[0] * options_.window.size[1];
  return static_cast<double>(options_.channels * patch) * static_cast<double>(out[0] * out[1]);
}

std::shared_ptr<const Layer> Conv2d::bound(std::span<const Shape> in) const {
  auto layer = std::make_shared<Conv2d>(options_);
  layer->convolution_ = std::make_shared<Convolution>(in[0], options_.channels, options_.groups, options_.window);
  return layer;
}

void Conv2d::forward(const NodeCtx& at, Views w, Views x, MutView y, Aux& aux) const {
  forward_blocks(at, w, x, y, aux, {});
}

void Conv2d::forward_blocks(const NodeCtx&, Views w, Views x, MutView y, Aux&, BlockBody done) const {
  convolution_->forward(w[0], options_.bias ? w[1] : nothing(), x[0], y, 0, done);
}

void Conv2d::pull_back(Views w, Views, View, const Aux&, View dy, MutViews dx) const {
  if (wanted(dx[0])) convolution_->pull_back(w[0], dy, view(dx[0]), dx[0], {});
}

void Conv2d::pull_back_blocks(Views w, Views, View, const Aux&, View dy, View before, MutView dx,
                              BlockBody done) const {
  convolution_->pull_back(w[0], dy, before, dx, done);
}

bool Conv2d::backward_blocks(Views w, Views x, View, const Aux&, View dy, View before, MutView dx, BlockBody done,
                             ParamPlace g) const {
  if (!convolution_->both_at_once(x[0].cols())) return false;
  MutView of_weight = g(0), of_bias = options_.bias ? g(1) : no_view();
  const auto write_to = [](MutView& all) {
    return [&all](Index row, Index col, MutView block) { all.block(row, col, block.rows(), block.cols()) = block; };
  };
  const auto weight = write_to(of_weight), bias = write_to(of_bias);
  convolution_->backward(w[0], x[0], dy, before, dx, done, weight, options_.bias ? BlockBody(bias) : BlockBody());
  return true;
}

void Conv2d::pull_back_units(Views w, Views, View, const Aux&, View dy, std::span<const Index> unit,
                             MutViews dx) const {
  if (wanted(dx[0])) convolution_->pull_back_units(w[0], dy, unit, dx[0]);
}

void Conv2d::param_grad(Views x, View, const Aux&, View dy, MutViews g, Scalar scale) const {
  const auto add_to = [](MutView& sum) {
    return [&sum](Index row, Index col, MutView block) { sum.block(row, col, block.rows(), block.cols()) += block; };
  };
  const auto weight = add_to(g[0]), bias = add_to(g[g.size() - 1]);
  const bool of_bias = options_.bias && wanted(g[1]);
  if (!wanted(g[0]) && !of_bias) return;
  convolution_->gradients(x[0], dy, scale, wanted(g[0]) ? BlockBody(weight) : BlockBody(),
                          of_bias ? BlockBody(bias) : BlockBody());
}

bool Conv2d::param_grad_blocks(Views x, View, const Aux&, View dy, Scalar scale, ParamBlockBody done) const {
  const auto weight = [&](Index row, Index col, MutView block) { done(0, row, col, block); };
  const auto bias = [&](Index row, Index col, MutView block) { done(1, row, col, block); };
  convolution_->gradients(x[0], dy, scale, weight, options_.bias ? BlockBody(bias) : BlockBody());
  return true;
}

void Conv2d::push_forward(Views w, Views x, View, const Aux&, Views dx, Views dw, MutView dy) const {
  dy.setZero();
  if (given(dx[0])) convolution_->forward(w[0], nothing(), dx[0], dy, 1, {});
  if (given(dw[0])) convolution_->forward(dw[0], nothing(), x[0], dy, 1, {});
  if (!options_.bias || !given(dw[1])) return;
  const Index positions = convolution_->positions();
  for (Index map = 0; map < options_.channels; ++map)
    dy.middleRows(map * positions, positions).array() += dw[1](map, 0);
}

}  // namespace strata
