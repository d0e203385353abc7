// Node perturbation (Widrow & Lehr 1990; Werfel, Xie & Seung 2005, eq. 5).
//
//   z̃_l = W_l x̃ + b_l + σ ξ_l  in every layer, the output included, ξ standard normal for each unit and example
//   ΔW_l ∝ −(L̃_b − L_b)/σ · ξ_l xᵀ     mean over batch and draws; L_b the loss of example b, x the unperturbed input
// A normalisation's output is perturbed likewise, which trains its parameters; not that of a batch, where an example's noise
// changes the losses of others too.
// In the mean that is the gradient, to first order in σ. One draw has a cosine of about 1/√(1 + N/M) with it, for N units
// and M draws.
#include "rules/builtin.hpp"

namespace strata::rules {
namespace {

class NodePerturbation final : public LearningRule {
 public:
  explicit NodePerturbation(const Options& o) : sigma_(static_cast<Scalar>(o.real("sigma"))) {
    for (int draw = 0; draw < o.integer("draws"); ++draw) streams_.push_back(cat("node_perturbation/", draw, "/"));
  }

  Traits traits() const override { return {.examples_alone = true}; }

  void prepare(const Net& net, const Loss&, Registry&) override {
    const Graph& graph = net.graph();
    stretches_.emplace_back();
    for (NodeId id = 1; id < graph.size(); ++id) {
      stretches_.back().push_back(id);
      if (graph[id].params.empty()) continue;
      perturbed_.push_back(id);
      stretches_.emplace_back();
    }
  }

  void compute(const Phase&, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    const NodeId out = m.graph().output();
    const Index B = batch.size();
    const auto loss = ws.doubles("loss", B), perturbed = ws.doubles("perturbed", B);
    m.net.forward(ctx, m.registry, batch.x, ws.acts());
    m.loss.values(ws.acts()[out], batch, loss);
    for (const NodeId node : perturbed_) signal(node, B, ws).setZero();

    const Ctx again = ctx.again();
    Activations& noisy = ws.acts(1);
    for (const std::string& stream : streams_) {
      noisy.set(Graph::input(), batch.x);
      for (const auto& nodes : stretches_) {
        m.net.forward_nodes(again, m.registry, nodes, noisy);
        if (nodes.empty() || m.graph()[nodes.back()].params.empty()) continue;
        const MutView xi = ws.deltas(1).overwritten(nodes.back(), B);
        ctx.rng(stream, m.graph()[nodes.back()].name).fill_normal(xi, 0, 1);
        noisy.own(nodes.back(), B) += sigma_ * xi;
      }
      m.loss.values(noisy[out], batch, perturbed);
      for (const NodeId node : perturbed_) {
        const View xi = ws.deltas(1)[node];
        MutView dz = signal(node, B, ws);
        for (Index b = 0; b < B; ++b) {
          const double slope = (perturbed[static_cast<std::size_t>(b)] - loss[static_cast<std::size_t>(b)]) / sigma_;
          dz.col(b) += static_cast<Scalar>(slope) * xi.col(b);
        }
      }
    }
    const Scalar scale = Scalar(1) / static_cast<Scalar>(B * static_cast<Index>(streams_.size()));
    for (const NodeId node : perturbed_) g.add(m.net, node, ws.acts(), view(signal(node, B, ws)), scale);
  }

 private:
  // Σ over draws of ξ (L̃ − L)/σ
  static MutView signal(NodeId node, Index B, Workspace& ws) { return ws.deltas().overwritten(node, B); }

  Scalar sigma_;
  std::vector<std::string> streams_;            // of each draw
  std::vector<NodeId> perturbed_;               // the nodes with parameters
  std::vector<std::vector<NodeId>> stretches_;  // nodes up to the next of them, which is the last
};

}  // namespace

RuleEntry node_perturbation() {
  RuleEntry entry;
  entry.name = "node_perturbation";
  entry.family = "perturbation";
  entry.summary = "noise on every unit, kept where it lowers the loss; no signal goes back";
  entry.citation = "Widrow & Lehr 1990, Werfel et al. 2005";
  entry.needs = "no normalisation over the batch";
  entry.checked = "one step in torch; cosine 1/√(1 + N/M) with the gradient";
  entry.numbers = "71.6 %";
  entry.options = {real_option("sigma", 0.01, 1e-6, 1e3, "standard deviation of the noise"),
                   integer_option("draws", 1, 1, 1000, "noise vectors an example, averaged over")};
  // The best of five on validation after two epochs of the default network, one seed.
  entry.optimizers = {{"forward", adam(2e-4)}};
  entry.search = {log_uniform("sigma", 1e-3, 0.1)};
  entry.make = [](const Options& o) { return std::make_unique<NodePerturbation>(o); };
  return entry;
}

}  // namespace strata::rules
