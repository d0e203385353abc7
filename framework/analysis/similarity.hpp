// How alike two representations of the same examples are, and how many dimensions one of them fills.
//
// A representation is features × examples. All sums are in double and in one thread.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "framework/core/types.hpp"

namespace strata {

/// Linear centred kernel alignment (Kornblith et al. 2019, arXiv:1905.00414) with the unbiased estimator of HSIC:
///
///     CKA = HSIC₁(K, L) / √(HSIC₁(K, K) · HSIC₁(L, L)),  K = aᵀa, L = bᵀb,
///     HSIC₁(K, L) = 1/(n(n − 3)) · [tr(K̃L̃) + 1ᵀK̃1 · 1ᵀL̃1 / ((n − 1)(n − 2)) − 2/(n − 2) · 1ᵀK̃L̃1],
///
/// where K̃ is K with a zero diagonal (Song et al. 2012, eq. 5; Nguyen et al. 2020, arXiv:2010.15327, eq. 3). Unlike the
/// plain CKA it doesn't tend to 1 for more features than examples: unrelated representations give 0 in the mean.
/// In [−1, 1]; 1 for equal ones; unchanged by rotations, shifts and one scale for all features.
///
/// Shapes: a is features_a × n, b features_b × n. NaN where HSIC₁(K, K) or HSIC₁(L, L) is 0: if a representation is
/// constant, but also if all its examples are equally far apart (one-hot) or all but one are equal. NaN if it holds a
/// NaN or an infinity. Throws ShapeError if the n differ, UsageError for n < 4.
double debiased_cka(View a, View b);

/// (i, j): debiased_cka of layers i and j. Symmetric, with 1 on the diagonal (or NaN, see above).
/// Holds n²/2 doubles for each layer.
Eigen::MatrixXd debiased_cka(const std::vector<View>& layers);

/// (i, j): debiased_cka of layer i of one network and layer j of another, a.size() × b.size().
Eigen::MatrixXd debiased_cka(const std::vector<View>& a, const std::vector<View>& b);

/// The effective dimension (Σ λ)² / Σ λ² of the eigenvalues λ of the features' covariance over the examples: 1 if they
/// vary along one line, the number of features if they vary alike in all directions (Gao et al. 2017, bioRxiv 214262;
/// Recanatesi et al. 2019, arXiv:1906.00443). Between 1 and min(features, n − 1), up to rounding.
/// NaN if no feature varies, also for n < 2.
double participation_ratio(View activations);

}  // namespace strata
