// A net that is one matrix, of which everything about attacks is known in closed form.
#pragma once

#include <limits>

#include "framework/attacks/oracle.hpp"
#include "framework/attacks/region.hpp"
#include "tests/support/builtin_rule.hpp"
#include "tests/support/learning.hpp"

namespace strata::testing {

/// scores = W x, without a bias, and some examples for it.
struct Linear {
  Bench bench;
  TrueOracle oracle;
  Matrix x, one_hot;
  std::vector<std::int32_t> labels;
  std::vector<Index> ids;

  /// The labels are what the net decides.
  Linear(const Matrix& w, Matrix examples)
      : bench(graph(w.cols(), w.rows()), "cross_entropy", builtin("backprop")), oracle(bench.model, *bench.rule),
        x(std::move(examples)) {
    bench.value("out.weight") = w;
    Matrix scores = w * x;
    labels = decisions(view(scores));
    one_hot = Matrix::Zero(w.rows(), x.cols());
    for (Index b = 0; b < x.cols(); ++b) {
      one_hot(labels[static_cast<std::size_t>(b)], b) = 1;
      ids.push_back(100 + b);
    }
  }

  Batch batch() const {
    return {.x = view(x), .one_hot = view(one_hot), .labels = labels, .ids = ids, .low = -1, .high = 1};
  }

  /// How far example b may be moved before class k is as likely as its own: |gap| over the dual norm of the rows' difference.
  double distance(Index b, bool linf) const {
    const Matrix& w = bench.registry.value(bench.registry.find("out.weight"));
    const Index y = labels[static_cast<std::size_t>(b)];
    double nearest = std::numeric_limits<double>::infinity();
    for (Index k = 0; k < w.rows(); ++k) {
      if (k == y) continue;
      const Eigen::RowVectorXd apart = (w.row(k) - w.row(y)).cast<double>();
      const double gap = -apart.dot(x.col(b).cast<double>());
      nearest = std::min(nearest, gap / (linf ? apart.lpNorm<1>() : apart.norm()));
    }
    return nearest;
  }

 private:
  static Graph graph(Index features, Index classes) {
    return Graph({{features}, {{"out", "dense", {"input"}, {{"units", classes}, {"bias", false}}}}, "out"});
  }
};

/// How far column b has been moved.
inline double away(const Matrix& x, const Matrix& clean, Index b, Norm norm) {
  const Eigen::VectorXd d = (x.col(b) - clean.col(b)).cast<double>();
  return norm == Norm::linf ? d.lpNorm<Eigen::Infinity>() : d.norm();
}

inline Matrix random(Index rows, Index cols, const char* name, double scale = 1) {
  Matrix m(rows, cols);
  Rng(5, name).fill_uniform(mut_view(m), static_cast<Scalar>(-scale), static_cast<Scalar>(scale));
  return m;
}

}  // namespace strata::testing
