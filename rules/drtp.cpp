// Direct random target projection (Frenkel, Lefebvre & Bol, 1909.01311, eq. 5).
//
//   hidden layers:  δ_l = (B_l y*) ⊙ f′(z_l), y* the one-hot target, B_l (units × outputs) fixed and random
//   the last layer learns on its true gradient e = ∂L/∂h_L.
// The target takes the error's place: it has the sign of −e, so the paper subtracts; here B_l is symmetric about 0 and
// carries the sign. The mean over the batch is taken as in e.
#include "rules/direct.hpp"

namespace strata::rules {
namespace {

class DirectRandomTargetProjection final : public LearningRule {
 public:
  explicit DirectRandomTargetProjection(const Options& o)
      : init_(initializer(o.text("feedback-init"), o.real("feedback-scale"))) {}

  void prepare(const Net& net, const Loss&, Registry& registry) override {
    feedback_ = direct_feedback(net, registry, init_);
  }

  void compute(const Phase&, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    output_error(ctx, m, batch, ws.acts(), ws.deltas());
    send_direct(m, feedback_, batch.one_hot, ws.deltas(), Scalar(1) / static_cast<Scalar>(batch.size()));
    m.net.backward(m.registry, ws.acts(), ws.deltas(), &g, {.stop_at_credit_points = true});
  }

 private:
  Initializer init_;
  std::vector<ParamId> feedback_;
};

}  // namespace

RuleEntry drtp() {
  RuleEntry entry;
  entry.name = "drtp";
  entry.family = "feedback alignment";
  entry.summary = "fixed random projections of the target are the hidden layers' signals; no error goes back";
  entry.citation = "Frenkel et al. 2021 (1909.01311)";
  entry.checked = "its equation by hand";
  entry.numbers = "83.0 %";
  entry.options = feedback_options();
  // Of 3e-5, 1e-4, 3e-4, 1e-3, 2e-3, 4e-3 and 1e-2: the best on validation after three epochs of the default network, one
  // seed (84.6 %; 2e-3 and 1e-2 are within half a point, 1e-4 reaches 68 %).
  entry.optimizers = {{"forward", adam(4e-3)}};
  entry.search = {log_uniform("feedback-scale", 0.1, 10)};
  entry.make = [](const Options& o) { return std::make_unique<DirectRandomTargetProjection>(o); };
  return entry;
}

}  // namespace strata::rules
