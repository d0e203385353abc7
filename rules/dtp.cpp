// Difference target propagation (Lee, Zhang, Fischer & Bengio, 1412.7525), in the form of Meulemans et al. (2006.14331).
//
//   output target        ĥ_L = h_L − η̂ ∂L/∂h_L
//   hidden targets       ĥ_{l−1} = h_{l−1} + g_l(ĥ_l) − g_l(h_l)                 (Lee, eq. 15)
//   layer loss           ‖h_l − ĥ_l‖², mean over the batch, gradient through layer l alone
//   inverses             g_l(h) = s(Q_l h + d_l), trained to undo f_l at noisy points:
//                        ‖g_l(f_l(h̃)) − h̃‖² / max(σ, 0.02)², h̃ = h_{l−1} + σ ε, mean over batch and units
// L is the batch mean already, so a pseudo-gradient is about 2 η̂/B times backprop's and Adam's ε matters.
// One joint phase: targets with the old Q, the gradient of Q at the old W, then both step.
#include <algorithm>

#include "rules/builtin.hpp"

namespace strata::rules {
namespace {

class DifferenceTargetPropagation final : public LearningRule {
 public:
  explicit DifferenceTargetPropagation(const Options& o)
      : target_step_(static_cast<Scalar>(o.real("target-step"))), sigma_(static_cast<Scalar>(o.real("sigma"))),
        inverse_activation_(o.text("inverse-activation")), inverse_init_(o.text("inverse-init")),
        pretrain_epochs_(o.integer("pretrain-epochs")), extra_epochs_(o.integer("extra-inverse-epochs")) {}

  Traits traits() const override { return {.groups = {"forward", "inverse"}, .needs_chain = true}; }

  void prepare(const Net& net, const Loss&, Registry& registry) override {
    const Graph& graph = net.graph();
    chain_ = graph.credit_points();
    chain_.push_back(graph.output());
    for (std::size_t l = 1; l < chain_.size(); ++l) {
      const Node& above = graph[chain_[l]];
      const Node& below = graph[chain_[l - 1]];
      const GraphSpec g{{above.units},
                        {{"dense", "dense", {"input"}, {{"units", below.units}, {"init", inverse_init_}}},
                         {"undo", inverse_activation_, {"dense"}}},
                        "undo"};
      inverses_.push_back(std::make_unique<Net>(Graph(g), registry, "inverse/" + above.name + "/", "inverse"));
      regions_.push_back(graph.region(chain_[l]));
    }
  }

  Schedule schedule() const override {
    const Phase joint{"joint", {"forward", "inverse"}};
    const Phase inverse{"inverse", {"inverse"}};
    Schedule s;
    if (pretrain_epochs_ > 0) s.before.push_back({"pretrain inverses", pretrain_epochs_, {inverse}});
    s.epoch.push_back({"train", 1, {joint}});
    if (extra_epochs_ > 0) s.epoch.push_back({"train inverses", extra_epochs_, {inverse}});
    return s;
  }

  void compute(const Phase& phase, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    const View e = output_error(ctx, m, batch, ws.acts(), ws.deltas());
    if (phase.name == "joint") {
      propagate_targets(ctx, m, e, ws);
      m.net.backward(m.registry, ws.acts(), ws.deltas(), &g, {.stop_at_credit_points = true});
    }
    for (std::size_t l = chain_.size() - 1; l >= 1; --l) reconstruct(ctx, m, l, ws, &g);
  }

  void probe(const Model& m, const Batch& batch, Workspace& ws, ProbeSink& sink) const override {
    Ctx ctx;
    ctx.mode = Mode::evaluate;
    m.net.forward(ctx, m.registry, batch.x, ws.acts());
    for (const NodeId layer : m.graph().layers()) {
      const auto at = std::find(chain_.begin(), chain_.end(), m.graph().neuron(layer)) - chain_.begin();
      if (at >= 1)
        sink.report("reconstruction_loss", layer, reconstruct(ctx, m, static_cast<std::size_t>(at), ws, nullptr));
    }
  }

