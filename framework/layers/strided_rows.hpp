// Rows of which only every so many-th number counts, as strides of a convolution have it. A stride of 2 takes whole vectors
// apart, and halves, quarters, … of one for what is left; nothing behind the last number that counts is read or written.
#pragma once

#include <utility>

#include "framework/core/vector_size.hpp"

namespace strata::strided {

template <int width> using Values __attribute__((vector_size(width * sizeof(Scalar)))) = Scalar;
// The same in memory: aligned as a Scalar is, and allowed to alias Scalars.
template <int width>
using InMemory __attribute__((vector_size(width * sizeof(Scalar)), aligned(sizeof(Scalar)), may_alias)) = Scalar;

template <int width> Values<width> load(const Scalar* from) { return *reinterpret_cast<const InMemory<width>*>(from); }
template <int width> void store(Scalar* to, Values<width> v) { *reinterpret_cast<InMemory<width>*>(to) = v; }

// `width` numbers 2 apart stand in two vectors, the second of which begins one before the first has ended, so that it ends with
// the last of them: they are the even ones of the first, the odd ones of the second.
template <int width> struct Pairs {
  static constexpr auto each = std::make_index_sequence<width>{};

  static void gather(const Scalar* from, Scalar* to) {
    const Values<width> low = load<width>(from), high = load<width>(from + width - 1);
    store<width>(
        to, [&]<std::size_t... E>(std::index_sequence<E...>)->Values<width> {
          return __builtin_shufflevector(low, high, (2 * int(E) < width ? 2 * int(E) : 2 * int(E) + 1)...);
        }(each));
  }

  template <bool adds> static void scatter(const Scalar* from, Scalar* to) {
    const Values<width> values = load<width>(from);
    const auto half = [&]<int odd, std::size_t... E>(std::integral_constant<int, odd>, std::index_sequence<E...>,
                                                     Scalar * here) {
      const Values<width> old = load<width>(here);
      Values<width> spread = __builtin_shufflevector(values, values, (odd * width / 2 + int(E) / 2)...);
      if constexpr (adds) spread += old;
      const Values<width> mixed =
          __builtin_shufflevector(old, spread, (int(E) % 2 == odd ? width + int(E) : int(E))...);
      store<width>(here, mixed);
    };
    half(std::integral_constant<int, 0>{}, each, to);
    half(std::integral_constant<int, 1>{}, each, to + width - 1);
  }
};

// The last `count` < 2·width numbers.
template <int width> void gather_rest(const Scalar* from, Index count, Scalar* to) {
  if constexpr (width == 1) {
    if (count & 1) *to = *from;
  } else {
    if (count & width) {
      Pairs<width>::gather(from, to);
      from += 2 * width;
      to += width;
    }
    gather_rest<width / 2>(from, count, to);
  }
}
template <int width, bool adds> void scatter_rest(const Scalar* from, Index count, Scalar* to) {
  if constexpr (width == 1) {
    if (count & 1) *to = adds ? *to + *from : *from;
  } else {
    if (count & width) {
      Pairs<width>::template scatter<adds>(from, to);
      from += width;
      to += 2 * width;
    }
    scatter_rest<width / 2, adds>(from, count, to);
  }
}

/// to[j] = from[j·stride], j < count.
inline void gather(const Scalar* from, Index stride, Index count, Scalar* to) {
  Index j = 0;
  if (stride == 2) {
    for (; j + vector_lanes <= count; j += vector_lanes) Pairs<vector_lanes>::gather(from + 2 * j, to + j);
    if (j < count) gather_rest<vector_lanes / 2>(from + 2 * j, count - j, to + j);
    return;
  }
  for (; j < count; ++j) to[j] = from[j * stride];
}

/// to[j·stride] = from[j], or is added to, j < count; what lies between stays as it is.
template <bool adds> void scatter(const Scalar* from, Index count, Scalar* to, Index stride) {
  Index j = 0;
  if (stride == 2) {
    for (; j + vector_lanes <= count; j += vector_lanes) {
      Pairs<vector_lanes>::template scatter<adds>(from + j, to + 2 * j);
    }
    if (j < count) scatter_rest<vector_lanes / 2, adds>(from + j, count - j, to + 2 * j);
    return;
  }
  for (; j < count; ++j) to[j * stride] = adds ? to[j * stride] + from[j] : from[j];
}

}  // namespace strata::strided
