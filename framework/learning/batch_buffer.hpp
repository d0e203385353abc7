// Gathers mini-batches out of a set of examples.
#pragma once

#include <span>
#include <vector>

#include "framework/learning/batch.hpp"
#include "framework/learning/dataset.hpp"

namespace strata {

class BatchBuffer {
 public:
  BatchBuffer(const Dataset& data, Index capacity)
      : data_(&data), x_(data.features(), capacity), one_hot_(data.classes, capacity),
        labels_(static_cast<std::size_t>(capacity)) {}

  /// The examples `ids` of `from` as a batch; valid until the next call. ids.size() ≤ capacity.
  Batch gather(const Examples& from, std::span<const Index> ids);

 private:
  const Dataset* data_;
  Matrix x_, one_hot_;
  std::vector<std::int32_t> labels_;
};

}  // namespace strata
