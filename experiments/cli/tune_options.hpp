// What `tune` and `compare --tune` share: the options of a search, and the search itself into a folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/cli/text.hpp"
#include "experiments/cli/tuning_file.hpp"

namespace strata::cli {

/// How to search, besides the number of trials.
std::vector<OptionDef> search_options();

/// What search_options say; `trials_option` holds the number of trials. Throws UsageError.
TuningSettings tuning_settings(const Program& program, const Values& values, const std::string& trials_option,
                               const std::vector<std::string>& rules);

/// What a search would do: for --dry-run.
Table tuning_plan_table(const Tuning& tuning);

/// What was chosen, and what was spent on it.
Table tuned_table(const std::vector<Tuned>& tuned);
nlohmann::ordered_json to_json(const std::vector<Tuned>& tuned);

/// Searches into `folder`: runs/, trials.h5, tuned.json. `tuning` is left as far as it came.
TunedFile search_into(const std::filesystem::path& folder, const Program& program, const Planner& planner,
                      const TuningSettings& settings, const RunnerSettings& runner, Tuning& tuning);

/// The settings of `file` for the planner's rules and networks, in the order of make_plan; what is given for a rule wins.
/// Throws what tuned_for throws (`path`: the file, for messages); a rule for which the search found none is left out.
std::vector<RunChange> chosen_settings(const TunedFile& file, const std::string& path, const Planner& planner,
                                       const Tuning& tuning = {});

/// A line for each rule and network without a setting: why.
std::vector<std::string> without_setting(const Tuning& tuning);

}  // namespace strata::cli
