#include <cmath>

#include "framework/core/errors.hpp"
#include "framework/core/room.hpp"
#include "framework/layers/norm.hpp"
#include "framework/layers/norm_loops.hpp"
#include "framework/layers/one_input.hpp"
#include "framework/parallel/column_blocks.hpp"

namespace strata {
namespace norm {
namespace {

// What forward leaves in aux, a row a channel.
enum Column : Index {
  mean_used,
  inverse_sd_used,
  factor_used,  // γ/√(variance + ε)
  batch_mean,   // these two by the last pass that the running statistics are to be moved by
  batch_variance,
  by_batch,  // 1 if the statistics used are the batch's
  aux_columns
};

// Memory of whoever calls, for all threads that work for it.
template <class T> thread_local Room<T> room_here;

// Calls use(channel, sum) with what there is of each channel in all of x. The sums of a flat layer, whose channels lie side by
// side, are of_units(block, sums) of a block of them; an image's are the samples', of_image(sum, channel, sample),
// added up in their order: a sample is read by the thread whose cache it is in.
template <class Sum, class OfUnits, class OfImage, class Use>
void for_sums(Index channels, View x, const OfUnits& of_units, const OfImage& of_image, const Use& use) {
  const Index positions = x.rows() / channels;
  if (positions == 1) {
    for_channels(channels, 1, x.cols(), 1, [&](const Block& block) {
      PerChannel<Sum> sums;
      of_units(block, sums);
      for (Index c = 0; c < block.count; ++c) use(block.first + c, sums[static_cast<std::size_t>(c)]);
    });
    return;
  }
  Sum* const of_sample = room_here<Sum>.of(channels * x.cols());
  for_columns(x.rows(), x.cols(), [&](Index b) {
    for (Index c = 0; c < channels; ++c) {
      Sum sum;
      of_image(sum, c, b);
      of_sample[b * channels + c] = sum;
    }
  });
  constexpr Index divisions = 16;
  for_columns(
      x.cols(), channels,
      [&](Index c) {
        Sum sum;
        for (Index b = 0; b < x.cols(); ++b) sum.add(of_sample[b * channels + c]);
        use(c, sum);
      },
      divisions);
}

// use(channel, moments) for all channels of x.
template <class Use> void measure(Index channels, View x, const Use& use) {
  const Index positions = x.rows() / channels;
  const auto of_units = [&](const Block& block, PerChannel<Moments>& moments) {
    const auto column = [&](Index b) { return load(number_at(x, block.first, b), block.count); };
    const Eigen::Array<double, pack_size, 1> mean = sums_of_rows(x.cols(), column) / static_cast<double>(x.cols());
    const Pack middle = mean.cast<Scalar>();
    const auto squares = sums_of_rows(x.cols(), [&](Index b) { return Pack((column(b) - middle).square()); });
    for (Index c = 0; c < block.count; ++c) {
      moments[static_cast<std::size_t>(c)] = {static_cast<double>(x.cols()), mean[c], squares[c]};
    }
  };
  const auto of_image = [&](Moments& moments, Index c, Index b) {
    moments.add(number_at(x, c * positions, b), positions);
  };
  for_sums<Moments>(channels, x, of_units, of_image, use);
}

// use(channel, Σ dy and Σ dy (x − mean)) for all channels of x.
template <class Use> void add_up(View x, View dy, const Aux& aux, const Use& use) {
  const Index channels = aux.data.rows(), positions = x.rows() / channels;
  const Scalar* mean = aux.data.col(mean_used).data();
  const auto of_units = [&](const Block& block, PerChannel<PairSum>& sums) {
    const Pack middle = load(mean + block.first, block.count);
    const auto column = [&](Index b) { return load(number_at(dy, block.first, b), block.count); };
    const auto plain = sums_of_rows(x.cols(), column);
    const auto product = sums_of_rows(x.cols(), [&](Index b) {
      return Pack(column(b) * (load(number_at(x, block.first, b), block.count) - middle));
    });
    for (Index c = 0; c < block.count; ++c) sums[static_cast<std::size_t>(c)] = {plain[c], product[c]};
  };
  const auto of_image = [&](PairSum& sum, Index c, Index b) {
    const Index row = c * positions;
    sum.add(positions, number_at(dy, row, b), number_at(x, row, b), mean[c]);
  };
  for_sums<PairSum>(channels, x, of_units, of_image, use);
}

// map(first, count, b) for all channels of each sample: so few at a time that the first-level cache holds their numbers while
// they are handed on.
template <class Map> void for_maps(Index channels, View x, MutView y, Index first_col, BlockBody done, const Map& map) {
  constexpr Index numbers = 2048;
  const Index positions = x.rows() / channels, together = std::max<Index>(1, numbers / positions);
  for_columns(x.rows(), x.cols(), [&](Index b) {
    for (Index c = 0; c < channels; c += together) {
      const Index count = std::min(together, channels - c), row = c * positions;
      map(c, count, b);
      if (!done) continue;
      done(row, first_col + b,
           MutView(number_at(y, row, first_col + b), count * positions, 1, Eigen::OuterStride<>(y.outerStride())));
    }
  });
}

// y = (x − mean)·factor + shift.
void apply(View x, const Aux& aux, View shift, MutView y, BlockBody done) {
  const Index channels = aux.data.rows(), positions = x.rows() / channels;
  const Scalar *mean = aux.data.col(mean_used).data(), *factor = aux.data.col(factor_used).data();
  for_maps(channels, x, y, 0, done, [&](Index first, Index count, Index b) {
    if (positions == 1) {
      in_chunks(
          count, number_at(y, first, b),
          [](const auto& v, const auto& m, const auto& f, const auto& s) { return Chunk((v - m) * f + s); },
          number_at(x, first, b), mean + first, factor + first, shift.data() + first);
      return;
    }
    for (Index c = first; c < first + count; ++c) {
      in_chunks(
          positions, number_at(y, c * positions, b),
          [m = mean[c], f = factor[c], s = shift(c, 0)](const auto& v) { return Chunk((v - m) * f + s); },
          number_at(x, c * positions, b));
    }
  });
}

// ∂L/∂x = of_dy·dy + of_x·(x − mean) + rest, a number of each a channel.
struct Pull {
  const Scalar *of_dy, *of_x, *rest;
};

template <bool adds>
void pull(View x, const Aux& aux, View dy, const Pull& by, View before, MutView dx, Index first_col, BlockBody done) {
  const Index channels = aux.data.rows(), positions = x.rows() / channels;
  const Scalar* mean = aux.data.col(mean_used).data();
  const auto sum = [](const auto& d, const auto& v, const auto& m, const auto& a, const auto& s, const auto& r,
                      const auto& before) {
    const Chunk own = d * a + (v - m) * s + r;
    return adds ? Chunk(before + own) : own;
  };
  for_maps(channels, x, dx, first_col, done, [&](Index first, Index count, Index b) {
    const Scalar* from = number_at(x, first * positions, b);
    const Scalar* d = number_at(dy, first * positions, first_col + b);
    Scalar* to = number_at(dx, first * positions, first_col + b);
    const Scalar* added_to =
        adds ? number_at(before, first * positions, first_col + b) : d;  // not read unless added to
    if (positions == 1) {
      in_chunks(count, to, sum, d, from, mean + first, by.of_dy + first, by.of_x + first, by.rest + first, added_to);
      return;
    }
    for (Index c = first; c < first + count; ++c) {
      const Index skip = (c - first) * positions;
      in_chunks(
          positions, to + skip,
          [&sum, m = mean[c], a = by.of_dy[c], s = by.of_x[c], r = by.rest[c]](
              const auto& g, const auto& v, const auto& old) { return sum(g, v, m, a, s, r, old); },
          d + skip, from + skip, added_to + skip);
    }
  });
}

// Told of the sums of a channel, where the batch couples its examples.
using Told = FunctionRef<void(Index channel, const PairSum& sums)>;

// With P the derivative of x̂ by x, which is symmetric: dx = before + γ P dy, for each block of as many columns as x has.
void pull_all(View gamma, View x, const Aux& aux, View dy, View before, MutView dx, BlockBody done, Told told = {}) {
  const Index channels = gamma.rows(), batch = x.cols();
  const auto count = static_cast<double>(x.rows() / channels * batch);
  const bool coupled = aux.data(0, by_batch) != 0;
  Scalar* const of_dy = room_here<Scalar>.of(3 * channels);
  Scalar *const of_x = of_dy + channels, *const rest = of_x + channels;
  const auto settle = [&](Index c, const PairSum& sums) {
    const double inverse = aux.data(c, inverse_sd_used);
    const double factor = gamma(c, 0) * inverse;
    of_dy[c] = static_cast<Scalar>(factor);
    of_x[c] = coupled ? static_cast<Scalar>(-factor * inverse * inverse * sums.product / count) : 0;
    rest[c] = coupled ? static_cast<Scalar>(-factor * sums.plain / count) : 0;
    if (told) told(c, sums);
  };
  for (Index k = 0; k < dy.cols(); k += batch) {
    if (coupled) {
      add_up(x, View(dy.data() + k * dy.outerStride(), dy.rows(), batch, Eigen::OuterStride<>(dy.outerStride())), aux,
             settle);
    } else {
      for (Index c = 0; c < channels; ++c) settle(c, {});
    }
    (given(before) ? pull<true> : pull<false>)(x, aux, dy, {of_dy, of_x, rest}, before, dx, k, done);
  }
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
  const auto settle = [&](Index c, double mean, double variance) {
    const double inverse = 1 / std::sqrt(variance + epsilon_);
    aux.data(c, norm::mean_used) = static_cast<Scalar>(mean);
    aux.data(c, norm::inverse_sd_used) = static_cast<Scalar>(inverse);
    aux.data(c, norm::factor_used) = static_cast<Scalar>(inverse * w[0](c, 0));
    aux.data(c, norm::by_batch) = training ? 1 : 0;
  };
  if (training) {
    norm::measure(channels, x[0], [&](Index c, const norm::Moments& moments) {
      settle(c, moments.mean, moments.squares / static_cast<double>(count));
      if (!node.ctx.update_stats) return;
      aux.data(c, norm::batch_mean) = static_cast<Scalar>(moments.mean);
      aux.data(c, norm::batch_variance) = static_cast<Scalar>(moments.squares / static_cast<double>(count - 1));
    });
  } else {
    for (Index c = 0; c < channels; ++c) settle(c, w[2](c, 0), w[3](c, 0));
  }
  norm::apply(x[0], aux, w[1], y, done);
}

void BatchNorm::pull_back(Views w, Views x, View, const Aux& aux, View dy, MutViews dx) const {
  if (wanted(dx[0])) norm::pull_all(w[0], x[0], aux, dy, view(dx[0]), dx[0], {});
}

void BatchNorm::pull_back_blocks(Views w, Views x, View, const Aux& aux, View dy, View before, MutView dx,
                                 BlockBody done) const {
  norm::pull_all(w[0], x[0], aux, dy, before, dx, done);
}

bool BatchNorm::backward_blocks(Views w, Views x, View, const Aux& aux, View dy, View before, MutView dx,
                                BlockBody done, ParamPlace g) const {
  if (aux.data(0, norm::by_batch) == 0) return false;  // pulls back without sums
  MutView of_gamma = g(0), of_beta = g(1);
  norm::pull_all(w[0], x[0], aux, dy, before, dx, done, [&](Index channel, const norm::PairSum& sums) {
    of_gamma(channel, 0) = static_cast<Scalar>(sums.product * aux.data(channel, norm::inverse_sd_used));
    of_beta(channel, 0) = static_cast<Scalar>(sums.plain);
  });
  return true;
}

void BatchNorm::param_grad(Views x, View, const Aux& aux, View dy, MutViews g, Scalar scale) const {
  norm::add_up(x[0], dy, aux, [&](Index c, const norm::PairSum& sums) {
    if (wanted(g[0])) g[0](c, 0) += static_cast<Scalar>(scale * sums.product * aux.data(c, norm::inverse_sd_used));
    if (wanted(g[1])) g[1](c, 0) += static_cast<Scalar>(scale * sums.plain);
  });
}

void BatchNorm::move_statistics(const Aux& aux, MutViews w) const {
  const auto step = static_cast<Scalar>(momentum_);
  w[2] = (1 - step) * w[2] + step * aux.data.col(norm::batch_mean);
  w[3] = (1 - step) * w[3] + step * aux.data.col(norm::batch_variance);
}

void BatchNorm::push_forward(Views w, Views x, View, const Aux& aux, Views dx, Views dw, MutView dy) const {
  if (given(dx[0])) {
    norm::pull_all(w[0], x[0], aux, dx[0], nothing(), dy, {});
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
