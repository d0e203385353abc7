#include <cmath>

#include "framework/core/errors.hpp"
#include "framework/layers/norm.hpp"
#include "framework/layers/norm_loops.hpp"
#include "framework/layers/one_input.hpp"

namespace strata {
namespace norm {
namespace {

// What forward leaves in aux, a row a channel.
enum Column : Index {
  mean_used,
  inverse_sd_used,
  batch_mean,  // these two by the last pass that the running statistics are to be moved by
  batch_variance,
  by_batch,  // 1 if the statistics used are the batch's
  aux_columns
};

// The moments of the block's channels over all of x.
void measure(const Block& block, View x, PerChannel<Moments>& moments) {
  if (block.positions > 1) {
    for (Index b = 0; b < x.cols(); ++b) {
      for (Index c = 0; c < block.count; ++c) {
        moments[static_cast<std::size_t>(c)].add(number_at(x, block.row() + c * block.positions, b), block.positions);
      }
    }
    return;
  }
  const auto column = [&](Index b) { return load(number_at(x, block.first, b), block.count); };
  const Eigen::Array<double, pack_size, 1> mean = sums_of_rows(x.cols(), column) / static_cast<double>(x.cols());
  const Pack middle = mean.cast<Scalar>();
  const auto squares = sums_of_rows(x.cols(), [&](Index b) { return Pack((column(b) - middle).square()); });
  for (Index c = 0; c < block.count; ++c) {
    moments[static_cast<std::size_t>(c)] = {static_cast<double>(x.cols()), mean[c], squares[c]};
  }
}

// Σ dy and Σ dy (x − mean) of the block's channels.
void add_up(const Block& block, View x, View dy, const Aux& aux, PerChannel<PairSum>& sums) {
  const Scalar* mean = aux.data.col(mean_used).data() + block.first;
  if (block.positions > 1) {
    for (Index b = 0; b < x.cols(); ++b) {
      for (Index c = 0; c < block.count; ++c) {
        const Index row = block.row() + c * block.positions;
        sums[static_cast<std::size_t>(c)].add(block.positions, number_at(dy, row, b), number_at(x, row, b), mean[c]);
      }
    }
    return;
  }
  const Pack middle = load(mean, block.count);
  const auto column = [&](Index b) { return load(number_at(dy, block.first, b), block.count); };
  const auto plain = sums_of_rows(x.cols(), column);
  const auto product = sums_of_rows(
      x.cols(), [&](Index b) { return Pack(column(b) * (load(number_at(x, block.first, b), block.count) - middle)); });
  for (Index c = 0; c < block.count; ++c) sums[static_cast<std::size_t>(c)] = {plain[c], product[c]};
}

MutView window(MutView& m, Index row, Index rows, Index col) {
  return {number_at(m, row, col), rows, 1, Eigen::OuterStride<>(m.outerStride())};
}

// y = (x − mean)·factor + shift in the block.
void apply(const Block& block, View x, const Scalar* mean, const Scalar* factor, const Scalar* shift, MutView y,
           BlockBody done) {
  for (Index b = 0; b < x.cols(); ++b) {
    const Scalar* from = number_at(x, block.row(), b);
    Scalar* to = number_at(y, block.row(), b);
    if (block.positions == 1) {
      in_chunks(
          block.count, to,
          [](const auto& v, const auto& m, const auto& f, const auto& s) { return Chunk((v - m) * f + s); }, from, mean,
          factor, shift);
    } else {
      for (Index c = 0; c < block.count; ++c) {
        in_chunks(
            block.positions, to + c * block.positions,
            [m = mean[c], f = factor[c], s = shift[c]](const auto& v) { return Chunk((v - m) * f + s); },
            from + c * block.positions);
      }
    }
    if (done) done(block.row(), b, window(y, block.row(), block.rows(), b));
  }
}

// ∂L/∂x = of_dy·dy + of_x·(x − mean) + rest, a number of each a channel.
struct Pull {
  PerChannel<Scalar> of_dy, of_x, rest;
};

template <bool adds>
void pull(const Block& block, View x, const Scalar* mean, View dy, const Pull& by, MutView dx, Index first_col,
          BlockBody done) {
  const auto sum = [](const auto& d, const auto& v, const auto& m, const auto& a, const auto& s, const auto& r,
                      const auto& before) {
    const Chunk own = d * a + (v - m) * s + r;
    return adds ? Chunk(before + own) : own;
  };
  for (Index b = 0; b < x.cols(); ++b) {
    const Scalar* from = number_at(x, block.row(), b);
    const Scalar* d = number_at(dy, block.row(), first_col + b);
    Scalar* to = number_at(dx, block.row(), first_col + b);
    const Scalar* before = adds ? to : d;  // not read unless added to
    if (block.positions == 1) {
      in_chunks(block.count, to, sum, d, from, mean, by.of_dy.data(), by.of_x.data(), by.rest.data(), before);
    } else {
      for (Index c = 0; c < block.count; ++c) {
        const auto i = static_cast<std::size_t>(c);
        const Index skip = c * block.positions;
        in_chunks(
            block.positions, to + skip,
            [&sum, m = mean[c], a = by.of_dy[i], s = by.of_x[i], r = by.rest[i]](
                const auto& g, const auto& v, const auto& old) { return sum(g, v, m, a, s, r, old); },
            d + skip, from + skip, before + skip);
      }
    }
    if (done) done(block.row(), first_col + b, window(dx, block.row(), block.rows(), first_col + b));
  }
}

// Told of the sums of a channel, where the batch couples its examples.
using Told = FunctionRef<void(Index channel, const PairSum& sums)>;

// With P the derivative of x̂ by x, which is symmetric: (adds to) dx = γ P dy, for each block of as many columns as x has.
template <bool adds>
void pull_all(View gamma, View x, const Aux& aux, View dy, MutView dx, BlockBody done, Told told = {}) {
  const Index channels = gamma.rows(), positions = x.rows() / channels, batch = x.cols();
  const auto count = static_cast<double>(positions * batch);
  for_channels(channels, positions, dy.cols(), 1, [&](const Block& block) {
    for (Index k = 0; k < dy.cols(); k += batch) {
      const View here(dy.data() + k * dy.outerStride(), dy.rows(), batch, Eigen::OuterStride<>(dy.outerStride()));
      PerChannel<PairSum> sums;
      const bool coupled = aux.data(block.first, by_batch) != 0;
      if (coupled) {
        sums.fill({});
        add_up(block, x, here, aux, sums);
      }
      Pull by;
      for (Index c = 0; c < block.count; ++c) {
        const auto i = static_cast<std::size_t>(c);
        const double inverse = aux.data(block.first + c, inverse_sd_used);
        const double factor = gamma(block.first + c, 0) * inverse;
        by.of_dy[i] = static_cast<Scalar>(factor);
        by.of_x[i] = coupled ? static_cast<Scalar>(-factor * inverse * inverse * sums[i].product / count) : 0;
        by.rest[i] = coupled ? static_cast<Scalar>(-factor * sums[i].plain / count) : 0;
        if (told) told(block.first + c, sums[i]);
      }
      pull<adds>(block, x, aux.data.col(mean_used).data() + block.first, dy, by, dx, k, done);
    }
  });
}

}  // namespace
}  // namespace norm

BatchNorm::BatchNorm(double epsilon, double momentum) : epsilon_(epsilon), momentum_(momentum) {
  if (!(epsilon > 0 && std::isfinite(epsilon))) {
    throw UsageError(cat("batch_norm: epsilon = ", epsilon, ": expected a finite number above 0"));
  }
  if (!(momentum >= 0 && momentum <= 1)) {
    throw UsageError(cat("batch_norm: momentum = ", momentum, ": expected 0 to 1"));
  }
}

Shape BatchNorm::infer(std::span<const Shape> in) const { return one_input(type(), in); }

std::vector<ParamSpec> BatchNorm::params(std::span<const Shape> in) const {
  const Index channels = in[0][0];
  return {{"gamma", channels, 1, Initializer::ones()},
          {"beta", channels, 1, Initializer::zeros()},
          {"mean", channels, 1, Initializer::zeros(), false},
          {"variance", channels, 1, Initializer::ones(), false}};
}

void BatchNorm::forward(const NodeCtx& at, Views w, Views x, MutView y, Aux& aux) const {
  forward_blocks(at, w, x, y, aux, {});
}

void BatchNorm::forward_blocks(const NodeCtx& node, Views w, Views x, MutView y, Aux& aux, BlockBody done) const {
  const Index channels = w[0].rows(), positions = y.rows() / channels, count = positions * y.cols();
  const bool training = node.ctx.mode == Mode::train;
  if (training && count == 1) {
    throw UsageError(cat("batch_norm '", node.node,
                         "': 1 value a channel in training (a batch of 1 example); expected ",
                         "more than 1: take another --batch, or layer_norm or group_norm"));
  }
  aux.data.resize(channels, norm::aux_columns);
  norm::for_channels(channels, positions, y.cols(), 1, [&](const norm::Block& block) {
    norm::PerChannel<norm::Moments> moments;
    if (training) {
      moments.fill({});
      norm::measure(block, x[0], moments);
    }
    norm::PerChannel<Scalar> factor;
    for (Index c = 0; c < block.count; ++c) {
      const auto i = static_cast<std::size_t>(c);
      const Index row = block.first + c;
      const double mean = training ? moments[i].mean : w[2](row, 0);
      const double variance = training ? moments[i].squares / static_cast<double>(count) : w[3](row, 0);
      const double inverse = 1 / std::sqrt(variance + epsilon_);
      factor[i] = static_cast<Scalar>(inverse * w[0](row, 0));
      aux.data(row, norm::mean_used) = static_cast<Scalar>(mean);
      aux.data(row, norm::inverse_sd_used) = static_cast<Scalar>(inverse);
      aux.data(row, norm::by_batch) = training ? 1 : 0;
      if (training && node.ctx.update_stats) {
        aux.data(row, norm::batch_mean) = static_cast<Scalar>(mean);
        aux.data(row, norm::batch_variance) = static_cast<Scalar>(moments[i].squares / static_cast<double>(count - 1));
      }
    }
    norm::apply(block, x[0], aux.data.col(norm::mean_used).data() + block.first, factor.data(),
                w[1].data() + block.first, y, done);
  });
}

void BatchNorm::pull_back(Views w, Views x, View, const Aux& aux, View dy, MutViews dx) const {
  if (wanted(dx[0])) norm::pull_all<true>(w[0], x[0], aux, dy, dx[0], {});
}

void BatchNorm::pull_back_blocks(Views w, Views x, View, const Aux& aux, View dy, MutView dx, BlockBody done) const {
  norm::pull_all<false>(w[0], x[0], aux, dy, dx, done);
}

bool BatchNorm::backward_blocks(Views w, Views x, View, const Aux& aux, View dy, MutView dx, BlockBody done,
                                ParamPlace g) const {
  if (aux.data(0, norm::by_batch) == 0) return false;  // pulls back without sums
  MutView of_gamma = g(0), of_beta = g(1);
  norm::pull_all<false>(w[0], x[0], aux, dy, dx, done, [&](Index channel, const norm::PairSum& sums) {
    of_gamma(channel, 0) = static_cast<Scalar>(sums.product * aux.data(channel, norm::inverse_sd_used));
    of_beta(channel, 0) = static_cast<Scalar>(sums.plain);
  });
  return true;
}

void BatchNorm::param_grad(Views x, View, const Aux& aux, View dy, MutViews g, Scalar scale) const {
  const Index channels = aux.data.rows();
  norm::for_channels(channels, x[0].rows() / channels, dy.cols(), 1, [&](const norm::Block& block) {
    norm::PerChannel<norm::PairSum> sums;
    sums.fill({});
    norm::add_up(block, x[0], dy, aux, sums);
    for (Index c = 0; c < block.count; ++c) {
      const norm::PairSum& sum = sums[static_cast<std::size_t>(c)];
      const Index row = block.first + c;
      if (wanted(g[0])) g[0](row, 0) += static_cast<Scalar>(scale * sum.product * aux.data(row, norm::inverse_sd_used));
      if (wanted(g[1])) g[1](row, 0) += static_cast<Scalar>(scale * sum.plain);
    }
  });
}

void BatchNorm::move_statistics(const Aux& aux, MutViews w) const {
  const auto step = static_cast<Scalar>(momentum_);
  w[2] = (1 - step) * w[2] + step * aux.data.col(norm::batch_mean);
  w[3] = (1 - step) * w[3] + step * aux.data.col(norm::batch_variance);
}

void BatchNorm::push_forward(Views w, Views x, View, const Aux& aux, Views dx, Views dw, MutView dy) const {
  if (given(dx[0])) {
    norm::pull_all<false>(w[0], x[0], aux, dx[0], dy, {});
  } else {
    dy.setZero();
  }
  const Index channels = w[0].rows(), positions = x[0].rows() / channels;
  for (Index c = 0; c < channels; ++c) {
    auto rows = dy.middleRows(c * positions, positions).array();
    if (given(dw[0])) {
      const Scalar factor = dw[0](c, 0) * aux.data(c, norm::inverse_sd_used);
      rows += (x[0].middleRows(c * positions, positions).array() - aux.data(c, norm::mean_used)) * factor;
    }
    if (given(dw[1])) rows += dw[1](c, 0);
  }
}

}  // namespace strata
