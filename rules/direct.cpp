#include "rules/direct.hpp"

#include "framework/parallel/gemm.hpp"

namespace strata::rules {

std::vector<ParamId> direct_feedback(const Net& net, Registry& registry, const Initializer& init) {
  const Graph& graph = net.graph();
  std::vector<ParamId> matrices;
  for (const NodeId point : graph.credit_points()) {
    matrices.push_back(registry.add_buffer("feedback/" + graph[point].name, "feedback", graph[point].units,
                                           graph[graph.output()].units, init));
  }
  return matrices;
}

void send_direct(const Model& model, const std::vector<ParamId>& matrices, View signal, Deltas& deltas, Scalar scale) {
  const auto& points = model.graph().credit_points();
  for (std::size_t l = 0; l < points.size(); ++l) {
    gemm(Op::none, view(model.registry.value(matrices[l])), Op::none, signal, deltas.at(points[l], signal.cols()),
         scale);
  }
}

}  // namespace strata::rules