 private:
  // Targets ĥ from the output down, and the layer losses' gradients 2(h_l − ĥ_l)/B as deltas of the chain's points.
  void propagate_targets(const Ctx& ctx, const Model& m, View e, Workspace& ws) const {
    const Activations& h = ws.acts();
    Activations& target = ws.acts(2);
    const Index B = e.cols();
    const NodeId L = chain_.back();
    target.own(L, B) = h[L] - target_step_ * e;
    for (std::size_t l = chain_.size() - 1; l >= 1; --l) {
      const View of_target = run(ctx, m, inverse(l), target[chain_[l]], ws, 0);
      const View of_h = run(ctx, m, inverse(l), h[chain_[l]], ws, 1);
      target.own(chain_[l - 1], B) = h[chain_[l - 1]] + of_target - of_h;
    }
    const Scalar two_over_B = Scalar(2) / static_cast<Scalar>(B);
    for (const NodeId l : chain_) ws.deltas().at(l, B) = two_over_B * (h[l] - target[l]);
  }

  // The reconstruction loss of inverse l at noisy points; its gradient goes to `g` unless null.
  double reconstruct(const Ctx& ctx, const Model& m, std::size_t l, Workspace& ws, GradSink* g) const {
    const View h_below = ws.acts()[chain_[l - 1]];
    Activations& noisy = ws.acts(1);
    const MutView h_noisy = noisy.own(chain_[l - 1], h_below.cols());
    ctx.rng("dtp/noise/", m.graph()[chain_[l - 1]].name).fill_normal(h_noisy, 0, sigma_);
    MutView(h_noisy) += h_below;
    m.net.forward_nodes(ctx, m.registry, regions_[l - 1], noisy);  // f_l(h̃), with the old W

    const Net& g_l = inverse(l);
    const View back = run(ctx, m, g_l, noisy[chain_[l]], ws, 2);
    const Scalar floor = std::max(sigma_, Scalar(0.02));
    const Scalar scale = 1 / (floor * floor * static_cast<Scalar>(back.size()));
    if (g == nullptr) return static_cast<double>(scale * (back - h_noisy).squaredNorm());
    Deltas& deltas = ws.deltas_of(g_l.graph());
    deltas.clear();
    deltas.at(g_l.graph().output(), back.cols()) = 2 * scale * (back - h_noisy);
    g_l.backward(m.registry, ws.acts_of(g_l.graph(), 2), deltas, g);
    return 0;
  }

  const Net& inverse(std::size_t l) const { return *inverses_[l - 1]; }

  static View run(const Ctx& ctx, const Model& m, const Net& net, View x, Workspace& ws, std::size_t set) {
    Activations& acts = ws.acts_of(net.graph(), set);
    net.forward(ctx, m.registry, x, acts);
    return acts[net.graph().output()];
  }

  Scalar target_step_, sigma_;
  std::string inverse_activation_, inverse_init_;
  int pretrain_epochs_, extra_epochs_;
  std::vector<NodeId> chain_;                   // credit points, then the output: h_1 … h_L
  std::vector<std::unique_ptr<Net>> inverses_;  // g_2 … g_L
  std::vector<std::vector<NodeId>> regions_;    // the nodes of f_2 … f_L
};

}  // namespace

RuleEntry dtp() {
  RuleEntry entry;
  entry.name = "dtp";
  entry.family = "target propagation";
  entry.summary = "targets through trained inverses, each layer learns towards its own; needs a chain of layers";
  entry.citation = "Lee et al. 2015 (1412.7525), as in Meulemans et al. 2020 (2006.14331)";
  entry.options = {
      real_option("target-step", 0.2413, 1e-6, 1e6, "step η̂ from the output to its target"),
      real_option("sigma", 0.2675, 0, 1e3, "standard deviation of the noise that inverses are trained with"),
      choice_option("inverse-activation", "tanh", activation_names(), "activation of the inverses"),
      choice_option("inverse-init", "xavier_normal", initializer_names(), "initialiser of the inverses' weights"),
      integer_option("pretrain-epochs", 0, 0, 1000, "epochs in which only inverses learn, ahead of training"),
      integer_option("extra-inverse-epochs", 0, 0, 100, "epochs in which only inverses learn, after each epoch")};
  // Meulemans' values for Fashion-MNIST; his lr of 6.265e-5 is divided by the target step (normalize_lr).
  entry.optimizers = {{"forward", adam(2.5963e-4, 0.9, 0.99, 3.18e-8)},
                      {"inverse", adam(3.660e-4, 0.99, 0.999, 1.36e-6)}};
  entry.make = [](const Options& o) { return std::make_unique<DifferenceTargetPropagation>(o); };
  return entry;
}

}  // namespace strata::rules
