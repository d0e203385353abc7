// Predictive coding (Whittington & Bogacz 2017, section 3; fixed prediction: Millidge, Tschantz & Buckley, 2006.04182).
//
//   states x_l at the credit points, predictions μ_l = f_l(x_{l−1}), errors ε_l = x_l − μ_l;  x_0 the data
//   energy      F = Σ_l ½‖ε_l‖² + L(μ_L)              of each example; with squared error this is the paper's
//   relaxation  x_l ← x_l − γ ∂F/∂x_l,  ∂F/∂x_l = ε_l − Σ_k J_kᵀ ε_k over the layers k that read x_l,  ε_L := −∂L/∂μ_L
//               `steps` times from x_l = μ_l, all states together
//   weights     −∂F/∂W_l of the state reached, mean over the batch
// Fixed prediction keeps μ and the Jacobians at their first values: with γ = 1 and as many steps as hidden layers the
// errors are backprop's signals.
#include "rules/builtin.hpp"

namespace strata::rules {
namespace {

class PredictiveCoding final : public LearningRule {
 public:
  explicit PredictiveCoding(const Options& o)
      : steps_(o.integer("steps")), gamma_(static_cast<Scalar>(o.real("state-step"))),
        fixed_(o.text("prediction") == "fixed") {}

  void prepare(const Net& net, const Loss&, Registry&) override {
    for (const NodeId point : net.graph().credit_points()) regions_.push_back(net.graph().region(point));
    regions_.push_back(net.graph().region(net.graph().output()));
  }

  void compute(const Phase&, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    const Index B = batch.size();
    output_error(ctx, m, batch, ws.acts(), ws.deltas());
    for (const NodeId point : m.graph().credit_points()) state(m, point, B, ws) = ws.acts()[point];
    for (int t = 0; t <= steps_; ++t) {
      if (t > 0 && !fixed_) predict_from_states(ctx, m, B, ws);
      ws.deltas().clear();
      m.loss.gradient(ws.acts()[m.graph().output()], batch, ws.deltas().at(m.graph().output(), B));
      const bool last = t == steps_;
      const auto at_point = [&](NodeId point, MutView delta) {  // what arrived is −Σ_k J_kᵀ ε_k/B
        MutView x = state(m, point, B, ws);
        const View mu = ws.acts()[point];
        MutView error = ws.scratch("error", x.rows(), B);
        error = x - mu;
        if (!last) x -= gamma_ * (error + static_cast<Scalar>(B) * delta);
        delta = error * (Scalar(-1) / static_cast<Scalar>(B));
      };
      m.net.backward(m.registry, ws.acts(), ws.deltas(), last ? &g : nullptr, {.at_point = at_point});
    }
  }

 private:
  static MutView state(const Model& m, NodeId point, Index B, Workspace& ws) {
    return ws.scratch(m.graph()[point].name, m.graph()[point].units, B);
  }

  void predict_from_states(const Ctx& ctx, const Model& m, Index B, Workspace& ws) const {
    const Ctx again = ctx.again();
    for (const auto& region : regions_) {
      m.net.forward_nodes(again, m.registry, region, ws.acts());
      const NodeId point = region.back();
      if (m.graph().is_credit_point(point)) ws.acts().show_readers(point, view(state(m, point, B, ws)));
    }
  }

  int steps_;
  Scalar gamma_;
  bool fixed_;
  std::vector<std::vector<NodeId>> regions_;  // of the credit points, then the output
};

}  // namespace

RuleEntry predictive_coding() {
  RuleEntry entry;
  entry.name = "predictive_coding";
  entry.family = "energy based";
  entry.summary = "states relax to lower prediction errors at every layer, weights learn from what is left";
  entry.citation = "Whittington & Bogacz 2017, Millidge et al. 2022 (2006.04182)";
  entry.checked = "one step in torch; backprop to 1e-10 under fixed prediction";
  entry.numbers = "82.1 %";
  entry.options = {integer_option("steps", 20, 0, 100000, "steps of the states before the weights'"),
                   real_option("state-step", 0.1, 1e-6, 2, "size γ of a step of the states"),
                   choice_option("prediction", "relaxed", {"relaxed", "fixed"},
                                 "predictions that follow the states, or stay as they were at first")};
  entry.optimizers = {{"forward", adam(5e-4)}};
  entry.search = {log_uniform("state-step", 0.02, 0.5)};
  entry.make = [](const Options& o) { return std::make_unique<PredictiveCoding>(o); };
  return entry;
}

}  // namespace strata::rules
