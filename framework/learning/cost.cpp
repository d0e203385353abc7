#include "framework/learning/cost.hpp"

#include "framework/core/errors.hpp"
#include "framework/losses/loss.hpp"
#include "framework/parallel/gemm.hpp"

namespace strata {

double multiply_adds_in_epoch(const RuleEntry& entry, const Graph& graph, const std::string& loss_name, Index size) {
  Registry registry(0);
  const Net net(graph, registry);
  const auto loss = make_loss(loss_name);
  const auto rule = entry.make(resolve(entry, {}).options);
  if (const std::string obstacle = rule->unsupported(graph, *loss); !obstacle.empty()) throw UnsupportedError(obstacle);
  rule->prepare(net, *loss, registry);

  const Index classes = graph[graph.output()].units;
  Matrix x(graph[Graph::input()].units, size), one_hot = Matrix::Zero(classes, size);
  Rng(0, "cost").fill_uniform(mut_view(x), 0, 1);
  std::vector<std::int32_t> labels;
  std::vector<Index> ids;
  for (Index b = 0; b < size; ++b) {
    labels.push_back(static_cast<std::int32_t>(b % classes));
    ids.push_back(b);
    one_hot(b % classes, b) = 1;
  }
  const Batch batch{.x = view(x), .one_hot = view(one_hot), .labels = labels, .ids = ids};

  const Model model{net, *loss, registry};
  Workspace ws(net.graph());
  GradSink sink;
  double sum = 0;
  for (const Pass& pass : rule->schedule().epoch) {
    const CountMultiplyAdds products;
    for (const Phase& phase : pass.phases) {
      std::vector<ParamId> stepped;
      for (const std::string& group : phase.groups) {
        for (const ParamId id : registry.group(group)) stepped.push_back(id);
      }
      sink.clear();
      rule->compute(phase, {}, model, batch, ws, sink);
      sink.resolve(registry, stepped);
    }
    sum += pass.epochs * products.count();
  }
  return sum;
}

}  // namespace strata
