// A rule to start from: copy it to rules/NAME.cpp, put your rule's name for my_rule, and read on. It is compiled and tested
// (tests/rules), so it works as it stands.
//
// Feedback alignment with noise, to have something to say (the paper and its equations go here, in its symbols):
//
//   as backprop, but each weight W_l transports the signal back as B_l = W_l ∘ (1 + σ Ξ_l), Ξ_l standard normal and drawn
//   anew after every step;   σ = 0 is backprop.
#include "rules/builtin.hpp"

namespace strata::rules {
namespace {

// TransportRule is for rules that differ from backprop in the matrices that carry the signal back: it brings compute(), the
// probe of angles between B and W, and the gradient by the input. Any other rule derives from LearningRule and writes its
// compute() (framework/learning/rule.hpp): forward pass, then pseudo-gradients into the GradSink. rules/README.md says which
// built-in rule is nearest to yours.
class MyRule final : public TransportRule {
 public:
  explicit MyRule(const Options& o) : sigma_(static_cast<Scalar>(o.real("sigma"))) {}

  // What the rule can train and what it changes: buffers of the group "feedback" in after_phase.
  Traits traits() const override { return {.refreshes = {"feedback"}}; }

  // Everything that a rule remembers from step to step is a parameter or a buffer of the registry, so that checkpoints
  // hold it. Members are options and ids, fixed from here on.
  void prepare(const Net& net, const Loss&, Registry& registry) override {
    transport_ = own_feedback(net, registry, initializer("xavier_normal"));
    for_each_feedback(transport_, [&](ParamId w, ParamId b) { registry.value(b) = registry.value(w); });
  }

  void after_phase(const Phase&, const Ctx& ctx, const Net&, Registry& registry) const override {
    for_each_feedback(transport_, [&](ParamId w, ParamId b) {
      Matrix& B = registry.value(b);
      // Numbers come from named streams, never in sequence: the same for any number of threads, and after a restart.
      ctx.rng("my_rule/", registry[b].name).fill_normal(mut_view(B), 1, sigma_);
      B.array() *= registry.value(w).array();
    });
  }

 private:
  Scalar sigma_;
};

}  // namespace

// What `strata list rules` and `strata help my_rule` say, the options, and hyper-parameters that are good for the default
// network.
RuleEntry my_rule() {
  RuleEntry entry;
  entry.name = "my_rule";
  entry.family = "feedback alignment";
  entry.summary = "the signal goes back through the weights with noise on them";
  entry.citation = "your paper (arXiv number)";
  entry.options = {real_option("sigma", 0.5, 0, 10, "relative noise on the feedback weights")};
  entry.optimizers = {{"forward", adam(5e-4)}};
  entry.search = {log_uniform("sigma", 0.05, 5)};  // what `strata tune` draws from, besides learning rates
  entry.make = [](const Options& o) { return std::make_unique<MyRule>(o); };
  return entry;
}

}  // namespace strata::rules
