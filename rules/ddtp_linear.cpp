// Direct difference target propagation with linear feedback (Meulemans et al., 2006.14331, section 4).
//
//   ĥ_L = h_L − η̂ ∂L/∂h_L,   ĥ_l = h_l + Q_l (ĥ_L − h_L)   straight from the output, Q_l units × outputs
//   layer loss   ‖h_l − ĥ_l‖², mean over the batch, gradient through the layer alone
//   Q_l          difference reconstruction loss: h̃_l = h_l + σ ε, h̃_L from it by a forward pass,
//                ‖h_l + Q_l (h̃_L − h_L) − h̃_l‖² / σ², mean over batch and units
// In a linear net Q_l tends to Jᵀ(JJᵀ + λI)⁻¹, J = ∂h_L/∂h_l and λ the weight decay of Q over the mean's weight. Skips are
// fine: a noisy value goes on by all ways.
#include <algorithm>

#include "framework/parallel/gemm.hpp"
#include "rules/direct.hpp"
#include "rules/inverses.hpp"

namespace strata::rules {
namespace {

class DirectDifferenceTargetPropagation final : public LearningRule {
 public:
  explicit DirectDifferenceTargetPropagation(const Options& o)
      : target_step_(static_cast<Scalar>(o.real("target-step"))), sigma_(static_cast<Scalar>(o.real("sigma"))),
        init_(initializer(o.text("inverse-init"))), pretrain_epochs_(o.integer("pretrain-epochs")),
        extra_epochs_(o.integer("extra-inverse-epochs")) {}

  Traits traits() const override { return {.groups = {"forward", "inverse"}}; }

  void prepare(const Net& net, const Loss&, Registry& registry) override {
    const Graph& graph = net.graph();
    for (const NodeId point : graph.credit_points()) {
      inverses_.push_back(registry.add("inverse/" + graph[point].name + ".weight", "inverse", graph[point].units,
                                       graph[graph.output()].units, init_));
      behind_.push_back(graph.after(point));
    }
  }

  Schedule schedule() const override { return joint_schedule(pretrain_epochs_, extra_epochs_); }

  void compute(const Phase& phase, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    const View e = output_error(ctx, m, batch, ws.acts(), ws.deltas());
    if (phase.name == "joint") {
      // 2(h − ĥ)/B is 2/B · η̂ · e at the output, 2/B · η̂ · Q_l e at a point.
      const Scalar scale = 2 * target_step_ / static_cast<Scalar>(batch.size());
      send_direct(m, inverses_, e, ws.deltas(), scale);
      ws.deltas().at(m.graph().output(), batch.size()) *= scale;
      m.net.backward(m.registry, ws.acts(), ws.deltas(), &g, {.stop_at_credit_points = true});
    }
    for (std::size_t l = 0; l < inverses_.size(); ++l) reconstruct(l, ctx, m, ws, &g);
  }

  void probe(const Model& m, const Batch& batch, Workspace& ws, ProbeSink& sink) const override {
    Ctx ctx;
    ctx.mode = Mode::evaluate;
    m.net.forward(ctx, m.registry, batch.x, ws.acts());
    const auto& points = m.graph().credit_points();
    for (const NodeId layer : m.graph().layers()) {
      const auto at = std::find(points.begin(), points.end(), m.graph().neuron(layer));
      if (at == points.end()) continue;
      sink.report("reconstruction_loss", layer,
                  reconstruct(static_cast<std::size_t>(at - points.begin()), ctx, m, ws, nullptr));
    }
  }

 private:
  // The difference reconstruction loss of point l; its gradient goes to `g` unless null.
  double reconstruct(std::size_t l, const Ctx& ctx, const Model& m, Workspace& ws, GradSink* g) const {
    const NodeId point = m.graph().credit_points()[l], L = m.graph().output();
    const View h = ws.acts()[point];
    const Index B = h.cols();
    Activations& noisy = ws.acts(1);
    for (NodeId node = 0; node < m.graph().size(); ++node) noisy.set(node, ws.acts()[node]);
    const MutView h_noisy = noisy.own(point, B);
    ctx.rng("ddtp_linear/noise/", m.graph()[point].name).fill_normal(h_noisy, 0, sigma_);
    MutView missed = ws.scratch("missed", h.rows(), B);
    missed = -h_noisy;
    MutView(h_noisy) += h;
    m.net.forward_nodes(ctx.again(), m.registry, behind_[l], noisy);

    MutView change = ws.scratch("change", noisy[L].rows(), B);
    change = noisy[L] - ws.acts()[L];
    gemm(Op::none, view(m.registry.value(inverses_[l])), Op::none, view(change), missed, 1, 1);  // Q (h̃_L − h_L) − σ ε
    const Scalar sigma = std::max(sigma_, Scalar(0.02));
    const Scalar scale = 1 / (sigma * sigma * static_cast<Scalar>(h.size()));
    if (g == nullptr) return static_cast<double>(scale * view(missed).squaredNorm());
    const MutView gradient = ws.scratch("gradient", h.rows(), change.rows());
    gemm(Op::none, view(missed), Op::transposed, view(change), gradient, 2 * scale);
    g->add(inverses_[l], view(gradient));
    return 0;
  }

  Scalar target_step_, sigma_;
  Initializer init_;
  int pretrain_epochs_, extra_epochs_;
  std::vector<ParamId> inverses_;            // Q of every credit point
  std::vector<std::vector<NodeId>> behind_;  // the nodes that depend on it, in topological order
};

}  // namespace

RuleEntry ddtp_linear() {
  RuleEntry entry;
  entry.name = "ddtp_linear";
  entry.family = "target propagation";
  entry.summary = "targets straight from the output through linear inverses that learn to bring noise back";
  entry.citation = "Meulemans et al. 2020 (2006.14331)";
  entry.checked = "one step in torch; inverses tend to Jᵀ(JJᵀ + λI)⁻¹";
  entry.numbers = "84.4 %; 10 epochs: 87.1 % (authors' code 86.8)";
  entry.options = {
      target_step_option(0.01725),
      real_option("sigma", 0.0986, 0, 1e3, "standard deviation of the noise that inverses are trained with"),
      choice_option("inverse-init", "xavier_normal", initializer_names(), "initialiser of the inverses' weights"),
      integer_option("pretrain-epochs", 6, 0, 1000, "epochs in which only inverses learn, ahead of training"),
      integer_option("extra-inverse-epochs", 1, 0, 100, "epochs in which only inverses learn, after each epoch")};
  // The paper's values for Fashion-MNIST; its lr of 8.704e-6 is divided by the target step (normalize_lr).
  OptimizerSpec inverse = adam(7.959e-4, 0.99, 0.9, 3.11e-8);
  inverse.weight_decay = 5.78e-6;
  entry.optimizers = {{"forward", adam(5.0458e-4, 0.99, 0.99, 1.73e-8)}, {"inverse", inverse}};
  entry.search = {log_uniform("target-step", 0.003, 0.3), log_uniform("sigma", 0.03, 0.6)};
  entry.make = [](const Options& o) { return std::make_unique<DirectDifferenceTargetPropagation>(o); };
  return entry;
}

}  // namespace strata::rules
