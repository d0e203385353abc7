#include "rules/inverses.hpp"

#include <algorithm>

namespace strata::rules {

std::vector<OptionSpec> inverse_options(const InverseDefaults& d) {
  return {real_option("sigma", d.sigma, 0, 1e3, "standard deviation of the noise that inverses are trained with"),
          choice_option("inverse-activation", d.activation, activation_names(), "activation of the inverses"),
          choice_option("inverse-init", "xavier_normal", initializer_names(), "initialiser of the inverses' weights"),
          integer_option("pretrain-epochs", d.pretrain_epochs, 0, 1000,
                         "epochs in which only inverses learn, ahead of training"),
          integer_option("extra-inverse-epochs", d.extra_epochs, 0, 100,
                         "epochs in which only inverses learn, after each epoch")};
}

Inverses::Inverses(const Options& o)
    : sigma_(static_cast<Scalar>(o.real("sigma"))), activation_(o.text("inverse-activation")),
      init_(o.text("inverse-init")), pretrain_epochs_(o.integer("pretrain-epochs")),
      extra_epochs_(o.integer("extra-inverse-epochs")) {}

void Inverses::prepare(const Net& net, Registry& registry, bool with_output) {
  const Graph& graph = net.graph();
  chain_ = graph.credit_points();
  chain_.push_back(graph.output());
  for (std::size_t l = 2; l <= chain_.size(); ++l) {
    const Node& above = graph[node(l)];
    const Node& below = graph[node(l - 1)];
    const GraphSpec g{
        {above.units},
        {{"dense", "dense", {"input"}, {{"units", below.units}, {"init", init_}}}, {"undo", activation_, {"dense"}}},
        "undo"};
    if (with_output || l < chain_.size()) {
      nets_.push_back(std::make_unique<Net>(Graph(g), registry, "inverse/" + above.name + "/", "inverse"));
    }
    regions_.push_back(graph.region(node(l)));
  }
}

Schedule joint_schedule(int pretrain_epochs, int extra_epochs) {
  const Phase joint{"joint", {"forward", "inverse"}};
  const Phase inverse{"inverse", {"inverse"}};
  Schedule s;
  if (pretrain_epochs > 0) s.before.push_back({"pretrain inverses", pretrain_epochs, {inverse}});
  s.epoch.push_back({"train", 1, {joint}});
  if (extra_epochs > 0) s.epoch.push_back({"train inverses", extra_epochs, {inverse}});
  return s;
}

View Inverses::run(std::size_t l, const Ctx& ctx, const Model& m, View h, Workspace& ws, std::size_t set) const {
  Activations& acts = ws.acts_of(g(l).graph(), set);
  g(l).forward(ctx, m.registry, h, acts);
  return acts[g(l).graph().output()];
}

double Inverses::reconstruct(std::size_t l, const char* stream, const Ctx& ctx, const Model& m, Workspace& ws,
                             GradSink* gradients) const {
  const View h_below = ws.acts()[node(l - 1)];
  Activations& noisy = ws.acts(1);
  const MutView h_noisy = noisy.own(node(l - 1), h_below.cols());
  ctx.rng(stream, m.graph()[node(l - 1)].name).fill_normal(h_noisy, 0, sigma_);
  MutView(h_noisy) += h_below;
  m.net.forward_nodes(ctx.again(), m.registry, f(l), noisy);  // f_l(h̃), with the old W

  const View back = run(l, ctx, m, noisy[node(l)], ws, 2);
  const Scalar floor = std::max(sigma_, Scalar(0.02));
  const Scalar scale = 1 / (floor * floor * static_cast<Scalar>(back.size()));
  if (gradients == nullptr) return static_cast<double>(scale * (back - h_noisy).squaredNorm());
  Deltas& deltas = ws.deltas_of(g(l).graph());
  deltas.clear();
  deltas.at(g(l).graph().output(), back.cols()) = 2 * scale * (back - h_noisy);
  g(l).backward(m.registry, ws.acts_of(g(l).graph(), 2), deltas, gradients);
  return 0;
}

OptionSpec target_step_option(double fallback) {
  return real_option("target-step", fallback, 1e-6, 1e6, "step η̂ from the output to its target");
}

OptionSpec last_target_option(const std::string& fallback) {
  return choice_option("last-target", fallback, {"inverse", "gradient"},
                       "the last hidden layer's: through the output's inverse, or a step along the gradient");
}

InverseTargetRule::InverseTargetRule(const Options& o, const char* noise, bool last_by_gradient)
    : inverses_(o), target_step_(static_cast<Scalar>(o.real("target-step"))), last_by_gradient_(last_by_gradient),
      noise_(noise) {}

void InverseTargetRule::prepare(const Net& net, const Loss&, Registry& registry) {
  inverses_.prepare(net, registry, !last_by_gradient_);
}

void InverseTargetRule::compute(const Phase& phase, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
                                GradSink& g) const {
  const View e = output_error(ctx, m, batch, ws.acts(), ws.deltas());
  const std::size_t L = inverses_.size();
  prepare_inverses(ctx, m, ws);
  if (phase.name == "joint") {
    const Activations& h = ws.acts();
    Activations& target = ws.acts(2);
    const Index B = e.cols();
    target.own(inverses_.node(L), B) = h[inverses_.node(L)] - target_step_ * e;
    if (last_by_gradient_) last_from_gradient(m, e, ws);
    for (std::size_t l = inverses_.top(); l >= 2; --l) {
      target_below(l, target[inverses_.node(l)], ctx, m, ws, target.own(inverses_.node(l - 1), B));
    }
    const Scalar two_over_B = Scalar(2) / static_cast<Scalar>(B);
    for (const NodeId l : inverses_.chain()) ws.deltas().at(l, B) = two_over_B * (h[l] - target[l]);
    m.net.backward(m.registry, ws.acts(), ws.deltas(), &g, {.stop_at_credit_points = true});
  }
  for (std::size_t l = inverses_.top(); l >= 2; --l) reconstruct(l, ctx, m, ws, &g);
}

// ĥ_{L−1} = h_{L−1} − η̂ ∂L/∂h_{L−1}
void InverseTargetRule::last_from_gradient(const Model& m, View e, Workspace& ws) const {
  const std::size_t L = inverses_.size();
  if (L < 2) return;
  Deltas& deltas = ws.deltas(1);
  deltas.clear();
  deltas.at(inverses_.node(L), e.cols()) = e;
  const auto& region = inverses_.f(L);
  for (auto node = region.rbegin(); node != region.rend(); ++node) {
    m.net.pull_back_node(m.registry, *node, ws.acts(), deltas, {});
  }
  const NodeId last = inverses_.node(L - 1);
  const View h = ws.acts()[last];
  ws.acts(2).own(last, h.cols()) = h - target_step_ * deltas[last];
}

double InverseTargetRule::reconstruct(std::size_t l, const Ctx& ctx, const Model& m, Workspace& ws, GradSink* g) const {
  return inverses_.reconstruct(l, noise_, ctx, m, ws, g);
}

void InverseTargetRule::probe(const Model& m, const Batch& batch, Workspace& ws, ProbeSink& sink) const {
  Ctx ctx;
  ctx.mode = Mode::evaluate;
  m.net.forward(ctx, m.registry, batch.x, ws.acts());
  prepare_inverses(ctx, m, ws);
  const auto& chain = inverses_.chain();
  for (const NodeId layer : m.graph().layers()) {
    const auto at = std::find(chain.begin(), chain.end(), m.graph().neuron(layer)) - chain.begin();
    if (at >= 1 && static_cast<std::size_t>(at) < inverses_.top()) {
      sink.report("reconstruction_loss", layer, reconstruct(static_cast<std::size_t>(at) + 1, ctx, m, ws, nullptr));
    }
  }
}

}  // namespace strata::rules
