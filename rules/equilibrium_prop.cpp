// Equilibrium propagation (Scellier & Bengio, 1602.05179), in the form of Ernoult et al. (1905.13633) with the symmetric
// nudges of Laborieux et al. (2006.03824, eq. 10).
//
//   states   s_l = σ(·) of the hidden layers, s_L of the output, which is linear; x the data
//   energy   E(s) = Σ_l G_l(s_l) − Φ(s),   Φ = Σ_l s_lᵀ(W_l s_{l−1} + b_l),   G_l′ = σ⁻¹,   G_L = ½‖·‖²
//            at rest s_l = σ(W_l s_{l−1} + b_l + Σ_k W_kᵀ s_k) over the layers k that read s_l
//   nudged   E + β L, L the loss of each example
//   weights  ∂L*/∂W_l = lim 1/2β (s_l^{−β} s_{l−1}^{−β}ᵀ − s_l^{β} s_{l−1}^{β}ᵀ), mean over the batch: the gradient of
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
    return {.layers = {"dense", "conv2d", "max_pool", "average_pool", "global_average_pool", "zero_pad", "add",
                       "concat", "flatten", "normalize", "dropout", "tanh", "sigmoid", "hard_sigmoid"}};
  }

  std::string unsupported(const Graph& graph, const Loss& loss) const override {
    const std::string obstacle = LearningRule::unsupported(graph, loss);
    if (!obstacle.empty()) return obstacle;
    std::vector<char> known(static_cast<std::size_t>(graph.size()), 0);
    for (const NodeId point : graph.credit_points()) {
      const NodeId activation = activation_of(graph, point);
      if (graph[activation].layer->pointwise() == nullptr) {
        return cat("hidden layers must end in an activation, and '", graph[point].name, "' does not");
      }
      known[static_cast<std::size_t>(activation)] = 1;
    }
    for (NodeId id = 1; id < graph.size(); ++id) {
      if (graph[id].layer->pointwise() != nullptr && !known[static_cast<std::size_t>(id)]) {
        return cat("activations must end a hidden layer, and '", graph[id].name, "' does not");
      }
    }
    return "";
  }

  void prepare(const Net& net, const Loss&, Registry&) override {
    const Graph& graph = net.graph();
    state_.resize(static_cast<std::size_t>(graph.size()));
    cell_.resize(state_.size(), -1);
    for (const NodeId point : graph.credit_points()) {
      Cell cell;
      cell.activation = activation_of(graph, point);
      cell.u = graph[cell.activation].inputs[0];
      for (const NodeId id : graph.region(point)) {
        (id < cell.activation ? cell.drive : cell.show).push_back(id);
        for (const NodeId in : graph[id].inputs) cell.from_data = cell.from_data && !graph.is_credit_point(in);
      }
      cell_[static_cast<std::size_t>(cell.activation)] = static_cast<int>(cells_.size());
      state_[static_cast<std::size_t>(point)] = cell.activation;
      cells_.push_back(std::move(cell));
    }
    state_[static_cast<std::size_t>(graph.output())] = graph.output();
    readout_ = graph.region(graph.output());
  }

  void compute(const Phase&, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    relax_freely(ctx, m, batch, ws);
    const Index B = batch.size();
    const Ctx again = ctx.again();
    for (const int sign : {1, -1}) {
      Activations& s = ws.acts(sign > 0 ? 2 : 3);
      s.set(Graph::input(), batch.x);
      for (NodeId id = 1; id < m.graph().size(); ++id) {
        s.own(id, B) = ws.acts(1)[id];
        s.aux(id) = ws.acts(1).aux(id);  // dropout's masks
      }
      for (int t = 0; t < nudged_steps_; ++t) sweep(again, m, batch, static_cast<Scalar>(sign) * beta_, s, ws);
      const Scalar scale = static_cast<Scalar>(-sign) / (2 * beta_ * static_cast<Scalar>(B));
      for (const NodeId layer : m.graph().layers()) {
        g.add(m.net, layer, s, s[state_[static_cast<std::size_t>(m.graph().neuron(layer))]], scale);
      }
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
  /// A hidden layer: u is what goes into σ.
  struct Cell {
    NodeId u = 0, activation = 0;
    std::vector<NodeId> drive, show;  // the nodes up to u; the activation and what follows it (dropout)
    bool from_data = true;            // no state goes into the drive
  };

  // The activation of a credit point, which dropout may follow.
  static NodeId activation_of(const Graph& graph, NodeId point) {
    while (graph[point].layer->type() == "dropout") point = graph[point].inputs[0];
    return point;
  }

  // The free states in ws.acts(1), from those of a forward pass.
  void relax_freely(const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws) const {
    Activations& s = ws.acts(1);
    m.net.forward(ctx, m.registry, batch.x, s);
    for (const Cell& cell : cells_) {
      if (cell.from_data) data_drive(m, cell, batch.size(), ws) = s[cell.u];
    }
    const Ctx again = ctx.again();
    for (int t = 0; t < free_steps_; ++t) sweep(again, m, batch, 0, s, ws);
  }

  // Puts every layer's state at its best for the states above, which have been moved, and below, which have not.
  void sweep(const Ctx& ctx, const Model& m, const Batch& batch, Scalar beta, Activations& s, Workspace& ws) const {
    const NodeId out = m.graph().output();
    const Index B = batch.size();
    Deltas& up = ws.deltas();  // Σ_k W_kᵀ s_k
    up.clear();
    MutView pull = ws.scratch("nudge", batch.classes(), B);
    if (beta != 0) m.loss.gradient(s[out], batch, pull);
    m.net.forward_nodes(ctx, m.registry, readout_, s);
    if (beta != 0) s.own(out, B) -= beta * static_cast<Scalar>(B) * pull;
    up.overwritten(out, B) = s[out];
    for (NodeId id = out; id > 0; --id) {
      if (!up.present(id)) continue;
      const int c = cell_[static_cast<std::size_t>(id)];
      if (c < 0) {
        m.net.pull_back_node(m.registry, id, s, up, {});
        continue;
      }
      const Cell& cell = cells_[static_cast<std::size_t>(c)];
      if (cell.from_data) {
        s.own(cell.u, B) = data_drive(m, cell, B, ws);
      } else {
        m.net.forward_nodes(ctx, m.registry, cell.drive, s);
      }
      s.own(cell.u, B) += up[id];
      m.net.forward_nodes(ctx, m.registry, cell.show, s);
      up.overwritten(cell.u, B) = s[id];
    }
  }

  static MutView data_drive(const Model& m, const Cell& cell, Index B, Workspace& ws) {
    return ws.scratch(m.graph()[cell.u].name, m.graph()[cell.u].units, B);
  }

  Scalar beta_;
  int free_steps_, nudged_steps_;
  std::vector<Cell> cells_;
  std::vector<int> cell_;        // of an activation: its cell, else −1
  std::vector<NodeId> state_;    // of a neuron node: where its layer's state stands
  std::vector<NodeId> readout_;  // the nodes of the output
};

}  // namespace

RuleEntry equilibrium_prop() {
  RuleEntry entry;
  entry.name = "equilibrium_prop";
  entry.family = "energy based";
  entry.summary = "states at rest, free and nudged towards the target both ways";
  entry.citation = "Scellier & Bengio 2017 (1602.05179), Laborieux et al. 2021 (2006.03824)";
  entry.needs = "tanh, sigmoid or hard_sigmoid after each hidden layer, no normalisation behind one";
  entry.checked = "one step in torch; differences of the loss at rest";
  entry.numbers = "72.7 %";
  entry.options = {real_option("nudge", 0.5, 1e-9, 0.9, "strength β of the nudges"),
                   integer_option("free-steps", 20, 0, 100000, "sweeps over all layers without a nudge"),
                   integer_option("nudged-steps", 10, 1, 100000, "sweeps over all layers with each nudge")};
  // The best of five on validation after two epochs of the default network, one seed. Shallow nets take ten times that.
  entry.optimizers = {{"forward", adam(1e-4)}};
  entry.search = {log_uniform("nudge", 0.05, 0.9)};
  entry.make = [](const Options& o) { return std::make_unique<EquilibriumPropagation>(o); };
  return entry;
}

}  // namespace strata::rules
