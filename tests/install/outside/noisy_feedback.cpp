// Backprop whose signal goes back through B_l = W_l ∘ (1 + σ Ξ_l), Ξ_l standard normal and drawn anew after every step.
#include "parts.hpp"
#include "rules/builtin.hpp"

namespace {

using namespace strata;

class NoisyFeedback final : public rules::TransportRule {
 public:
  explicit NoisyFeedback(const Options& o) : sigma_(static_cast<Scalar>(o.real("sigma"))) {}

  Traits traits() const override { return {.refreshes = {"feedback"}}; }

  void prepare(const Net& net, const Loss&, Registry& registry) override {
    transport_ = rules::own_feedback(net, registry, initializer("xavier_normal"));
    rules::for_each_feedback(transport_, [&](ParamId w, ParamId b) { registry.value(b) = registry.value(w); });
  }

  void after_phase(const Phase&, const Ctx& ctx, const Net&, Registry& registry) const override {
    rules::for_each_feedback(transport_, [&](ParamId w, ParamId b) {
      Matrix& B = registry.value(b);
      ctx.rng("noisy_feedback/", registry[b].name).fill_normal(mut_view(B), 1, sigma_);
      B.array() *= registry.value(w).array();
    });
  }

 private:
  Scalar sigma_;
};

}  // namespace

strata::RuleEntry outside::noisy_feedback() {
  RuleEntry entry;
  entry.name = "noisy_feedback";
  entry.family = "feedback alignment";
  entry.summary = "the signal goes back through the weights with noise on them";
  entry.citation = "an example";
  entry.options = {real_option("sigma", 0.5, 0, 10, "relative noise on the feedback weights")};
  entry.optimizers = {{"forward", adam(5e-4)}};
  entry.make = [](const Options& o) { return std::make_unique<NoisyFeedback>(o); };
  return entry;
}
