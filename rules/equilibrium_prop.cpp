// Equilibrium propagation (Scellier & Bengio, 1602.05179), in the form of Ernoult et al. (1905.13633) with the symmetric
// nudges of Laborieux et al. (2006.03824, eq. 10).
//
//   states   s_l = σ(·) of the hidden layers, s_L of the output, which is linear; x the data
//   energy   E(s) = Σ_l G_l(s_l) − Φ(s),   Φ = Σ_l s_lᵀ(W_l s_{l−1} + b_l),   G_l′ = σ⁻¹,   G_L = ½‖·‖²
//            at rest s_l = σ(W_l s_{l−1} + b_l + Σ_k W_kᵀ s_k) over the layers k that read s_l
//   nudged   E + β L, L the loss of each example
//   weights  ∂E*/∂W_l = lim 1/2β (s_l^{−β} s_{l−1}^{−β}ᵀ − s_l^{β} s_{l−1}^{β}ᵀ), mean over the batch: the gradient of
//            the loss of the free state at rest
// A layer's best state for given neighbours is what the equation at rest says, so states are put there one layer after
// the other, from the output down, which lowers the energy each time. (The nudged output, whose best state has no closed
// form, takes one step of it; β below 1 keeps that steady.) Bounded σ keep E bounded. Predictions are the free
// state's, for which no derivative is given.
#include "rules/builtin.hpp"

namespace strata::rules {
namespace {

class EquilibriumPropagation final : public LearningRule {
 public:
  explicit EquilibriumPropagation(const Options& o)
      : beta_(static_cast<Scalar>(o.real("nudge"))), free_steps_(o.integer("free-steps")),
        nudged_steps_(o.integer("nudged-steps")) {}

  Traits traits() const override {
    return {.layers = {"dense", "add", "concat", "flatten", "normalize", "tanh", "sigmoid", "hard_sigmoid"}};
  }

  std::string unsupported(const Graph& graph, const Loss& loss) const override {
    const std::string obstacle = LearningRule::unsupported(graph, loss);
    if (!obstacle.empty()) return obstacle;
    for (NodeId id = 1; id < graph.size(); ++id) {
      const bool activation = graph[id].layer->pointwise() != nullptr;
      if (activation != graph.is_credit_point(id)) {
        return cat("hidden layers must end in their one activation and the output must have none, and '",
                   graph[id].name, "' is ", activation ? "another" : "a hidden layer without one");
      }
    }
    return "";
  }

  void prepare(const Net& net, const Loss&, Registry&) override {
    const Graph& graph = net.graph();
    drives_.resize(static_cast<std::size_t>(graph.size()));
    from_data_.resize(drives_.size());
    for (NodeId id = 0; id < graph.size(); ++id) alone_.push_back({id});
    for (const NodeId point : graph.credit_points()) {
      auto& drive = drives_[static_cast<std::size_t>(point)] = graph.region(point);
      drive.pop_back();  // the activation
      bool only = true;
      for (const NodeId id : drive) {
        for (const NodeId in : graph[id].inputs) only = only && !graph.is_credit_point(in);
      }
      from_data_[static_cast<std::size_t>(point)] = only;
    }
    drives_[static_cast<std::size_t>(graph.output())] = graph.region(graph.output());
  }

  void compute(const Phase&, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    relax_freely(ctx, m, batch, ws);
    const Index B = batch.size();
    for (const int sign : {1, -1}) {
      Activations& s = ws.acts(sign > 0 ? 2 : 3);
      s.set(Graph::input(), batch.x);
      for (NodeId id = 1; id < m.graph().size(); ++id) s.own(id, B) = ws.acts(1)[id];
      for (int t = 0; t < nudged_steps_; ++t) sweep(ctx, m, batch, static_cast<Scalar>(sign) * beta_, s, ws);
      const Scalar scale = static_cast<Scalar>(-sign) / (2 * beta_ * static_cast<Scalar>(B));
      for (const NodeId layer : m.graph().layers()) g.add(m.net, layer, s, s[m.graph().neuron(layer)], scale);
    }
  }

