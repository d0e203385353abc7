// Target propagation (Bengio, 1407.7906; Lee et al., 1412.7525, eq. 8).
//
//   ĥ_{l−1} = g_l(ĥ_l)
// as dtp, without its correction: what the inverse misses is in the target. The rest, from the output's target to the
// training of the inverses: inverses.hpp.
#include "rules/inverses.hpp"

namespace strata::rules {
namespace {

class TargetPropagation final : public InverseTargetRule {
 public:
  explicit TargetPropagation(const Options& o)
      : InverseTargetRule(o, "tp/noise/", o.text("last-target") == "gradient") {}

 private:
  void target_below(std::size_t l, View target, const Ctx& ctx, const Model& m, Workspace& ws,
                    MutView below) const override {
    below = inverses_.run(l, ctx, m, target, ws, 0);
  }
};

}  // namespace

RuleEntry tp() {
  RuleEntry entry;
  entry.name = "tp";
  entry.family = "target propagation";
  entry.summary = "targets through trained inverses, without the correction of dtp";
  entry.citation = "Bengio 2014 (1407.7906)";
  entry.needs = "a chain of layers";
  entry.checked = "Gauss–Newton targets of exact inverses";
  entry.numbers = "70.6 %";
  entry.options = inverse_options({.sigma = 0, .pretrain_epochs = 4});
  entry.options.insert(entry.options.begin(), {target_step_option(500), last_target_option("gradient")});
  // The best of a dozen on validation after two epochs of the default network, one seed.
  entry.optimizers = {{"forward", adam(1e-5)}, {"inverse", adam(1e-3)}};
  entry.search = {log_uniform("target-step", 20, 5000)};
  entry.make = [](const Options& o) { return std::make_unique<TargetPropagation>(o); };
  return entry;
}

}  // namespace strata::rules
