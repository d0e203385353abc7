// The attacks by name, and the options that say how they are made: of `strata attack`, and of runs that are attacked as they
// are analysed (there the options begin with "attack-").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "experiments/cli/values.hpp"
#include "framework/attacks/robustness.hpp"

namespace strata::cli {

struct AttackSettings {
  RobustnessSettings table;
  std::vector<std::string> attacks;  ///< of attack_names()
  int steps = 40, restarts = 1, queries = 1000, draws = 10;
  Index examples = 1000;  ///< 0: all
  Index keep = 0;         ///< adversarial examples that are kept: of the first so many
  std::uint64_t seed = 0;
};

/// What --attacks takes, in the order of the table.
const std::vector<std::string>& attack_names();
/// What an attack of that name knows; nullopt of deepfool, which has no radius, and of names that are none.
std::optional<Path> path_of(const std::string& attack);

std::vector<OptionDef> attack_setting_options();
/// Throws UsageError on what makes no sense, naming the option.
AttackSettings attack_settings(const Values& values);

/// The same with "attack-" ahead of their names, but for --attacks itself, which is none by default.
std::vector<OptionDef> analysis_attack_options();
/// Without attacks if --attacks is none; then any other of the options is refused.
AttackSettings analysis_attack_settings(const Values& values);

}  // namespace strata::cli
