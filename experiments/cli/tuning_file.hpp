// What a search leaves behind: the chosen settings as JSON, which `compare --tuned` reads. Every trial: trials_file.hpp.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "experiments/cli/tuning.hpp"

namespace strata::cli {

inline constexpr const char* tuned_schema = "strata-tuned";
inline constexpr int tuned_schema_version = 1;

/// The chosen setting of one rule on one network, and what was spent on the search for it.
struct Tuned {
  std::string rule, network, graph;
  std::map<std::string, std::string> options;  ///< of the rule, by name
  int trial = 0, trials = 0;
  double validation_accuracy = 0, multiply_adds = 0, seconds = 0;
};

/// A search as far as it decides what its settings are good for.
struct TunedFile {
  std::string dataset, checksum, loss, method;
  long long validation = 0, split_seed = 0, epochs = 0, batch = 0, search_seed = 0;
  std::vector<Tuned> tuned;
};

TunedFile tuned_file(const Planner& planner, const TuningSettings& settings, const Tuning& tuning);

/// Throws UsageError if a file that is there already is of another search (data, loss, epochs, method or seed), saying
/// which, or none of these.
void check_tuned_file(const std::filesystem::path& path, const TunedFile& file);
/// By replace_file. What a file that is there already says of other rules and networks stays in it. Throws what
/// check_tuned_file throws; IoError when it cannot be written.
void write_tuned_file(const std::filesystem::path& path, TunedFile file);
/// Throws UsageError, one line, if the file is missing or is none of these.
TunedFile read_tuned_file(const std::filesystem::path& path);

/// The setting for a rule on a network of `planner`. Throws UsageError naming the file if it is of another data set, or
/// has no such rule, network or graph.
const Tuned& tuned_for(const TunedFile& file, const std::string& path, const Planner& planner, std::size_t rule,
                       std::size_t network);

}  // namespace strata::cli
