// Batch-wise random sign-concordant feedback (Liao, Leibo & Poggio, 1510.05067, "brSF").
//
//   as fa, with B_l = |M_l| ∘ sign(W_l) and magnitudes M_l drawn anew for every batch
// A step uses the M drawn after the step before, with the signs of the weights as they are then.
#include "rules/builtin.hpp"

namespace strata::rules {
namespace {

class BatchwiseRandomSignFeedback final : public TransportRule {
 public:
  explicit BatchwiseRandomSignFeedback(const Options& o)
      : init_(initializer(o.text("feedback-init"), o.real("feedback-scale"))) {}

  Traits traits() const override { return {.refreshes = {"feedback"}}; }

  void prepare(const Net& net, const Loss&, Registry& registry) override {
    transport_ = own_feedback(net, registry, init_);
    for_each_feedback(transport_, [&](ParamId w, ParamId b) { take_signs(registry, w, b); });
  }

  void after_phase(const Phase&, const Ctx& ctx, const Net&, Registry& registry) const override {
    for_each_feedback(transport_, [&](ParamId w, ParamId b) {
      draw_into(mut_view(registry.value(b)), init_, ctx.rng("brsf/", registry[b].name));
      take_signs(registry, w, b);
    });
  }

 private:
  static void take_signs(Registry& registry, ParamId w, ParamId b) {
    Matrix& B = registry.value(b);
    B = B.array().abs() * registry.value(w).array().sign();
  }

  Initializer init_;
};

}  // namespace

RuleEntry brsf() {
  RuleEntry entry;
  entry.name = "brsf";
  entry.family = "feedback alignment";
  entry.summary = "the signal goes back through the signs of the weights, with random sizes drawn for each batch";
  entry.citation = "Liao et al. 2016 (1510.05067), Moskovitz et al. 2018 (1812.06488)";
  entry.checked = "signs and sizes of B";
  entry.numbers = "83.4 %";
  entry.options = feedback_options();
  entry.optimizers = {{"forward", adam(5e-4, 0.9, 0.99, 4.73e-8)}};  // fa's
  entry.search = {log_uniform("feedback-scale", 0.1, 10)};
  entry.make = [](const Options& o) { return std::make_unique<BatchwiseRandomSignFeedback>(o); };
  return entry;
}

}  // namespace strata::rules
