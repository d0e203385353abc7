#include "framework/analysis/linear_probe.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <string_view>

#include "framework/core/errors.hpp"

namespace strata {
namespace {

using ProbeLabels = std::span<const std::int32_t>;

void require_probe_labels(std::string_view set, View m, ProbeLabels labels, Index classes) {
  if (m.cols() != static_cast<Index>(labels.size())) {
    throw ShapeError(cat("linear probe: ", m.cols(), " ", set, " examples and ", labels.size(),
                         " labels: expected one label for each"));
  }
  for (const std::int32_t label : labels) {
    if (label < 0 || label >= classes) {
      throw UsageError(cat("linear probe: ", set, " label ", label, ": expected 0 ≤ label < ", classes));
    }
  }
}

Eigen::MatrixXd solve(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  const Eigen::LLT<Eigen::MatrixXd> cholesky(a);
  if (cholesky.info() == Eigen::Success) return cholesky.solve(b);
  return a.ldlt().solve(b);  // a ridge that rounding swallowed
}

// features × classes. x: the centred features; targets: classes × n, centred. Of C = xxᵀ/n and λ = ridge · mean of its diagonal,
// (C + λ)⁻¹ x = x (xᵀx/n + λ)⁻¹: the smaller of the two systems is solved. Feature maps have many more features than there
// are examples.
Eigen::MatrixXd ridge_weights(const Eigen::MatrixXd& x, const Eigen::MatrixXd& targets, double ridge) {
  const auto n = static_cast<double>(x.cols());
  if (x.rows() == 0) return Eigen::MatrixXd::Zero(0, targets.rows());
  const double scale = x.squaredNorm() / (n * static_cast<double>(x.rows()));
  if (!(scale > 0)) return Eigen::MatrixXd::Zero(x.rows(), targets.rows());
  const bool dual = x.rows() > x.cols();
  const Index size = dual ? x.cols() : x.rows();
  Eigen::MatrixXd c = Eigen::MatrixXd::Zero(size, size);
  if (dual) {
    c.selfadjointView<Eigen::Lower>().rankUpdate(x.transpose(), 1 / n);
  } else {
    c.selfadjointView<Eigen::Lower>().rankUpdate(x, 1 / n);
  }
  c.diagonal().array() += ridge * scale;
  const Eigen::MatrixXd right = targets.transpose() / n;
  return dual ? Eigen::MatrixXd(x * solve(c, right)) : solve(c, x * right);
}

}  // namespace

double linear_probe_accuracy(View train, ProbeLabels train_labels, View test, ProbeLabels test_labels, Index classes,
                             double ridge) {
  if (classes < 1) throw UsageError(cat("linear probe: ", classes, " classes: expected at least 1"));
  if (!(ridge > 0 && std::isfinite(ridge))) throw UsageError(cat("linear probe: ridge ", ridge, ": expected > 0"));
  if (train.rows() != test.rows()) {
    throw ShapeError(
        cat("linear probe: ", train.rows(), " features to train on and ", test.rows(), " to test: expected the same"));
  }
  require_probe_labels("train", train, train_labels, classes);
  require_probe_labels("test", test, test_labels, classes);
  if (train.cols() < 1) throw UsageError("linear probe: no example to train on: expected at least 1");
  if (test.cols() < 1 || !train.allFinite() || !test.allFinite()) return quiet_nan;

  // The first example is taken off before the mean, so that a constant feature becomes exactly 0.
  Eigen::MatrixXd x = train.cast<double>();
  const Eigen::VectorXd first = x.col(0);
  x.colwise() -= first;
  const Eigen::VectorXd mean = x.rowwise().mean();
  x.colwise() -= mean;

  Eigen::MatrixXd targets = Eigen::MatrixXd::Zero(classes, train.cols());
  for (Index i = 0; i < train.cols(); ++i) targets(train_labels[i], i) = 1;
  const Eigen::VectorXd target_mean = targets.rowwise().mean();
  targets.colwise() -= target_mean;

  const Eigen::MatrixXd weights = ridge_weights(x, targets, ridge);
  Eigen::MatrixXd scores = Eigen::MatrixXd::Zero(classes, test.cols());
  if (x.rows() > 0) scores = weights.transpose() * ((test.cast<double>().colwise() - first).colwise() - mean);
  scores.colwise() += target_mean;

  Index right = 0;
  for (Index i = 0; i < test.cols(); ++i) {
    const double* score = scores.col(i).data();
    right += std::max_element(score, score + classes) - score == test_labels[i];
  }
  return static_cast<double>(right) / static_cast<double>(test.cols());
}

}  // namespace strata
