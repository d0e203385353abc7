// How much about the class a linear readout finds in a representation.
#pragma once

#include <cstdint>
#include <span>

#include "framework/core/types.hpp"

namespace strata {

/// The fraction of `test` that a linear classifier fitted to `train` gets right: ridge regression of the one-hot
/// targets T on the features X, both with their training means taken off,
///
///     W = (C + ridge · c̄ · I)⁻¹ · X Tᵀ / n,  C = X Xᵀ / n,  c̄ = the mean of C's diagonal,
///
/// so that `ridge` does not depend on the features' scale. The prediction is the largest of Wᵀ(x − x̄) + t̄, the lowest
/// class of several. Alain & Bengio (2016, arXiv:1610.01644) fit a logistic regression; least squares has a closed form
/// instead, hence no optimiser to tune and the same bits each time. If no feature varies in `train`, all are predicted
/// to be of its commonest class.
///
/// Shapes: train is features × n, test features × n_test; labels in {0, …, classes − 1}. In double and in one thread;
/// the time grows as features² · n + features³.
///
/// NaN for an empty `test`, and where a feature is NaN or infinite (a network that diverged). Throws ShapeError where
/// the features differ or there is not one label for each example; UsageError for an empty `train`, a label out of
/// range, classes < 1, or a ridge that is not positive and finite.
double linear_probe_accuracy(View train, std::span<const std::int32_t> train_labels, View test,
                             std::span<const std::int32_t> test_labels, Index classes, double ridge = 1e-3);

}  // namespace strata
