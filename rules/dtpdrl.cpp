// Difference target propagation with the difference reconstruction loss (Meulemans et al., 2006.14331, section 4, eq. 13).
//
//   targets as in dtp. The inverse g_l learns to bring back noise that went on to the output and came down again by the
//   inverses above it, in the way of the targets:
//   h̃_{l−1} = h_{l−1} + σ ε,   h̃_L from it through f_l … f_L,   r_L = h̃_L,   r_{k−1} = h_{k−1} + g_k(r_k) − g_k(h_k)
//   ‖r_{l−1} − h̃_{l−1}‖² / σ², mean over batch and units, gradient in g_l alone
// With it, a target is a Gauss–Newton step on the activations: g_l becomes a damped pseudo-inverse of what lies above.
#include <algorithm>

#include "rules/inverses.hpp"

namespace strata::rules {
namespace {

class DifferenceReconstruction final : public InverseTargetRule {
 public:
  explicit DifferenceReconstruction(const Options& o) : InverseTargetRule(o, "dtpdrl/noise/") {}

 private:
  void target_below(std::size_t l, View target, const Ctx& ctx, const Model& m, Workspace& ws,
                    MutView below) const override {
    come_down(l, target, ctx, m, ws, below);
  }

  void prepare_inverses(const Ctx& ctx, const Model& m, Workspace& ws) const override {
    for (std::size_t l = 2; l <= inverses_.size(); ++l) inverses_.run(l, ctx, m, ws.acts()[inverses_.node(l)], ws, 1);
  }

  double reconstruct(std::size_t l, const Ctx& ctx, const Model& m, Workspace& ws, GradSink* g) const override {
    const std::size_t L = inverses_.size();
    const NodeId below = inverses_.node(l - 1);
    const View h = ws.acts()[below];
    const Index B = h.cols();
    Activations& noisy = ws.acts(1);
    const MutView h_noisy = noisy.own(below, B);
    ctx.rng("dtpdrl/noise/", m.graph()[below].name).fill_normal(h_noisy, 0, inverses_.sigma());
    MutView(h_noisy) += h;
    for (std::size_t k = l; k <= L; ++k) m.net.forward_nodes(ctx.again(), m.registry, inverses_.f(k), noisy);

    // Down to layer l; what g_l gets must stay as it is until its gradient has been taken.
    Activations& r = ws.acts(3);
    r.own(inverses_.node(L), B) = noisy[inverses_.node(L)];
    for (std::size_t k = L; k > l; --k) come_down(k, r[inverses_.node(k)], ctx, m, ws, r.own(inverses_.node(k - 1), B));
    const NodeId node = inverses_.node(l);
    MutView r_l = ws.scratch(m.graph()[node].name, m.graph()[node].units, B);
    r_l = r[node];

    const Net& inverse = inverses_.g(l);
    const NodeId out = inverse.graph().output();
    const View of_r = inverses_.run(l, ctx, m, view(r_l), ws, 2);
    const View of_h = ws.acts_of(inverse.graph(), 1)[out];
    const Scalar sigma = std::max(inverses_.sigma(), Scalar(0.02));
    const Scalar scale = 1 / (sigma * sigma * static_cast<Scalar>(h.size()));
    const auto missed = h + of_r - of_h - h_noisy;
    if (g == nullptr) return static_cast<double>(scale * missed.squaredNorm());
    for (const std::size_t set : {2, 1}) {
      Deltas& deltas = ws.deltas_of(inverse.graph(), set);
      deltas.clear();
      deltas.at(out, B) = (set == 2 ? 2 : -2) * scale * missed;
      inverse.backward(m.registry, ws.acts_of(inverse.graph(), set), deltas, g);
    }
    return 0;
  }

  // r_{l−1} = h_{l−1} + g_l(r_l) − g_l(h_l), the last of them in value set 1.
  void come_down(std::size_t l, View from, const Ctx& ctx, const Model& m, Workspace& ws, MutView below) const {
    const Net& inverse = inverses_.g(l);
    const View of_from = inverses_.run(l, ctx, m, from, ws, 0);
    const View of_h = ws.acts_of(inverse.graph(), 1)[inverse.graph().output()];
    below = ws.acts()[inverses_.node(l - 1)] + of_from - of_h;
  }
};

}  // namespace

RuleEntry dtpdrl() {
  RuleEntry entry;
  entry.name = "dtpdrl";
  entry.family = "target propagation";
  entry.summary = "as dtp, with inverses that learn to bring noise back from the output";
  entry.citation = "Meulemans et al. 2020 (2006.14331)";
  entry.needs = "a chain of layers";
  entry.checked = "one step in torch; Gauss–Newton targets; inverses tend to Jᵀ(JJᵀ + λI)⁻¹";
  entry.numbers = "83.5 %; 10 epochs: 86.9 % (authors' code 86.5)";
  entry.options = inverse_options({.sigma = 0.0843, .pretrain_epochs = 6, .extra_epochs = 1});
  entry.options.insert(entry.options.begin(), target_step_option(0.0866));
  // The paper's values for Fashion-MNIST; its lr of 7.102e-5 is divided by the target step (normalize_lr).
  OptimizerSpec inverse = adam(9.698e-5, 0.99, 0.9, 2.27e-5);
  inverse.weight_decay = 2.14e-5;
  entry.optimizers = {{"forward", adam(8.2009e-4, 0.99, 0.999, 1.64e-8)}, {"inverse", inverse}};
  entry.search = {log_uniform("target-step", 0.01, 1), log_uniform("sigma", 0.03, 0.6)};
  entry.make = [](const Options& o) { return std::make_unique<DifferenceReconstruction>(o); };
  return entry;
}

}  // namespace strata::rules
