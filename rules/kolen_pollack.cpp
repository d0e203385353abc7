// Kolen–Pollack learning (Kolen & Pollack 1994; Akrout et al., 1904.05391, eqs. 16–17).
//
//   as fa, but B_l learns too: it gets the very update of W_l, and both decay alike, so that
//   W_t − B_t = (1 − ηλ)^t (W_0 − B_0) under sgd with step η and weight decay λ: fa turns into backprop.
// The two groups' optimizers must therefore be the same.
#include "rules/builtin.hpp"

namespace strata::rules {
namespace {

class KolenPollack final : public TransportRule {
 public:
  explicit KolenPollack(const Options& o) : init_(initializer(o.text("feedback-init"), o.real("feedback-scale"))) {}

  Traits traits() const override { return {.groups = {"forward", "feedback"}}; }

  void prepare(const Net& net, const Loss&, Registry& registry) override {
    transport_ = own_feedback(net, registry, init_, "feedback");
  }

  void compute(const Phase& phase, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    TransportRule::compute(phase, ctx, m, batch, ws, g);
    for_each_feedback(transport_, [&](ParamId w, ParamId b) { g.alias(b, w); });
  }

 private:
  Initializer init_;
};

}  // namespace

RuleEntry kolen_pollack() {
  RuleEntry entry;
  entry.name = "kolen_pollack";
  entry.family = "feedback alignment";
  entry.summary = "as fa, with feedback weights that get the forward weights' updates and decay with them";
  entry.citation = "Kolen & Pollack 1994, Akrout et al. 2019 (1904.05391)";
  entry.checked = "‖W − B‖ = (1 − ηλ)ᵗ ‖W₀ − B₀‖";
  entry.numbers = "83.2 %";
  entry.options = feedback_options();
  // Of 0.02, 0.05 and 0.1: the best on validation after three epochs of the default network, one seed.
  const OptimizerSpec both{.name = "momentum", .lr = 0.02, .momentum = 0.9, .weight_decay = 1e-3};
  entry.optimizers = {{"forward", both}, {"feedback", both}};
  entry.search = {log_uniform("weight-decay", 1e-5, 1e-2), same("feedback-lr", "lr"),
                  same("feedback-weight-decay", "weight-decay")};
  entry.make = [](const Options& o) { return std::make_unique<KolenPollack>(o); };
  return entry;
}

}  // namespace strata::rules
