// Uniform sign-concordant feedback (Liao, Leibo & Poggio, 1510.05067, "uSF"; scaled as in Xiao et al., 1811.03567).
//
//   as fa, with B_l = s_l · sign(W_l), anew after every step; s_l is the standard deviation of the initialiser, so that
//   signals neither grow nor shrink as they go back.
// A weight of exactly 0 transports nothing.
#include "rules/builtin.hpp"

namespace strata::rules {
namespace {

class UniformSignFeedback final : public TransportRule {
 public:
  explicit UniformSignFeedback(const Options& o)
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
      const Matrix& W = registry.value(w);
      const auto s = static_cast<Scalar>(initial_sd(init_, W.rows(), W.cols()));
      registry.value(b) = s * W.array().sign();
    });
  }

  Initializer init_;
};

}  // namespace

RuleEntry usf() {
  RuleEntry entry;
  entry.name = "usf";
  entry.family = "feedback alignment";
  entry.summary = "the signal goes back through the signs of the weights, all of one size";
  entry.citation = "Liao et al. 2016 (1510.05067), Moskovitz et al. 2018 (1812.06488)";
  entry.checked = "signs and size of B";
  entry.numbers = "85.4 %";
  entry.options = feedback_options();
  entry.optimizers = {{"forward", adam(5e-4, 0.9, 0.99, 4.73e-8)}};  // fa's
  entry.search = {log_uniform("feedback-scale", 0.1, 10)};
  entry.make = [](const Options& o) { return std::make_unique<UniformSignFeedback>(o); };
  return entry;
}

}  // namespace strata::rules
