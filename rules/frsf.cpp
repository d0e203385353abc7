// Fixed random-magnitude sign-concordant feedback (Liao, Leibo & Poggio, 1510.05067, "frSF").
//
//   as fa, with B_l = |M_l| ∘ sign(W_l): magnitudes M_l drawn once, signs anew after every step
// The buffer B keeps |M| itself, since only its signs are ever written; a weight of exactly 0 counts as positive.
#include <cmath>

#include "rules/builtin.hpp"

namespace strata::rules {
namespace {

class FixedRandomSignFeedback final : public TransportRule {
 public:
  explicit FixedRandomSignFeedback(const Options& o)
      : init_(initializer(o.text("feedback-init"), o.real("feedback-scale"))) {}

  Traits traits() const override { return {.refreshes = {"feedback"}}; }

  void prepare(const Net& net, const Loss&, Registry& registry) override {
    transport_ = own_feedback(net, registry, init_);
    take_signs(registry);
  }

  void after_phase(const Phase&, const Ctx&, const Net&, Registry& registry) const override { take_signs(registry); }

 private:
  void take_signs(Registry& registry) const {
    for_each_feedback(transport_, [&](ParamId w, ParamId b) {
      Matrix& B = registry.value(b);
      B = B.binaryExpr(registry.value(w), [](Scalar size, Scalar sign) { return std::copysign(size, sign); });
    });
  }

  Initializer init_;
};

}  // namespace

RuleEntry frsf() {
  RuleEntry entry;
  entry.name = "frsf";
  entry.family = "feedback alignment";
  entry.summary = "the signal goes back through the signs of the weights, with random sizes drawn once";
  entry.citation = "Liao et al. 2016 (1510.05067), Moskovitz et al. 2018 (1812.06488)";
  entry.checked = "signs and sizes of B";
  entry.numbers = "85.3 %";
  entry.options = feedback_options();
  entry.optimizers = {{"forward", adam(5e-4, 0.9, 0.99, 4.73e-8)}};  // fa's
  entry.search = {log_uniform("feedback-scale", 0.1, 10)};
  entry.make = [](const Options& o) { return std::make_unique<FixedRandomSignFeedback>(o); };
  return entry;
}

}  // namespace strata::rules
