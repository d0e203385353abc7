#include "framework/layers/structural.hpp"

#include <cmath>

#include "framework/core/errors.hpp"
#include "framework/layers/one_input.hpp"
#include "framework/parallel/column_blocks.hpp"

namespace strata {

Shape Add::infer(std::span<const Shape> in) const {
  if (in.size() < 2) throw ShapeError(cat("add takes two inputs or more, got ", in.size()));
  for (const Shape& shape : in) {
    if (shape != in[0])
      throw ShapeError(cat("add: inputs of shapes ", to_string(in[0]), " and ", to_string(shape),
                           " cannot be added; expected equal shapes"));
  }
  return in[0];
}

void Add::forward(const NodeCtx& at, Views w, Views x, MutView y, Aux& aux) const {
  forward_blocks(at, w, x, y, aux, {});
}

void Add::forward_blocks(const NodeCtx&, Views, Views x, MutView y, Aux&, BlockBody done) const {
  for_column_blocks(y.rows(), y.cols(), [&](Index c, Index n) {
    MutView block(y.data() + c * y.outerStride(), y.rows(), n, Eigen::OuterStride<>(y.outerStride()));
    block = x[0].middleCols(c, n) + x[1].middleCols(c, n);
    for (std::size_t i = 2; i < x.size(); ++i) block += x[i].middleCols(c, n);
    if (done) done(0, c, block);
  });
}

void Add::pull_back(Views, Views, View, const Aux&, View dy, MutViews dx) const {
  for (MutView& d : dx) {
    if (!wanted(d)) continue;
    for_column_blocks(d.rows(), d.cols(), [&](Index c, Index n) { d.middleCols(c, n) += dy.middleCols(c, n); });
  }
}

void Add::push_forward(Views, Views, View, const Aux&, Views dx, Views, MutView dy) const {
  dy.setZero();
  for (const View& d : dx) {
    if (given(d)) dy += d;
  }
}

Shape Concat::infer(std::span<const Shape> in) const {
  if (in.size() < 2) throw ShapeError(cat("concat takes two inputs or more, got ", in.size()));
  Index total = 0;
  for (const Shape& shape : in) {
    if (shape.size() != 1) throw ShapeError(cat("concat takes flat inputs, got ", to_string(shape)));
    total += shape[0];
  }
  return {total};
}

void Concat::forward(const NodeCtx&, Views, Views x, MutView y, Aux&) const {
  Index row = 0;
  for (const View& part : x) {
    y.middleRows(row, part.rows()) = part;
    row += part.rows();
  }
}

void Concat::pull_back(Views, Views x, View, const Aux&, View dy, MutViews dx) const {
  Index row = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (wanted(dx[i])) dx[i] += dy.middleRows(row, x[i].rows());
    row += x[i].rows();
  }
}

void Concat::push_forward(Views, Views x, View, const Aux&, Views dx, Views, MutView dy) const {
  dy.setZero();
  Index row = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (given(dx[i])) dy.middleRows(row, x[i].rows()) = dx[i];
    row += x[i].rows();
  }
}

Shape Flatten::infer(std::span<const Shape> in) const { return {features(one_input("flatten", in))}; }

void Flatten::forward(const NodeCtx&, Views, Views x, MutView y, Aux&) const { y = x[0]; }

void Flatten::pull_back(Views, Views, View, const Aux&, View dy, MutViews dx) const {
  if (wanted(dx[0])) dx[0] += dy;
}

void Flatten::push_forward(Views, Views, View, const Aux&, Views dx, Views, MutView dy) const {
  if (given(dx[0])) {
    dy = dx[0];
  } else {
    dy.setZero();
  }
}

Dropout::Dropout(double rate) : rate_(rate) {
  if (!(rate >= 0 && rate < 1)) throw UsageError(cat("dropout: rate = ", rate, ": expected 0 ≤ rate < 1"));
}

Shape Dropout::infer(std::span<const Shape> in) const { return one_input("dropout", in); }