  void predict(const Model& m, const Batch& batch, Workspace& ws, MutView scores) const override {
    Ctx ctx;
    ctx.mode = Mode::evaluate;
    relax_freely(ctx, m, batch, ws);
    scores = ws.acts(1)[m.graph().output()];
  }

  bool predict_pull_back(const Model&, const Batch&, Workspace&, View, MutView) const override { return false; }

 private:
  // The free states in ws.acts(1), from those of a forward pass.
  void relax_freely(const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws) const {
    Activations& s = ws.acts(1);
    m.net.forward(ctx, m.registry, batch.x, s);
    for (const NodeId point : m.graph().credit_points()) {
      if (from_data_[static_cast<std::size_t>(point)]) data_drive(m, point, batch.size(), ws) = s[before(m, point)];
    }
    for (int t = 0; t < free_steps_; ++t) sweep(ctx, m, batch, 0, s, ws);
  }

  // Puts every layer's state at its best for the states above, which have been moved, and below, which have not.
  void sweep(const Ctx& ctx, const Model& m, const Batch& batch, Scalar beta, Activations& s, Workspace& ws) const {
    const Graph& graph = m.graph();
    const NodeId out = graph.output();
    const Index B = batch.size();
    Deltas& up = ws.deltas();  // Σ_k W_kᵀ s_k
    up.clear();
    MutView pull = ws.scratch("nudge", batch.classes(), B);
    if (beta != 0) m.loss.gradient(s[out], batch, pull);
    m.net.forward_nodes(ctx, m.registry, drives_[static_cast<std::size_t>(out)], s);
    if (beta != 0) s.own(out, B) -= beta * static_cast<Scalar>(B) * pull;
    up.overwritten(out, B) = s[out];
    for (NodeId id = out; id > 0; --id) {
      if (!up.present(id)) continue;
      if (!graph.is_credit_point(id)) {
        m.net.pull_back_node(m.registry, id, s, up, {});
        continue;
      }
      const NodeId u = before(m, id);
      if (from_data_[static_cast<std::size_t>(id)]) {
        s.own(u, B) = data_drive(m, id, B, ws);
      } else {
        m.net.forward_nodes(ctx, m.registry, drives_[static_cast<std::size_t>(id)], s);
      }
      s.own(u, B) += up[id];
      m.net.forward_nodes(ctx, m.registry, alone_[static_cast<std::size_t>(id)], s);
      up.overwritten(u, B) = s[id];
    }
  }

  static NodeId before(const Model& m, NodeId point) { return m.graph()[point].inputs[0]; }
  static MutView data_drive(const Model& m, NodeId point, Index B, Workspace& ws) {
    return ws.scratch(m.graph()[point].name, m.graph()[point].units, B);
  }

  Scalar beta_;
  int free_steps_, nudged_steps_;
  std::vector<std::vector<NodeId>>
      drives_;  // of a credit point: the nodes up to its activation; of the output: its region
  std::vector<std::vector<NodeId>> alone_;  // each node as a list
  std::vector<char> from_data_;             // no state goes into this credit point's drive
};

}  // namespace

RuleEntry equilibrium_prop() {
  RuleEntry entry;
  entry.name = "equilibrium_prop";
  entry.family = "energy based";
  entry.summary = "states at rest, free and nudged towards the target both ways";
  entry.citation = "Scellier & Bengio 2017 (1602.05179), Laborieux et al. 2021 (2006.03824)";
  entry.needs = "tanh, sigmoid or hard_sigmoid after each hidden layer, no dropout";
  entry.checked = "one step in torch; differences of the loss at rest";
  entry.options = {real_option("nudge", 0.5, 1e-9, 0.9, "strength β of the nudges"),
                   integer_option("free-steps", 20, 0, 100000, "sweeps over all layers without a nudge"),
                   integer_option("nudged-steps", 10, 1, 100000, "sweeps over all layers with each nudge")};
  // The best of five on validation after two epochs of the default network, one seed. Shallow nets take ten times that.
  entry.optimizers = {{"forward", adam(1e-4)}};
  entry.make = [](const Options& o) { return std::make_unique<EquilibriumPropagation>(o); };
  return entry;
}

}  // namespace strata::rules
