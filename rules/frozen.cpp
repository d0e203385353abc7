// The frozen baseline: hidden layers stay as they were drawn and only the last layer learns, on its true gradient.
// What a rule adds is what it gains over this: random features are worth a lot.
#include "rules/builtin.hpp"

namespace strata::rules {
namespace {

class Frozen final : public LearningRule {
 public:
  void compute(const Phase&, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    output_error(ctx, m, batch, ws.acts(), ws.deltas());
    m.net.backward(m.registry, ws.acts(), ws.deltas(), &g, {.stop_at_credit_points = true});
  }

  bool trains(const Graph& graph, NodeId layer) const override { return graph.neuron(layer) == graph.output(); }
};

}  // namespace

RuleEntry frozen() {
  RuleEntry entry;
  entry.name = "frozen";
  entry.family = "baseline";
  entry.summary = "hidden layers never trained, only the last layer learns";
  entry.citation = "–";
  entry.checked = "backprop's last layer";
  entry.numbers = "80.3 %; 10 epochs: 81.8 %";
  // Of 1e-3, 3e-3 and 1e-2 the best on validation (ten epochs, two seeds, default network): 81.3, 82.2 and 82.8 %.
  entry.optimizers = {{"forward", adam(1e-2, 0.9, 0.99, 1e-8)}};
  entry.make = [](const Options&) { return std::make_unique<Frozen>(); };
  return entry;
}

}  // namespace strata::rules
