#include "framework/analysis/gauss_newton.hpp"

#include <Eigen/Cholesky>

#include "framework/parallel/parallel.hpp"

namespace strata {

void gauss_newton_deltas(const Net& net, const Registry& registry, const Activations& acts, View e, double damping,
                         Deltas& deltas) {
  const Graph& graph = net.graph();
  const Index outputs = e.rows();
  const Index batch = e.cols();
  // Every output's gradient by every credit point: column k·B + b.
  Deltas jacobian(graph);
  std::vector<Index> unit;
  MutView ones = jacobian.at(graph.output(), outputs * batch);
  for (Index k = 0; k < outputs; ++k) {
    ones.middleCols(k * batch, batch).row(k).setOnes();
    unit.insert(unit.end(), static_cast<std::size_t>(batch), k);
  }
  net.backward(registry, acts, jacobian, nullptr, {.one_hot = graph.output(), .unit = unit});

  deltas.clear();
  deltas.at(graph.output(), batch) = e;
  for (const NodeId point : graph.credit_points()) {
    if (!jacobian.present(point)) continue;
    const View j = jacobian[point];
    MutView delta = deltas.at(point, batch);
    constexpr Index examples = 16;  // a task
    parallel_for((batch + examples - 1) / examples, [&](Index task) {
      Eigen::MatrixXd rows(outputs, j.rows());  // J of one example
      for (Index b = task * examples; b < std::min(batch, (task + 1) * examples); ++b) {
        for (Index k = 0; k < outputs; ++k) rows.row(k) = j.col(k * batch + b).cast<double>().transpose();
        Eigen::MatrixXd square = rows * rows.transpose();
        const double mean = square.trace() / static_cast<double>(outputs);
        if (!(mean > 0)) continue;  // nothing leads from here to the output: no change would help
        square.diagonal().array() += damping * mean;
        const Eigen::VectorXd right = e.col(b).cast<double>();
        const Eigen::VectorXd solved = square.ldlt().solve(right);
        delta.col(b) = (rows.transpose() * solved).cast<Scalar>();
      }
    });
  }
}

}  // namespace strata
