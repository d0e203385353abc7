// PEPITA: error-driven input modulation (Dellaferrera & Kreiman, 2201.11665, algorithm 1).
//
//   standard pass    h_0 = x,        h_l = f(W_l h_{l−1});        e = ∂L/∂h_L of each example
//   modulated pass   h̃_0 = x + F e,  h̃_l = f(W_l h̃_{l−1})        F fixed and random, features × outputs
//   ΔW_l ∝ −(h_l − h̃_l) h̃_{l−1}ᵀ,    ΔW_L ∝ −e h̃_{L−1}ᵀ         mean over the batch
// No derivative is taken in hidden layers, so a normalisation behind one would learn nothing. F is uniform on ±s·√(6/features), as in the authors' code, s = 0.05.
#include "framework/parallel/gemm.hpp"
#include "rules/builtin.hpp"

namespace strata::rules {
namespace {

class Pepita final : public LearningRule {
 public:
  explicit Pepita(const Options& o) : scale_(o.real("feedback-scale")) {}

  Traits traits() const override { return {.layers_alone = true}; }

  void prepare(const Net& net, const Loss&, Registry& registry) override {
    const Node& input = net.graph()[Graph::input()];
    const double half_width = scale_ * std::sqrt(6 / static_cast<double>(input.units));
    F_ = registry.add_buffer("feedback/input", "feedback", input.units, net.graph()[net.graph().output()].units,
                             Initializer::uniform_within(half_width));
  }

  void compute(const Phase&, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    const Activations& h = ws.acts();
    const Index B = batch.size();
    const Scalar mean = Scalar(1) / static_cast<Scalar>(B);
    const View mean_error = output_error(ctx, m, batch, ws.acts(), ws.deltas());  // e/B

    MutView x = ws.scratch("modulated", batch.x.rows(), B);
    x = batch.x;
    gemm(Op::none, view(m.registry.value(F_)), Op::none, mean_error, x, static_cast<Scalar>(B), 1);
    const Ctx again = ctx.again();
    Activations& modulated = ws.acts(1);
    m.net.forward(again, m.registry, view(x), modulated);

    for (const NodeId layer : m.graph().layers()) {
      const NodeId neuron = m.graph().neuron(layer);
      if (neuron == m.graph().output()) {
        g.add(m.net, layer, modulated, mean_error);
        continue;
      }
      MutView change = ws.deltas().overwritten(layer, B);
      change = h[neuron] - modulated[neuron];
      g.add(m.net, layer, modulated, view(change), mean);
    }
  }

  bool feedback_input_gradient(const Model& m, const Batch& batch, Workspace& ws, MutView dinput) const override {
    Ctx ctx;
    ctx.mode = Mode::evaluate;
    const View e = output_error(ctx, m, batch, ws.acts(), ws.deltas());
    gemm(Op::none, view(m.registry.value(F_)), Op::none, e, dinput);
    return true;
  }

 private:
  double scale_;
  ParamId F_ = 0;
};

}  // namespace

RuleEntry pepita() {
  RuleEntry entry;
  entry.name = "pepita";
  entry.family = "forward only";
  entry.summary = "a second pass on an input that the error has changed; layers learn from the difference";
  entry.citation = "Dellaferrera & Kreiman 2022 (2201.11665)";
  entry.needs = "no normalisation behind a layer";
  entry.checked = "one step in torch";
  entry.numbers = "82.2 %";
  entry.options = {real_option("feedback-scale", 0.05, 1e-6, 1e6, "size s of the fixed feedback to the input")};
  entry.optimizers = {{"forward", adam(5e-4)}};
  entry.search = {log_uniform("feedback-scale", 0.005, 0.5)};
  entry.make = [](const Options& o) { return std::make_unique<Pepita>(o); };
  return entry;
}

}  // namespace strata::rules
