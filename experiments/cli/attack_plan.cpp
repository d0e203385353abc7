#include "experiments/cli/attack_plan.hpp"

#include <algorithm>
#include <cmath>

#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"
#include "framework/learning/options.hpp"

namespace strata::cli {
namespace {

const std::string analysis_prefix = "attack-";

constexpr std::pair<const char*, Path> attack_paths[] = {{"fgsm", Path::gradient},         {"pgd", Path::gradient},
                                                         {"momentum-pgd", Path::gradient}, {"apgd", Path::gradient},
                                                         {"apgd-margin", Path::gradient},  {"feedback", Path::feedback},
                                                         {"transfer", Path::transfer},     {"square", Path::query},
                                                         {"gaussian", Path::noise},        {"uniform", Path::noise}};

// `ahead`: of the options' names.
AttackSettings settings_of(const Values& values, const std::string& ahead) {
  const auto option = [&](const char* name) { return ahead + name; };
  AttackSettings s;
  s.table.norm = parse_norm(values.text(option("norm")));
  const std::string epsilon = option("epsilon");
  if (values.given(epsilon)) {
    for (const std::string& item : values.list(epsilon)) {
      const double e = parse_real("--" + epsilon, item);
      if (!(e >= 0 && std::isfinite(e))) {
        throw UsageError(cat("--", epsilon, " ", item, ": expected finite numbers, 0 or larger"));
      }
      if (!s.table.epsilons.empty() && e <= s.table.epsilons.back()) {
        throw UsageError(cat("--", epsilon, " ", values.text(epsilon), ": expected ascending numbers, each once"));
      }
      s.table.epsilons.push_back(e);
    }
    if (s.table.epsilons.empty()) throw UsageError(cat("--", epsilon, ": expected at least one number"));
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
  s.steps = static_cast<int>(values.integer(option("steps"), 1, 1'000'000));
  s.restarts = static_cast<int>(values.integer(option("restarts"), 1, 1'000'000));
  s.queries = static_cast<int>(values.integer(option("queries"), 1, 100'000'000));
  s.draws = static_cast<int>(values.integer(option("draws"), 1, 1'000'000));
  s.examples = values.text(option("examples")) == "all" ? 0 : values.integer(option("examples"), 1, 1'000'000'000);
  s.keep = values.integer(option("keep"), 0, 1'000'000);
  if (s.examples > 0 && s.keep > s.examples) {
    throw UsageError(cat("--", option("keep"), " ", s.keep, ": expected 0 to ", s.examples, ", the examples (--",
                         option("examples"), ")"));
  }
  s.seed = static_cast<std::uint64_t>(values.integer(option("seed"), 0, 2'147'483'647));
  return s;
}

}  // namespace

const std::vector<std::string>& attack_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& [name, path] : attack_paths) all.emplace_back(name);
    all.emplace_back("deepfool");
    return all;
  }();
  return names;
}

std::optional<Path> path_of(const std::string& attack) {
  for (const auto& [name, path] : attack_paths) {
    if (name == attack) return path;
  }
  return std::nullopt;
}

std::vector<OptionDef> attack_setting_options() {
  std::vector<std::string> names{"all"};
  names.insert(names.end(), attack_names().begin(), attack_names().end());
  return {
      {"attacks", "all", "NAME,…", "all, or some of the attacks", {.names = names}},
      {"surrogate", "", "FILE.h5", "a run on the same data, from which examples are carried over", {.files = "*.h5"}},
      {"norm", "linf", "NAME", "how far is measured", {.names = {"linf", "l2"}}},
      {"epsilon", "", "N,…",
       "radii, in units of the inputs; by default 0,0.01,0.025,0.05,0.1, under l2 0,0.25,0.5,1,2"},
      {"steps", "40", "N", "of attacks along a gradient"},
      {"restarts", "1", "N", "of attacks from random starts"},
      {"queries", "1000", "N", "of the attack that asks for scores alone"},
      {"draws", "10", "N", "of random noise"},
      {"examples", "1000", "N", "test examples; or all"},
      {"keep", "0", "N", "keep the adversarial examples of the first N"},
      {"seed", "0", "N", "of random starts, queries and noise"}};
}

AttackSettings attack_settings(const Values& values) { return settings_of(values, ""); }

std::vector<OptionDef> analysis_attack_options() {
  std::vector<OptionDef> options = attack_setting_options();
  for (OptionDef& o : options) {
    if (o.name == "attacks") {
      o.fallback = "none";
      o.known.names.insert(o.known.names.begin(), "none");
      o.help = "at each snapshot: none, all, or some of those of `strata help attack`";
      continue;
    }
    if (o.name == "examples") o.help = "validation examples; or all";
    o.name = analysis_prefix + o.name;
  }
  return options;
}

AttackSettings analysis_attack_settings(const Values& values) {
  if (values.text("attacks") != "none") return settings_of(values, analysis_prefix);
  for (const OptionDef& o : analysis_attack_options()) {
    if (o.name != "attacks" && values.given(o.name)) {
      throw UsageError(cat("--", o.name, ": has no effect without --attacks"));
    }
  }
  return {};
}

}  // namespace strata::cli
