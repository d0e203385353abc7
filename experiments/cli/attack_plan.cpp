#include "experiments/cli/attack_plan.hpp"

#include <algorithm>
#include <cmath>

#include "experiments/cli/text.hpp"
#include "framework/attacks/deepfool.hpp"
#include "framework/attacks/noise.hpp"
#include "framework/attacks/square.hpp"
#include "framework/core/errors.hpp"
#include "framework/learning/options.hpp"

namespace strata::cli {
namespace {

Model model_of(const TrainedNet& net) { return {net.net(), net.loss(), net.registry()}; }

}  // namespace

const std::vector<std::string>& attack_names() {
  static const std::vector<std::string> names{"fgsm",        "pgd",      "momentum-pgd", "apgd",
                                              "apgd-margin", "feedback", "transfer",     "square",
                                              "gaussian",    "uniform",  "deepfool"};
  return names;
}

std::vector<OptionDef> attack_setting_options() {
  std::vector<std::string> names{"all"};
  names.insert(names.end(), attack_names().begin(), attack_names().end());
  return {{"norm", "linf", "NAME", "how far is measured", {.names = {"linf", "l2"}}},
          {"epsilon", "", "N,…",
           "radii, in units of the inputs; by default 0,0.01,0.025,0.05,0.1, under l2 0,0.25,0.5,1,2"},
          {"attacks", "all", "NAME,…", "all, or some of the attacks below", {.names = names}},
          {"steps", "40", "N", "of attacks along a gradient"},
          {"restarts", "1", "N", "of attacks from random starts"},
          {"queries", "1000", "N", "of the attack that asks for scores alone"},
          {"draws", "10", "N", "of random noise"},
          {"examples", "1000", "N", "test examples; or all"},
          {"seed", "0", "N", "of random starts, queries and noise"}};
}

AttackSettings attack_settings(const Values& values) {
  AttackSettings s;
  s.table.norm = parse_norm(values.text("norm"));
  if (values.given("epsilon")) {
    for (const std::string& item : values.list("epsilon")) {
      const double e = parse_real("--epsilon", item);
      if (!(e >= 0 && std::isfinite(e))) {
        throw UsageError(cat("--epsilon ", item, ": expected finite numbers, 0 or larger"));
      }
      if (!s.table.epsilons.empty() && e <= s.table.epsilons.back()) {
        throw UsageError(cat("--epsilon ", values.text("epsilon"), ": expected ascending numbers, each once"));
      }
      s.table.epsilons.push_back(e);
    }
    if (s.table.epsilons.empty()) throw UsageError("--epsilon: expected at least one number");
  } else if (s.table.norm == Norm::linf) {
    s.table.epsilons = {0, 0.01, 0.025, 0.05, 0.1};
  } else {
    s.table.epsilons = {0, 0.25, 0.5, 1, 2};
  }
  s.attacks = values.text("attacks") == "all" ? attack_names() : values.list("attacks");
  for (const std::string& name : s.attacks) {
    const auto& known = attack_names();
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw UsageError(cat("--attacks: ", unknown_name("attack", name, known)));
    }
    if (std::count(s.attacks.begin(), s.attacks.end(), name) > 1) {
      throw UsageError(cat("--attacks: ", name, " is there twice"));
    }
  }
  if (s.attacks.empty() || s.attacks == std::vector<std::string>{"deepfool"}) {
    throw UsageError("--attacks: expected at least one, besides deepfool, which has no radius");
  }
  s.steps = static_cast<int>(values.integer("steps", 1, 1'000'000));
  s.restarts = static_cast<int>(values.integer("restarts", 1, 1'000'000));
  s.queries = static_cast<int>(values.integer("queries", 1, 100'000'000));
  s.draws = static_cast<int>(values.integer("draws", 1, 1'000'000));
  s.examples = values.text("examples") == "all" ? 0 : values.integer("examples", 1, 1'000'000'000);
  s.seed = static_cast<std::uint64_t>(values.integer("seed", 0, 2'147'483'647));
  return s;
}

Victim::Victim(const TrainedNet& net, const TrainedNet* surrogate, const Shape& image)
    : decision_(model_of(net), net.rule()), feedback_(model_of(net), net.rule()), image_(image) {
  if (surrogate != nullptr) surrogate_ = std::make_unique<TrueOracle>(model_of(*surrogate), surrogate->rule());
}

std::vector<NamedAttack> Victim::attacks(const AttackSettings& s, const Batch& probe,
                                         std::vector<std::string>& left_out) {
  Matrix scores(probe.classes(), probe.size()), dx(probe.x.rows(), probe.size());
  const auto has = [&](Oracle& oracle) {
    return oracle.gradient(probe, AttackLoss::cross_entropy, mut_view(scores), mut_view(dx));
  };
  const bool gradient = has(decision_), feedback = has(feedback_);
  std::vector<NamedAttack> all;
  std::string without_gradient;
  const auto climbing = [&](const std::string& name, Path path, Oracle& oracle, Climb how, bool automatic = false) {
    all.push_back({name, path, [&oracle, how, automatic, seed = s.seed](const Batch& batch, const Region& region) {
                     return automatic ? auto_climb(oracle, batch, region, how, seed)
                                      : climb(oracle, batch, region, how, seed);
                   }});
  };
  const Climb pgd = Climb::pgd(s.steps, s.restarts);
  for (const std::string& name : s.attacks) {
    if (name == "deepfool") continue;  // no attack within a radius: distances()
    const bool white =
        name == "fgsm" || name == "pgd" || name == "momentum-pgd" || name == "apgd" || name == "apgd-margin";
    if (white && !gradient) {
      without_gradient += cat(without_gradient.empty() ? "" : ", ", name);
    } else if (name == "fgsm") {
      climbing(name, Path::gradient, decision_, Climb::fgsm());
    } else if (name == "pgd") {
      climbing(name, Path::gradient, decision_, pgd);
    } else if (name == "momentum-pgd") {
      Climb how = Climb::momentum_pgd(s.steps);
      how.restarts = s.restarts;
      climbing(name, Path::gradient, decision_, how);
    } else if (name == "apgd" || name == "apgd-margin") {
      Climb how = pgd;
      if (name == "apgd-margin") how.loss = AttackLoss::margin;
      climbing(name, Path::gradient, decision_, how, true);
    } else if (name == "feedback") {
      if (feedback) climbing(name, Path::feedback, feedback_, pgd);
      else left_out.emplace_back("feedback: the rule has no feedback path to the input");
    } else if (name == "transfer") {
      Climb how = pgd;
      how.keep = Keep::last;
      if (surrogate_ != nullptr) climbing(name, Path::transfer, *surrogate_, how);
      else left_out.emplace_back("transfer: no --surrogate");
    } else if (name == "square") {
      all.push_back({name, Path::query, [this, s](const Batch& batch, const Region& region) {
                       return square(decision_, batch, region, image_, {.queries = s.queries}, s.seed);
                     }});
    } else {
      const NoiseKind kind = name == "gaussian" ? NoiseKind::gaussian : NoiseKind::uniform;
      all.push_back({name, Path::noise, [this, kind, s](const Batch& batch, const Region& region) {
                       return noise(decision_, batch, region, {.kind = kind, .draws = s.draws}, s.seed);
                     }});
    }
  }
  if (!without_gradient.empty()) left_out.push_back(cat(without_gradient, ": the decision has no gradient"));
  return all;
}

std::vector<double> Victim::distances(const Examples& examples, Index classes, const RobustnessSettings& settings) {
  std::vector<double> all;
  for_parts(examples, classes, settings, [&](const Batch& batch) {
    const auto distance = deepfool(decision_, batch).distance;
    all.insert(all.end(), distance.begin(), distance.end());
  });
  return all;
}

}  // namespace strata::cli
