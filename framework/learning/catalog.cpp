#include "framework/learning/catalog.hpp"

#include <algorithm>

#include "framework/core/errors.hpp"

namespace strata {
namespace {

std::string prefix_of(const std::string& group) { return group == "forward" ? "" : group + "-"; }

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  for (const auto& info : optimizer_catalog()) names.push_back(info.name);
  return names;
}

std::vector<OptionSpec> optimizer_options(const std::string& group, const OptimizerSpec& d) {
  const std::string p = prefix_of(group);
  const std::string of = cat(" of the group ", group);
  return {choice_option(p + "optimizer", d.name, optimizer_names(), "optimizer" + of),
          real_option(p + "lr", d.lr, 0, 1e6, "learning rate" + of),
          real_option(p + "momentum", d.momentum, 0, 1, "momentum" + of),
          real_option(p + "beta1", d.beta1, 0, 1, "decay of the first moment" + of),
          real_option(p + "beta2", d.beta2, 0, 1, "decay of the second moment" + of),
          real_option(p + "epsilon", d.epsilon, 0, 1, "denominator's floor" + of),
          real_option(p + "alpha", d.alpha, 0, 1, "RMSprop's decay" + of),
          real_option(p + "weight-decay", d.weight_decay, 0, 1e3, "weight decay" + of)};
}

}  // namespace

std::vector<OptionSpec> optimizer_options(const RuleEntry& entry) {
  std::vector<OptionSpec> all;
  for (const auto& [group, spec] : entry.optimizers) {
    for (auto& option : optimizer_options(group, spec)) all.push_back(std::move(option));
  }
  return all;
}

ResolvedRule resolve(const RuleEntry& entry, const std::map<std::string, std::string>& given) {
  std::map<std::string, std::string> own;
  std::map<std::string, std::string> optimizer;
  const auto declared = optimizer_options(entry);
  std::vector<std::string> known;
  for (const auto& o : entry.options) known.push_back(o.name);
  for (const auto& o : declared) known.push_back(o.name);
  for (const auto& [name, value] : given) {
    const auto named = [&name = name](const OptionSpec& o) { return o.name == name; };
    if (std::any_of(declared.begin(), declared.end(), named)) {
      optimizer[name] = value;
    } else if (std::any_of(entry.options.begin(), entry.options.end(), named)) {
      own[name] = value;
    } else {
      throw UsageError(
          cat("--", entry.name, ".", name, ": ", unknown_name("option of rule '" + entry.name + "'", name, known)));
    }
  }
  ResolvedRule resolved{Options(entry.name, entry.options, own), {}};
  for (const auto& [group, fallback] : entry.optimizers) {
    const std::string p = prefix_of(group);
    OptimizerSpec base = fallback;
    if (const auto chosen = optimizer.find(p + "optimizer"); chosen != optimizer.end() && chosen->second != base.name) {
      const auto names = optimizer_names();
      if (std::find(names.begin(), names.end(), chosen->second) == names.end()) {
        throw UsageError(
            cat("--", entry.name, ".", p, "optimizer: ", unknown_name("optimizer", chosen->second, names)));
      }
      base = default_optimizer(chosen->second);
      base.lr = fallback.lr;
    }
    std::map<std::string, std::string> of_group;
    const auto specs = optimizer_options(group, base);
    for (const auto& s : specs) {
      if (const auto found = optimizer.find(s.name); found != optimizer.end()) of_group.insert(*found);
    }
    const Options o(entry.name, specs, of_group);
    OptimizerSpec spec = base;
    spec.name = o.text(p + "optimizer");
    spec.lr = o.real(p + "lr");
    spec.momentum = o.real(p + "momentum");
    spec.beta1 = o.real(p + "beta1");
    spec.beta2 = o.real(p + "beta2");
    spec.epsilon = o.real(p + "epsilon");
    spec.alpha = o.real(p + "alpha");
    spec.weight_decay = o.real(p + "weight-decay");
    validate(spec);
    resolved.optimizers.emplace_back(group, spec);
  }
  return resolved;
}

}  // namespace strata
