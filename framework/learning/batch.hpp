// What one step sees of the data, and of the world.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "framework/core/rng.hpp"
#include "framework/core/types.hpp"

namespace strata {

/// A mini-batch. Column b of every view belongs to the same example.
struct Batch {
  View x;                                ///< features × B
  View one_hot;                          ///< classes × B
  std::span<const std::int32_t> labels;  ///< B
  std::span<const Index> ids;            ///< B: column of the example in the data set
  Scalar low = 0, high = 1;              ///< range of the inputs

  Index size() const { return x.cols(); }
  Index classes() const { return one_hot.rows(); }
  /// The same examples with other inputs.
  Batch moved_to(View other) const { return {other, one_hot, labels, ids, low, high}; }
};

enum class Mode { train, evaluate };

/// Where and when a computation happens. Random numbers are drawn from streams named here, never in sequence: a
/// second pass with the same Ctx sees the same dropout masks and the same noise.
struct Ctx {
  Mode mode = Mode::train;
  bool update_stats = true;  ///< may running statistics (batch norm) move?
  std::uint64_t seed = 0;
  std::uint64_t step = 0;  ///< steps taken so far in this run, over all passes

  /// For another pass over the batch in the same step: running statistics move once.
  Ctx again() const { return {mode, false, seed, step}; }

  Rng rng(std::string_view stream) const { return {seed, stream, step}; }
  /// The stream named by both together: of one node, say.
  Rng rng(std::string_view stream, std::string_view of) const {
    return {seed, stable_hash(of, stable_hash(stream)), step};
  }
};

}  // namespace strata
