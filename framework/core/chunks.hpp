// Work on numbers that lie side by side, in whole vector registers.
#pragma once

#include <algorithm>

#include "framework/core/types.hpp"
#include "framework/core/vector_size.hpp"

namespace strata {

/// One vector register, so that hardly anything has to be filled up: products hand on blocks of a few.
using Chunk = Eigen::Array<Scalar, vector_lanes, 1>;

/// out[i] = f(in[i] …) for i < n, f on chunks. The last one is filled up: every number takes the same vector instructions,
/// wherever it lies. out may be one of the inputs.
template <class F, class... In> void in_chunks(Index n, Scalar* out, const F& f, const In*... in) {
  constexpr Index chunk = vector_lanes;
  Index i = 0;
  for (; i + chunk <= n; i += chunk) Eigen::Map<Chunk>(out + i) = f(Eigen::Map<const Chunk>(in + i)...);
  if (i == n) return;
  const auto filled_up = [&](const Scalar* from) {
    Chunk all = Chunk::Zero();
    std::copy_n(from + i, n - i, all.data());
    return all;
  };
  const auto last = [&](const auto&... filled) { return f(Eigen::Map<const Chunk>(filled.data())...); };
  const Chunk result = last(filled_up(in)...);
  std::copy_n(result.data(), n - i, out + i);
}

}  // namespace strata
