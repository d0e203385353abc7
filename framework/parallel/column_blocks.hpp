// Elementwise work on a batch, cut into blocks of columns by shape alone.
#pragma once

#include <algorithm>

#include "framework/core/types.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata {

/// `cost` is what an element takes, compared with a copy: 20 for an exponential in double.
template <class Body> void for_column_blocks(Index rows, Index cols, const Body& body, Index cost = 1) {
  constexpr Index elements_per_task = 8192;  // below this a task costs more than it saves
  const Index width = std::max<Index>(1, elements_per_task / std::max<Index>(1, rows * cost));
  const Index tasks = (cols + width - 1) / width;
  parallel_for(tasks, [&](Index t) { body(t * width, std::min(width, cols - t * width)); });
}

/// body(col) for each column, in such blocks.
template <class Body> void for_columns(Index rows, Index cols, const Body& body, Index cost = 1) {
  for_column_blocks(
      rows, cols,
      [&](Index first, Index count) {
        for (Index c = first; c < first + count; ++c) body(c);
      },
      cost);
}

/// Copies `before` to m, if it is given and is not m; false if it is not given.
inline bool begin_with(View before, MutView m) {
  if (given(before) && before.data() != m.data()) {
    for_column_blocks(m.rows(), m.cols(), [&](Index c, Index n) { m.middleCols(c, n) = before.middleCols(c, n); });
  }
  return given(before);
}

}  // namespace strata
