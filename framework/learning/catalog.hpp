// The rules a program knows. A value, built explicitly: a program outside the tree adds its own to builtin_catalog().
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "framework/core/catalog.hpp"
#include "framework/learning/options.hpp"
#include "framework/learning/rule.hpp"
#include "framework/learning/search_space.hpp"
#include "framework/optim/optimizer.hpp"

namespace strata {

struct RuleEntry {
  static constexpr const char* kind = "rule";
  std::string name;      ///< "dtp"
  std::string family;    ///< "target propagation"
  std::string summary;   ///< one line: what it does
  std::string citation;  ///< "Lee et al. 2015 (1412.7525)"
  std::vector<OptionSpec> options;
  /// The optimizer of each group the rule trains, "forward" first, good for the default network.
  std::vector<std::pair<std::string, OptimizerSpec>> optimizers;
  std::function<std::unique_ptr<LearningRule>(const Options&)> make;
  std::string needs = {};    ///< of a network or a loss, in a few words; "" if any will do
  std::string checked = {};  ///< what it was checked against, beyond the conformance suite
  std::string numbers = {};  ///< what it reaches, beside a reference where there is one
  /// What `strata tune` draws from: ranges that are sensible by the paper. Empty: search_space() says what.
  std::vector<SearchRange> search = {};
};

/// The options that every entry has besides its own: its groups' optimizers. For the group "forward" they are called
/// lr, optimizer, momentum, beta1, beta2, epsilon, alpha, weight-decay; for another group "<group>-lr" and so on.
std::vector<OptionSpec> optimizer_options(const RuleEntry& entry);

/// A rule with everything decided: what a run is made from.
struct ResolvedRule {
  Options options;
  std::vector<std::pair<std::string, OptimizerSpec>> optimizers;
};

/// `given` holds the rule's own options and those of optimizer_options, by name. When `optimizer` names another than
/// the entry's, what is not given beside it takes that optimizer's defaults, except lr. Throws UsageError on unknown or
/// bad options.
ResolvedRule resolve(const RuleEntry& entry, const std::map<std::string, std::string>& given);

using Catalog = CatalogOf<RuleEntry>;

}  // namespace strata
