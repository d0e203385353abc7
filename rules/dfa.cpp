// Direct feedback alignment (Nøkland, 1609.01596, eq. 7).
//
//   e = ∂L/∂h_L;   every hidden layer gets δ_l = (B_l e) ⊙ f′(z_l) with a fixed random B_l (units × outputs);
//   the last layer learns on its true gradient.
// With one hidden layer this is feedback alignment.
#include "rules/direct.hpp"

namespace strata::rules {
namespace {

class DirectFeedbackAlignment final : public LearningRule {
 public:
  explicit DirectFeedbackAlignment(const Options& o)
      : init_(initializer(o.text("feedback-init"), o.real("feedback-scale"))) {}

  void prepare(const Net& net, const Loss&, Registry& registry) override {
    feedback_ = direct_feedback(net, registry, init_);
  }

  void compute(const Phase&, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    signal(ctx, m, batch, ws);
    m.net.backward(m.registry, ws.acts(), ws.deltas(), &g, {.stop_at_credit_points = true});
  }

  bool feedback_input_gradient(const Model& m, const Batch& batch, Workspace& ws, MutView dinput) const override {
    Ctx ctx;
    ctx.mode = Mode::evaluate;
    signal(ctx, m, batch, ws);
    m.net.backward(m.registry, ws.acts(), ws.deltas(), nullptr, {.stop_at_credit_points = true, .to_input = true});
    dinput = ws.deltas()[Graph::input()];
    return true;
  }

 private:
  // The forward pass, e at the output, and B_l e at every credit point.
  void signal(const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws) const {
    const View e = output_error(ctx, m, batch, ws.acts(), ws.deltas());
    send_direct(m, feedback_, e, ws.deltas());
  }

  Initializer init_;
  std::vector<ParamId> feedback_;
};

}  // namespace

RuleEntry dfa() {
  RuleEntry entry;
  entry.name = "dfa";
  entry.family = "feedback alignment";
  entry.summary = "the output error goes straight to every hidden layer through fixed random weights";
  entry.citation = "Nøkland 2016 (1609.01596)";
  entry.checked = "one step in torch; fa, bit for bit, with one hidden layer";
  entry.numbers = "84.8 %; 10 epochs: 87.4 % (authors' code 87.1)";
  entry.options = feedback_options();
  // Meulemans' values; his ε of 3.66e-8 is for signals 2/B times these (B = 128), hence ε·B/2.
  entry.optimizers = {{"forward", adam(9.403e-4, 0.9, 0.99, 2.343e-6)}};
  entry.search = {log_uniform("feedback-scale", 0.1, 10)};
  entry.make = [](const Options& o) { return std::make_unique<DirectFeedbackAlignment>(o); };
  return entry;
}

}  // namespace strata::rules
