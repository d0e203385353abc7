// What training minimises: a number for a batch, and its gradient with respect to the network's output.
//
// With out and the one-hot targets t both classes × B, o and t one column each:
//   cross_entropy         (1/B) Σ_b [log Σ_k e^{o_k} − Σ_k t_k o_k]        gradient (softmax(o) − t)/B, for Σ_k t_k = 1
//   squared_error         (1/B) Σ_b ½‖o − t‖²                              gradient (o − t)/B
//   binary_cross_entropy  (1/B) Σ_b Σ_k [log(1 + e^{o_k}) − t_k o_k]       gradient (σ(o) − t)/B
// The first and the last read out as logits and are finite for any finite logits. All arithmetic is in double, and
// examples are added up in the order of the batch: the bits do not depend on the number of threads.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "framework/core/types.hpp"
#include "framework/learning/batch.hpp"

namespace strata {

class Loss {
 public:
  virtual ~Loss() = default;

  /// As make_loss knows it.
  virtual std::string name() const = 0;

  /// The mean over the batch. out is classes × B with B ≥ 1; throws ShapeError naming both shapes if it does not
  /// agree with batch.one_hot.
  double value(View out, const Batch& batch) const;

  /// Each example's own loss, B of them; value is their mean. Throws ShapeError if `each` has another size.
  virtual void values(View out, const Batch& batch, std::span<double> each) const = 0;

  /// d = ∂value/∂out, so it carries the 1/B. Shapes as for value; d as out, which it may overwrite in place.
  virtual void gradient(View out, const Batch& batch, MutView d) const = 0;
};

/// Throws UsageError on an unknown name, listing the known ones.
std::unique_ptr<Loss> make_loss(const std::string& name);

/// The names make_loss accepts.
const std::vector<std::string>& loss_names();

}  // namespace strata
