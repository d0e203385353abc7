// Labelled examples in memory, and how they are split and put in order. Readers live in datasets/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "framework/core/types.hpp"

namespace strata {

/// A set of examples: x is features × examples, label[i] in {0, …, classes − 1} belongs to column i.
struct Examples {
  Matrix x;
  std::vector<std::int32_t> labels;

  Index size() const { return x.cols(); }
};

/// A classification task with a training part and a test part.
struct Dataset {
  std::string name;                 ///< as `strata list datasets` calls it
  std::vector<Index> sample_shape;  ///< {784}, or {channels, height, width}
  Index classes = 0;
  Scalar low = 0, high = 1;  ///< range of the inputs before any normalisation
  std::string checksum;      ///< 16 hex digits over all values and labels: tells two versions of the data apart
  Examples train;
  Examples test;
  std::string note = {};  ///< what the user should know of how it was read; "" = nothing

  Index features() const { return train.x.rows(); }
};

/// Where a number is not finite, the first by example and then by feature.
struct NonFinite {
  Index feature, example;
  Scalar value;
};
std::optional<NonFinite> first_non_finite(const Matrix& x);

/// Throws DataError naming the first example and feature that is not a finite number.
void check_finite(const Dataset& data);

/// Which examples of `train` are learnt from and which validate. Disjoint, together everything, each sorted.
struct Split {
  std::vector<Index> train;
  std::vector<Index> validation;
};

/// Draws `validation` of `examples` by `seed` alone, so that every run of a comparison has the same split.
/// Throws UsageError unless 0 < validation < examples.
Split split_examples(Index examples, Index validation, std::uint64_t seed);

/// `count` of `ids` (all, if there are no more), ascending, drawn by the stream's name alone: every run of a comparison
/// sees the same sample.
std::vector<Index> sample_examples(const std::vector<Index>& ids, Index count, const char* stream);

/// The order in which an epoch visits `examples`: a permutation by (seed, epoch), the same for every rule.
std::vector<Index> epoch_order(const std::vector<Index>& examples, std::uint64_t seed, int epoch);

}  // namespace strata
