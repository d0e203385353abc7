#include "framework/learning/batch_buffer.hpp"

#include <utility>

#include "framework/core/prefetch.hpp"
#include "framework/parallel/column_blocks.hpp"

namespace strata {
Batch BatchBuffer::gather(const Examples& from, std::span<const Index> ids) {
  const auto count = static_cast<Index>(ids.size());
  one_hot_.leftCols(count).setZero();
  for_column_blocks(x_.rows(), count, [&](Index first, Index n) {
    for (Index c = first; c < first + n; ++c) {
      const Index id = ids[static_cast<std::size_t>(c)];
      // Examples lie anywhere in memory: the next one is asked for while this one is copied.
      if (c + 1 < count) {
        prefetch<Soon::read>(from.x.col(ids[static_cast<std::size_t>(c + 1)]).data(), from.x.rows());
      }
      x_.col(c) = from.x.col(id);
      const std::int32_t label = from.labels[static_cast<std::size_t>(id)];
      labels_[static_cast<std::size_t>(c)] = label;
      one_hot_(label, c) = 1;
    }
  });
  return {left_cols(std::as_const(x_), count),
          left_cols(std::as_const(one_hot_), count),
          std::span(labels_).first(ids.size()),
          ids,
          data_->low,
          data_->high};
}

}  // namespace strata
