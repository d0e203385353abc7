// What an attack returns, and how attacks keep the best that they have come upon.
#pragma once

#include <vector>

#include "framework/attacks/oracle.hpp"

namespace strata {

struct Adversarial {
  Matrix x;                  ///< features × B, within the region
  std::vector<char> fooled;  ///< 1: the oracle decides this column wrongly
};

enum class Keep {
  best,  ///< the first point that the oracle decides wrongly; without one, that of the highest loss
  last   ///< where the attack ended: what is carried over to another net should not stop at this one's border
};

/// Collects points of a batch as an attack comes by.
class Best {
 public:
  Best(const Batch& clean, Keep keep);

  /// The columns `at` of the batch stand at the columns of x, with these scores; in the order in which they come.
  void see(std::span<const Index> at, View x, View scores, AttackLoss loss);
  bool all_fooled() const;
  const std::vector<char>& fooled() const { return found_.fooled; }
  /// Columns of the batch that are not fooled yet.
  std::vector<Index> standing() const;
  Adversarial take() { return std::move(found_); }

 private:
  std::span<const std::int32_t> labels_;
  Keep keep_;
  Adversarial found_;
  std::vector<double> loss_;
};

/// Some columns of a batch as a batch of their own.
class SubBatch {
 public:
  SubBatch(const Batch& of, const std::vector<Index>& columns);
  /// Shows this one's columns.
  Batch batch() const {
    return {.x = view(x_), .one_hot = view(one_hot_), .labels = labels_, .ids = ids_, .low = low_, .high = high_};
  }

 private:
  Matrix x_, one_hot_;
  std::vector<std::int32_t> labels_;
  std::vector<Index> ids_;
  Scalar low_, high_;
};

}  // namespace strata
