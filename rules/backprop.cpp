// Backpropagation (Rumelhart, Hinton & Williams, Nature 323, 1986).
//
//   δ_L = ∂L/∂h_L,   δ_{l−1} = Jᵀ δ_l with the forward weights themselves,   ∂L/∂W_l = δ_l h_{l−1}ᵀ
#include "rules/builtin.hpp"

namespace strata::rules {
namespace {

class Backprop final : public LearningRule {
 public:
  void compute(const Phase&, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    output_error(ctx, m, batch, ws.acts(), ws.deltas());
    m.net.backward(m.registry, ws.acts(), ws.deltas(), &g);
  }

  bool feedback_input_gradient(const Model& m, const Batch& batch, Workspace& ws, MutView dinput) const override {
    Ctx ctx;
    ctx.mode = Mode::evaluate;
    output_error(ctx, m, batch, ws.acts(), ws.deltas());
    m.net.backward(m.registry, ws.acts(), ws.deltas(), nullptr, {.to_input = true});
    dinput = ws.deltas()[Graph::input()];
    return true;
  }
};

}  // namespace

RuleEntry backprop() {
  RuleEntry entry;
  entry.name = "backprop";
  entry.family = "end to end";
  entry.summary = "the true gradient, pulled back through the forward weights";
  entry.citation = "Rumelhart, Hinton & Williams 1986";
  entry.checked = "gradients in torch, 10-epoch reference";
  entry.numbers = "85.5 %; 10 epochs: 87.7 % (authors' code 88.2)";
  entry.optimizers = {{"forward", adam(2.876e-4, 0.9, 0.99, 4.73e-8)}};
  entry.make = [](const Options&) { return std::make_unique<Backprop>(); };
  return entry;
}

}  // namespace strata::rules
