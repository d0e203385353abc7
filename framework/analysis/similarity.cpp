#include "framework/analysis/similarity.hpp"

#include <cmath>

#include "framework/core/errors.hpp"

namespace strata {
namespace {

// Each feature with its mean over the examples taken off; the first example before that, so that a constant becomes
// exactly 0. Requires an example.
Eigen::MatrixXd centred_examples(View m) {
  Eigen::MatrixXd x = m.cast<double>();
  const Eigen::VectorXd first = x.col(0);
  x.colwise() -= first;
  const Eigen::VectorXd mean = x.rowwise().mean();
  x.colwise() -= mean;
  return x;
}

// xᵀx
Eigen::MatrixXd gram_of(const Eigen::MatrixXd& x) {
  Eigen::MatrixXd k = Eigen::MatrixXd::Zero(x.cols(), x.cols());
  k.selfadjointView<Eigen::Lower>().rankUpdate(x.transpose());
  k.triangularView<Eigen::StrictlyUpper>() = k.transpose();
  return k;
}

// HSIC₁(K, L) is the inner product of the two U-centred matrices, over n(n − 3) (Székely & Rizzo 2014,
// Ann. Statist. 42(6), eq. 2.4):
//
//     Ǩ(i, j) = K̃(i, j) − Σ_q K̃(i, q)/(n − 2) − Σ_q K̃(q, j)/(n − 2) + Σ K̃/((n − 1)(n − 2)),  0 on the diagonal.
//
// So CKA is a cosine. Returned: what lies below the diagonal, in one column of norm 1; or NaN where the norm is 0.
Eigen::VectorXd u_centred_direction(View m) {
  const Index n = m.cols();
  Eigen::MatrixXd k = gram_of(centred_examples(m));
  const double size = k.norm();
  k.diagonal().setZero();
  const auto count = static_cast<double>(n);
  const Eigen::VectorXd row = k.rowwise().sum() / (count - 2);
  const double total = row.sum() / (count - 1);

  Eigen::VectorXd out(n * (n - 1) / 2);
  Index filled = 0;
  for (Index c = 0; c + 1 < n; ++c) {
    const Index below = n - c - 1;
    out.segment(filled, below) = (k.col(c).tail(below) - row.tail(below)).array() + (total - row(c));
    filled += below;
  }
  // Rounding leaves about 1e-16 of the size where the norm should be 0.
  const double norm = out.norm();
  if (norm > 1e-12 * size) out /= norm;
  else out.setConstant(quiet_nan);
  return out;
}

void require_same_examples(const std::vector<View>& layers, Index n) {
  for (const View& layer : layers) {
    if (layer.cols() != n)
      throw ShapeError(cat("CKA of ", n, " and of ", layer.cols(), " examples: expected the same"));
  }
  if (n < 4) throw UsageError(cat("CKA of ", n, " examples: expected at least 4"));
}

std::vector<Eigen::VectorXd> u_centred_directions(const std::vector<View>& layers) {
  std::vector<Eigen::VectorXd> out;
  out.reserve(layers.size());
  for (const View& layer : layers) out.push_back(u_centred_direction(layer));
  return out;
}

// Of two unit vectors; rounding must not take it out of [−1, 1]. Keeps NaN.
double cosine_of_units(const Eigen::VectorXd& a, const Eigen::VectorXd& b) {
  const double dot = a.dot(b);
  return dot > 1 ? 1 : dot < -1 ? -1 : dot;
}

}  // namespace

double debiased_cka(View a, View b) {
  require_same_examples({a, b}, a.cols());
  return cosine_of_units(u_centred_direction(a), u_centred_direction(b));
}

Eigen::MatrixXd debiased_cka(const std::vector<View>& layers) {
  if (!layers.empty()) require_same_examples(layers, layers.front().cols());
  const std::vector<Eigen::VectorXd> directions = u_centred_directions(layers);
  const auto count = static_cast<Index>(directions.size());
  Eigen::MatrixXd out(count, count);
  for (Index c = 0; c < count; ++c) {
    const Eigen::VectorXd& direction = directions[c];
    out(c, c) = std::isnan(direction(0)) ? quiet_nan : 1;
    for (Index r = c + 1; r < count; ++r) out(r, c) = out(c, r) = cosine_of_units(directions[r], direction);
  }
  return out;
}

Eigen::MatrixXd debiased_cka(const std::vector<View>& a, const std::vector<View>& b) {
  if (!a.empty()) {
    require_same_examples(a, a.front().cols());
    require_same_examples(b, a.front().cols());
  }
  const std::vector<Eigen::VectorXd> rows = u_centred_directions(a);
  Eigen::MatrixXd out(static_cast<Index>(a.size()), static_cast<Index>(b.size()));
  if (a.empty()) return out;
  for (Index c = 0; c < out.cols(); ++c) {
    const Eigen::VectorXd direction = u_centred_direction(b[c]);
    for (Index r = 0; r < out.rows(); ++r) out(r, c) = cosine_of_units(rows[r], direction);
  }
  return out;
}

double participation_ratio(View activations) {
  if (activations.cols() < 2 || activations.rows() == 0) return quiet_nan;
  // Covariance and Gram matrix have the same eigenvalues but for zeros, up to a factor that cancels. Their sum is the
  // trace, and the sum of their squares the squared norm.
  const Eigen::MatrixXd x = centred_examples(activations);
  const Eigen::MatrixXd k = gram_of(x.rows() < x.cols() ? Eigen::MatrixXd(x.transpose()) : x);
  const double trace = k.trace();
  return trace > 0 ? trace * trace / k.squaredNorm() : quiet_nan;
}

}  // namespace strata
