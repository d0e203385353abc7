// Sums and maps over the channels of a batch, for the layers that normalise.
//
// A channel has `positions` rows side by side in each sample (an image's height × width, or 1: a unit of a flat layer), and
// the next sample's lie far away. `for_channels` takes some channels through the whole batch. Sums are taken in Scalar over a
// thousand numbers at most, and in double from there on, in an order that depends on shapes alone.
#pragma once

#include <array>

#include "framework/core/chunks.hpp"
#include "framework/parallel/gemm.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata::norm {

/// Four registers: as many sums under way at a time.
constexpr Index pack_size = Index{4} * vector_lanes;
using Pack = Eigen::Array<Scalar, pack_size, 1>;

constexpr Index longest_run = 1024;   ///< numbers added up in Scalar
constexpr Index most_channels = 256;  ///< of a block
template <class T> using PerChannel = std::array<T, static_cast<std::size_t>(most_channels)>;

/// Channels that one task works on.
struct Block {
  Index first, count, positions;
  Index group;  ///< they are all of this one
  Index row() const { return first * positions; }
  Index rows() const { return count * positions; }
};

/// Calls body(block) for all channels, in parallel. A block lies in one of `groups` groups of equally many channels.
template <class Body> void for_channels(Index channels, Index positions, Index cols, Index groups, const Body& body) {
  constexpr Index rows_of_block = 512, inline_elements = 16'384;
  const Index width = positions == 1 ? pack_size : std::max<Index>(1, rows_of_block / positions);
  const Index in_group = channels / groups, blocks = (in_group + width - 1) / width;
  const auto one = [&](Index t) {
    const Index group = t / blocks, within = t % blocks * width;
    body(Block{group * in_group + within, std::min(width, in_group - within), positions, group});
  };
  if (channels * positions * cols < inline_elements) {
    for (Index t = 0; t < groups * blocks; ++t) one(t);
  } else {
    parallel_for(groups * blocks, one);
  }
}

inline const Scalar* number_at(const View& m, Index row, Index col) { return m.data() + col * m.outerStride() + row; }
inline Scalar* number_at(MutView& m, Index row, Index col) { return m.data() + col * m.outerStride() + row; }

/// The n ≤ pack_size numbers from `from` on; behind them `rest`.
inline Pack load(const Scalar* from, Index n, Scalar rest = 0) {
  if (n == pack_size) return Eigen::Map<const Pack>(from);
  Pack all = Pack::Constant(rest);
  std::copy_n(from, n, all.data());
  return all;
}

/// Calls body(first, count) for the runs that a stretch of n numbers is cut into.
template <class Body> void for_runs(Index n, const Body& body) {
  for (Index i = 0; i < n; i += longest_run) body(i, std::min(longest_run, n - i));
}

/// Mean and sum of squared distances from it, of numbers that come in runs (Chan, Golub & LeVeque 1983, eq. 2.1).
struct Moments {
  double count = 0, mean = 0, squares = 0;

  void add(double n, double mean_of_n, double squares_of_n) {
    const double away = mean_of_n - mean, share = n / (count + n);
    mean += away * share;
    squares += squares_of_n + away * away * count * share;
    count += n;
  }
  void add(const Moments& more) { add(more.count, more.mean, more.squares); }
  /// n numbers side by side: the mean first, then the distances from it, which are small.
  void add(const Scalar* x, Index n) {
    for_runs(n, [&](Index from, Index length) {
      Pack sum = Pack::Zero();
      for (Index i = 0; i < length; i += pack_size) sum += load(x + from + i, std::min(pack_size, length - i));
      const Scalar m = sum.sum() / static_cast<Scalar>(length);
      Pack squares_here = Pack::Zero();
      for (Index i = 0; i < length; i += pack_size) {
        squares_here += (load(x + from + i, std::min(pack_size, length - i), m) - m).square();
      }
      add(static_cast<double>(length), m, squares_here.sum());
    });
  }
};

/// Σ a and Σ a (x − mean).
struct PairSum {
  double plain = 0, product = 0;

  void add(const PairSum& more) {
    plain += more.plain;
    product += more.product;
  }
  /// Of n numbers side by side.
  void add(Index n, const Scalar* a, const Scalar* x, Scalar mean) {
    for_runs(n, [&](Index from, Index length) {
      Pack sum = Pack::Zero(), products = Pack::Zero();
      for (Index i = 0; i < length; i += pack_size) {
        const Pack here = load(a + from + i, std::min(pack_size, length - i));
        sum += here;
        products += here * (load(x + from + i, std::min(pack_size, length - i)) - mean);
      }
      plain += sum.sum();
      product += products.sum();
    });
  }
};

/// Sums over the columns of `count` ≤ pack_size rows, each row by itself: term(col) is a Pack.
template <class Term> Eigen::Array<double, pack_size, 1> sums_of_rows(Index cols, const Term& term) {
  constexpr Index together = 64;
  Eigen::Array<double, pack_size, 1> all = Eigen::Array<double, pack_size, 1>::Zero();
  for (Index c = 0; c < cols; c += together) {
    Pack sum = Pack::Zero();
    for (Index i = c; i < std::min(cols, c + together); ++i) sum += term(i);
    all += sum.template cast<double>();
  }
  return all;
}

}  // namespace strata::norm
