#pragma once

#include <string>

#include "rules/builtin.hpp"

namespace strata::testing {

/// The entry of a rule that Strata brings.
inline const RuleEntry& builtin(const std::string& name) {
  static const Catalog catalog = builtin_catalog();
  return catalog.at(name);
}

}  // namespace strata::testing
