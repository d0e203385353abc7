// Weight mirrors (Akrout, Wilson, Humphreys, Lillicrap & Tweed, 1904.05391, eqs. 9–13).
//
//   engaged:  as fa, forward weights learn, B_l rests
//   mirror:   every layer's inputs are noise ξ of mean 0 and variance σ², apart from the others; its response is W_l ξ;
//             B_l += η (W_l ξ) ξᵀ mean over the batch, with decay η λ B_l, so that B_l tends to (σ²/λ) W_l (B has W's
//             shape here and is applied transposed)
// Responses have their mean over the batch taken off, which is what the paper's bias blocking does.
#include "framework/parallel/gemm.hpp"
#include "rules/builtin.hpp"

namespace strata::rules {
namespace {

class WeightMirror final : public TransportRule {
 public:
  explicit WeightMirror(const Options& o)
      : init_(initializer(o.text("feedback-init"), o.real("feedback-scale"))),
        sigma_(static_cast<Scalar>(o.real("mirror-noise"))) {}

  Traits traits() const override { return {.groups = {"forward", "mirror"}}; }

  void prepare(const Net& net, const Loss&, Registry& registry) override {
    transport_ = own_feedback(net, registry, init_, "mirror");
    for (const NodeId layer : net.graph().layers()) layers_.push_back({layer});
  }

  Schedule schedule() const override {
    return {.before = {}, .epoch = {{"train", 1, {{"engaged", {"forward"}}, {"mirror", {"mirror"}}}}}};
  }

  void compute(const Phase& phase, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    if (phase.name == "engaged") {
      TransportRule::compute(phase, ctx, m, batch, ws, g);
      return;
    }
    const Index B = batch.size();
    for (const auto& alone : layers_) {
      const NodeId layer = alone.front();
      const Node& node = m.graph()[layer];
      const NodeId below = node.inputs[0];
      // A set of its own: two layers may read the same node.
      Activations& mirror = ws.acts(1 + static_cast<std::size_t>(layer));
      ctx.rng("weight_mirror/", node.name).fill_normal(mirror.own(below, B), 0, sigma_);
      m.net.forward_nodes(ctx, m.registry, alone, mirror);
      MutView both = ws.scratch(node.name, node.units, B + 1);  // the response, and its mean beside it
      MutView response(both.data(), node.units, B, Eigen::OuterStride<>(both.outerStride()));
      const MutView mean(both.data() + B * both.outerStride(), node.units, 1, Eigen::OuterStride<>(both.outerStride()));
      row_sums(mirror[layer], mean, Scalar(1) / static_cast<Scalar>(B));
      for (Index b = 0; b < B; ++b) response.col(b) = mirror[layer].col(b) - mean.col(0);
      // The gradient of a kernel is a sum over its positions.
      const Index positions = node.units / node.params.front().rows;
      g.add(m.net, layer, mirror, view(response), Scalar(-1) / static_cast<Scalar>(B * positions));
    }
    for_each_feedback(transport_, [&](ParamId w, ParamId b) { g.alias(b, w); });
  }

 private:
  Initializer init_;
  Scalar sigma_;
  std::vector<std::vector<NodeId>> layers_;  // each alone
};

}  // namespace

RuleEntry weight_mirror() {
  RuleEntry entry;
  entry.name = "weight_mirror";
  entry.family = "feedback alignment";
  entry.summary = "as fa, with feedback weights that learn to mirror the forward weights from noise";
  entry.citation = "Akrout et al. 2019 (1904.05391)";
  entry.checked = "angle to the weights falls; size of B against its equation";
  entry.numbers = "85.1 %";
  entry.options = feedback_options();
  entry.options.push_back(real_option("mirror-noise", 1, 1e-6, 1e3, "standard deviation of the noise in mirror mode"));
  entry.optimizers = {{"forward", adam(5e-4, 0.9, 0.99, 4.73e-8)},
                      {"mirror", {.name = "sgd", .lr = 0.1, .weight_decay = 1}}};
  entry.make = [](const Options& o) { return std::make_unique<WeightMirror>(o); };
  return entry;
}

}  // namespace strata::rules
