// Layer and group normalisation.
#include <cmath>

#include "framework/core/errors.hpp"
#include "framework/layers/norm.hpp"
#include "framework/layers/norm_loops.hpp"
#include "framework/layers/one_input.hpp"
#include "framework/parallel/column_blocks.hpp"

namespace strata {
namespace norm {
namespace {

// One group of channels of one sample, whose rows lie side by side. aux.data holds a group's mean in row 2g and 1/sd in row
// 2g + 1, a column a sample.
struct Group {
  Index first, count, positions;  // channels
  Index row() const { return first * positions; }
  Index rows() const { return count * positions; }
};

Group group_of(Index g, Index groups, Index channels, Index rows) {
  return {g * (channels / groups), channels / groups, rows / channels};
}

// ∂x̂/∂x of a group is symmetric: P d = inverse·(d − Σ d/n) − (x − mean)·inverse³·Σ d (x − mean)/n.
struct Projection {
  Scalar mean, inverse, of_x, rest;

  Projection(Scalar mean_of_group, Scalar inverse_sd, double count, const PairSum& sum)
      : mean(mean_of_group), inverse(inverse_sd),
        of_x(static_cast<Scalar>(-std::pow(static_cast<double>(inverse_sd), 3) * sum.product / count)),
        rest(static_cast<Scalar>(-inverse_sd * sum.plain / count)) {}
};

// Σ γ dy and Σ γ dy (x − mean) of a group.
PairSum weighted(const Group& group, const Scalar* gamma, const Scalar* dy, const Scalar* x, Scalar mean) {
  PairSum all;
  if (group.positions > 1) {
    for (Index c = 0; c < group.count; ++c) {
      PairSum channel;
      channel.add(group.positions, dy + c * group.positions, x + c * group.positions, mean);
      all.plain += gamma[c] * channel.plain;
      all.product += gamma[c] * channel.product;
    }
    return all;
  }
  for_runs(group.count, [&](Index from, Index length) {
    Pack sum = Pack::Zero(), products = Pack::Zero();
    for (Index i = from; i < from + length; i += pack_size) {
      const Index n = std::min(pack_size, from + length - i);
      const Pack d = load(gamma + i, n) * load(dy + i, n);
      sum += d;
      products += d * (load(x + i, n) - mean);
    }
    all.plain += sum.sum();
    all.product += products.sum();
  });
  return all;
}

// y = x̂ γ + β for a group.
void apply_to_group(const Group& group, const Scalar* x, Scalar mean, Scalar inverse, const Scalar* gamma,
                    const Scalar* beta, Scalar* y) {
  if (group.positions == 1) {
    in_chunks(
        group.count, y,
        [=](const auto& v, const auto& f, const auto& s) { return Chunk((v - mean) * inverse * f + s); }, x, gamma,
        beta);
    return;
  }
  for (Index c = 0; c < group.count; ++c) {
    const Scalar factor = inverse * gamma[c], shift = beta[c];
    in_chunks(
        group.positions, y + c * group.positions, [=](const auto& v) { return Chunk((v - mean) * factor + shift); },
        x + c * group.positions);
  }
}

// (Adds to) dx = P (γ dy) for a group.
template <bool adds>
void pull_group(const Group& group, const Projection& p, const Scalar* gamma, const Scalar* dy, const Scalar* x,
                Scalar* dx) {
  const Scalar* before = adds ? dx : dy;  // not read unless added to
  const auto sum = [p](const auto& d, const auto& v, const auto& f, const auto& old) {
    const Chunk own = d * f + (v - p.mean) * p.of_x + p.rest;
    return adds ? Chunk(old + own) : own;
  };
  if (group.positions == 1) {
    in_chunks(
        group.count, dx,
        [&](const auto& d, const auto& v, const auto& f, const auto& old) { return sum(d, v, f * p.inverse, old); }, dy,
        x, gamma, before);
    return;
  }
  for (Index c = 0; c < group.count; ++c) {
    const Index skip = c * group.positions;
    const Scalar factor = p.inverse * gamma[c];
    in_chunks(
        group.positions, dx + skip,
        [&](const auto& d, const auto& v, const auto& old) { return sum(d, v, factor, old); }, dy + skip, x + skip,
        before + skip);
  }
}

template <bool adds>
void pull_samples(Index groups, View gamma, View x, const Aux& aux, View dy, MutView dx, BlockBody done) {
  for_column_blocks(dy.rows(), dy.cols(), [&](Index first, Index count) {
    for (Index c = first; c < first + count; ++c) {
      const Index sample = c % x.cols();
      for (Index g = 0; g < groups; ++g) {
        const Group group = group_of(g, groups, gamma.rows(), x.rows());
        const Scalar mean = aux.data(2 * g, sample), inverse = aux.data(2 * g + 1, sample);
        const Scalar *from = number_at(x, group.row(), sample), *d = number_at(dy, group.row(), c),
                     *f = gamma.data() + group.first;
        const Projection p(mean, inverse, static_cast<double>(group.rows()), weighted(group, f, d, from, mean));
        pull_group<adds>(group, p, f, d, from, number_at(dx, group.row(), c));
      }
    }
    if (done)
      done(0, first, MutView(number_at(dx, 0, first), dx.rows(), count, Eigen::OuterStride<>(dx.outerStride())));
  });
}

// Σ dy and Σ dy x̂ of the block's channels over all samples.
void add_up_samples(const Block& block, View x, View dy, const Aux& aux, PerChannel<PairSum>& sums) {
  const auto mean = [&](Index b) { return aux.data(2 * block.group, b); };
  const auto inverse = [&](Index b) { return aux.data(2 * block.group + 1, b); };
  if (block.positions == 1) {
    const auto column = [&](Index b) { return load(number_at(dy, block.first, b), block.count); };
    const auto centred = [&](Index b) { return Pack(load(number_at(x, block.first, b), block.count) - mean(b)); };
    const auto plain = sums_of_rows(dy.cols(), column);
    const auto product = sums_of_rows(dy.cols(), [&](Index b) { return Pack(column(b) * centred(b) * inverse(b)); });
    for (Index c = 0; c < block.count; ++c) sums[static_cast<std::size_t>(c)] = {plain[c], product[c]};
    return;
  }
  for (Index b = 0; b < dy.cols(); ++b) {
    for (Index c = 0; c < block.count; ++c) {
      const Index row = block.row() + c * block.positions;
      PairSum sample;
      sample.add(block.positions, number_at(dy, row, b), number_at(x, row, b), mean(b));
      sums[static_cast<std::size_t>(c)].plain += sample.plain;
      sums[static_cast<std::size_t>(c)].product += sample.product * inverse(b);
    }
  }
}

}  // namespace
}  // namespace norm

namespace {

std::vector<ParamSpec> gamma_and_beta(Index count) {
  return {{"gamma", count, 1, Initializer::ones()}, {"beta", count, 1, Initializer::zeros()}};
}

}  // namespace

SampleNorm::SampleNorm(const char* type, Index groups, double epsilon) : groups_(groups), epsilon_(epsilon) {
  if (groups < 1) throw UsageError(cat(type, ": groups = ", groups, ": expected at least 1"));
  if (!(epsilon > 0 && std::isfinite(epsilon))) {
    throw UsageError(cat(type, ": epsilon = ", epsilon, ": expected a finite number above 0"));
  }
}

void SampleNorm::forward(const NodeCtx& node, Views w, Views x, MutView y, Aux& aux) const {
  forward_blocks(node, w, x, y, aux, {});
}

void SampleNorm::forward_blocks(const NodeCtx&, Views w, Views x, MutView y, Aux& aux, BlockBody done) const {
  if (aux.data.rows() != 2 * groups_ || aux.data.cols() < y.cols()) aux.data.resize(2 * groups_, y.cols());
  for_column_blocks(y.rows(), y.cols(), [&](Index first, Index count) {
    for (Index c = first; c < first + count; ++c) {
      for (Index g = 0; g < groups_; ++g) {
        const norm::Group group = norm::group_of(g, groups_, w[0].rows(), y.rows());
        const Scalar* from = norm::number_at(x[0], group.row(), c);
        norm::Moments moments;
        moments.add(from, group.rows());
        const auto mean = static_cast<Scalar>(moments.mean);
        const auto inverse = static_cast<Scalar>(1 / std::sqrt(moments.squares / moments.count + epsilon_));
        aux.data(2 * g, c) = mean;
        aux.data(2 * g + 1, c) = inverse;
        norm::apply_to_group(group, from, mean, inverse, w[0].data() + group.first, w[1].data() + group.first,
                             norm::number_at(y, group.row(), c));
      }
    }
    if (done)
      done(0, first, MutView(norm::number_at(y, 0, first), y.rows(), count, Eigen::OuterStride<>(y.outerStride())));
  });
}

void SampleNorm::pull_back(Views w, Views x, View, const Aux& aux, View dy, MutViews dx) const {
  if (wanted(dx[0])) norm::pull_samples<true>(groups_, w[0], x[0], aux, dy, dx[0], {});
}

void SampleNorm::pull_back_blocks(Views w, Views x, View, const Aux& aux, View dy, View before, MutView dx,
                                  BlockBody done) const {
  const auto pull = begin_with(before, dx) ? norm::pull_samples<true> : norm::pull_samples<false>;
  pull(groups_, w[0], x[0], aux, dy, dx, done);
}

void SampleNorm::param_grad(Views x, View, const Aux& aux, View dy, MutViews g, Scalar scale) const {
  if (!wanted(g[0]) && !wanted(g[1])) return;
  const Index channels = wanted(g[0]) ? g[0].rows() : g[1].rows();
  norm::for_channels(channels, x[0].rows() / channels, dy.cols(), groups_, [&](const norm::Block& block) {
    norm::PerChannel<norm::PairSum> sums;
    sums.fill({});
    norm::add_up_samples(block, x[0], dy, aux, sums);
    for (Index c = 0; c < block.count; ++c) {
      const norm::PairSum& sum = sums[static_cast<std::size_t>(c)];
      if (wanted(g[0])) g[0](block.first + c, 0) += static_cast<Scalar>(scale * sum.product);
      if (wanted(g[1])) g[1](block.first + c, 0) += static_cast<Scalar>(scale * sum.plain);
    }
  });
}

void SampleNorm::push_forward(Views w, Views x, View, const Aux& aux, Views dx, Views dw, MutView dy) const {
  const Matrix ones = Matrix::Ones(w[0].rows(), 1);
  for (Index b = 0; b < dy.cols(); ++b) {
    for (Index g = 0; g < groups_; ++g) {
      const norm::Group group = norm::group_of(g, groups_, w[0].rows(), dy.rows());
      const Scalar mean = aux.data(2 * g, b), inverse = aux.data(2 * g + 1, b);
      const Scalar* from = norm::number_at(x[0], group.row(), b);
      Scalar* to = norm::number_at(dy, group.row(), b);
      if (given(dx[0])) {
        const Scalar* d = norm::number_at(dx[0], group.row(), b);
        const norm::PairSum sum = norm::weighted(group, ones.data(), d, from, mean);
        const norm::Projection p(mean, inverse, static_cast<double>(group.rows()), sum);
        norm::pull_group<false>(group, p, ones.data(), d, from, to);
      } else {
        std::fill_n(to, group.rows(), Scalar(0));
      }
      for (Index i = 0; i < group.rows(); ++i) {
        const Index c = group.first + i / group.positions;
        to[i] *= w[0](c, 0);
        if (given(dw[0])) to[i] += dw[0](c, 0) * (from[i] - mean) * inverse;
        if (given(dw[1])) to[i] += dw[1](c, 0);
      }
    }
  }
}

Shape LayerNorm::infer(std::span<const Shape> in) const { return one_input(type(), in); }

std::vector<ParamSpec> LayerNorm::params(std::span<const Shape> in) const { return gamma_and_beta(features(in[0])); }

Shape GroupNorm::infer(std::span<const Shape> in) const {
  const Shape& input = one_input(type(), in);
  if (input[0] % groups_ != 0) {
    throw ShapeError(cat("group_norm: groups = ", groups_, " of the ", input[0], " channels of ", to_string(input),
                         ": expected a divisor of them"));
  }
  return input;
}

std::vector<ParamSpec> GroupNorm::params(std::span<const Shape> in) const { return gamma_and_beta(in[0][0]); }

}  // namespace strata