void Dropout::forward(const NodeCtx& at, Views, Views x, MutView y, Aux& aux) const {
  if (at.ctx.mode == Mode::evaluate) {
    aux.data.resize(0, 0);
    y = x[0];
    return;
  }
  aux.data.resize(y.rows(), y.cols());
  at.ctx.rng("dropout/", at.node).fill_uniform(mut_view(aux.data), 0, 1);
  const auto rate = static_cast<Scalar>(rate_);
  const Scalar keep = 1 / (1 - rate);
  for_column_blocks(y.rows(), y.cols(), [&](Index c, Index n) {
    auto factors = aux.data.middleCols(c, n).array();
    factors = (factors >= rate).cast<Scalar>() * keep;
    y.middleCols(c, n).array() = x[0].middleCols(c, n).array() * factors;
  });
}

void Dropout::pull_back(Views, Views, View y, const Aux& aux, View dy, MutViews dx) const {
  if (!wanted(dx[0])) return;
  if (aux.data.size() == 0) {
    dx[0] += dy;
    return;
  }
  for (Index k = 0; k < dy.cols(); k += y.cols()) {
    dx[0].middleCols(k, y.cols()).array() += dy.middleCols(k, y.cols()).array() * aux.data.array();
  }
}

void Dropout::push_forward(Views, Views, View, const Aux& aux, Views dx, Views, MutView dy) const {
  dy.setZero();
  if (!given(dx[0])) return;
  if (aux.data.size() == 0) {
    dy = dx[0];
  } else {
    dy.array() = dx[0].array() * aux.data.array();
  }
}

Normalize::Normalize(std::vector<double> mean, std::vector<double> sd) : mean_(std::move(mean)), sd_(std::move(sd)) {
  if (mean_.empty() || mean_.size() != sd_.size()) {
    throw UsageError(
        cat("normalize: ", mean_.size(), " means and ", sd_.size(), " sds: expected as many, at least one"));
  }
  const auto n = static_cast<Index>(mean_.size());
  shift_.resize(n);
  factor_.resize(n);
  for (Index i = 0; i < n; ++i) {
    const double m = mean_[static_cast<std::size_t>(i)];
    const double s = sd_[static_cast<std::size_t>(i)];
    if (!std::isfinite(m)) throw UsageError(cat("normalize: mean = ", m, ": expected a finite number"));
    if (!(std::isfinite(s) && s > 0))
      throw UsageError(cat("normalize: sd = ", s, ": expected a finite number above 0"));
    factor_[i] = static_cast<Scalar>(1 / s);
    shift_[i] = static_cast<Scalar>(-m / s);
  }
}

nlohmann::ordered_json Normalize::attributes() const { return {{"mean", mean_}, {"sd", sd_}}; }

Shape Normalize::infer(std::span<const Shape> in) const {
  const Shape shape = one_input("normalize", in);
  if (factor_.size() != 1 && factor_.size() != features(shape)) {
    throw ShapeError(cat("normalize: ", factor_.size(), " means for an input of shape ", to_string(shape)));
  }
  return shape;
}

void Normalize::forward(const NodeCtx&, Views, Views x, MutView y, Aux&) const {
  for_column_blocks(y.rows(), y.cols(), [&](Index c, Index n) {
    auto out = y.middleCols(c, n).array();
    const auto in = x[0].middleCols(c, n).array();
    if (factor_.size() == 1) {
      out = in * factor_[0] + shift_[0];
    } else {
      out = (in.colwise() * factor_.array()).colwise() + shift_.array();
    }
  });
}

void Normalize::pull_back(Views, Views, View, const Aux&, View dy, MutViews dx) const {
  if (!wanted(dx[0])) return;
  if (factor_.size() == 1) {
    dx[0] += factor_[0] * dy;
  } else {
    dx[0].array() += dy.array().colwise() * factor_.array();
  }
}

void Normalize::push_forward(Views, Views, View, const Aux&, Views dx, Views, MutView dy) const {
  dy.setZero();
  if (!given(dx[0])) return;
  if (factor_.size() == 1) {
    dy = factor_[0] * dx[0];
  } else {
    dy.array() = dx[0].array().colwise() * factor_.array();
  }
}

}  // namespace strata
