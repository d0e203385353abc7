// Difference target propagation (Lee, Zhang, Fischer & Bengio, 1412.7525), in the form of Meulemans et al. (2006.14331).
//
//   ĥ_{l−1} = h_{l−1} + g_l(ĥ_l) − g_l(h_l)                 (Lee, eq. 15)
// The correction h_{l−1} − g_l(h_l) takes an imperfect inverse's error out of the target. The rest, from the output's target
// to the training of the inverses: inverses.hpp.
#include "rules/inverses.hpp"

namespace strata::rules {
namespace {

class DifferenceTargetPropagation final : public InverseTargetRule {
 public:
  explicit DifferenceTargetPropagation(const Options& o)
      : InverseTargetRule(o, "dtp/noise/", o.text("last-target") == "gradient") {}

 private:
  void target_below(std::size_t l, View target, const Ctx& ctx, const Model& m, Workspace& ws,
                    MutView below) const override {
    const View h = ws.acts()[inverses_.node(l)];
    const View h_below = ws.acts()[inverses_.node(l - 1)];
    const View of_target = inverses_.run(l, ctx, m, target, ws, 0);
    const View of_h = inverses_.run(l, ctx, m, h, ws, 1);
    below = h_below + of_target - of_h;
  }
};

}  // namespace

RuleEntry dtp() {
  RuleEntry entry;
  entry.name = "dtp";
  entry.family = "target propagation";
  entry.summary = "targets through trained inverses, each layer learns towards its own";
  entry.citation = "Lee et al. 2015 (1412.7525), as in Meulemans et al. 2020 (2006.14331)";
  entry.needs = "a chain of layers";
  entry.checked = "one step in torch; Gauss–Newton targets of exact inverses";
  entry.numbers = "82.8 %; 10 epochs: 87.0 % (authors' code 86.6)";
  entry.options = inverse_options({.sigma = 0.2675});
  entry.options.insert(entry.options.begin(), {target_step_option(0.2413), last_target_option("inverse")});
  // Meulemans' values for Fashion-MNIST; his lr of 6.265e-5 is divided by the target step (normalize_lr).
  entry.optimizers = {{"forward", adam(2.5963e-4, 0.9, 0.99, 3.18e-8)},
                      {"inverse", adam(3.660e-4, 0.99, 0.999, 1.36e-6)}};
  entry.search = {log_uniform("target-step", 0.01, 1), log_uniform("sigma", 0.03, 0.6)};
  entry.make = [](const Options& o) { return std::make_unique<DifferenceTargetPropagation>(o); };
  return entry;
}

}  // namespace strata::rules
