// From options to runs: what exactly each run of a grid trains, decided before anything is trained or written.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "experiments/cli/cli.hpp"
#include "experiments/cli/values.hpp"
#include "framework/analysis/snapshot.hpp"
#include "framework/graph/graph.hpp"
#include "framework/learning/trainer.hpp"

namespace strata::cli {

/// One run: everything that decides its numbers, and where it is kept.
struct RunPlan {
  std::string rule, network;
  std::int32_t seed = 0;
  GraphSpec graph;
  std::string loss;
  ResolvedRule resolved;
  TrainSettings settings;
  AnalysisSettings analysis;
  std::vector<int> snapshots;     ///< epochs at which it is analysed, ascending; empty = never
  nlohmann::ordered_json config;  ///< resolved: enough to run it again; the hash covers it, epochs aside
  std::string hash;               ///< 8 hex digits
  std::string unsupported;        ///< why the rule cannot train this network; "" if it can
  nlohmann::ordered_json start = nlohmann::ordered_json::object();  ///< what it starts from, for /provenance
  double cost = 1;  ///< rough multiply-adds of the whole run, to order runs by and to guess how long

  /// The hash of what the config has become.
  void rehash();
  std::string stem() const;  ///< "<rule>-<network>-s<seed>-<hash>"
};

/// A grid of runs over one data set.
struct Plan {
  Dataset data;
  Split split;
  std::vector<std::string> rules, networks;
  std::vector<std::int32_t> seeds;
  std::vector<RunPlan> runs;  ///< network by network, rule by rule, seed by seed
};

/// Options that describe networks, training and data; `run` and `compare` add their own.
std::vector<OptionDef> network_options();
std::vector<OptionDef> training_options();
OptionDef data_option();  ///< --data alone
std::vector<OptionDef> data_options();
std::vector<OptionDef> analysis_options();
/// `own`, and the four above as the help groups them.
std::vector<OptionGroup> grid_options(std::vector<OptionDef> own);

/// What analysis_options say; the targets are sampled. Throws UsageError.
AnalysisSettings analysis_settings(const Values& values, Index validation_examples);

/// Throws UsageError if no layer of the net has k hidden neurons before it, naming how many the last one has.
void check_k(int k, const Neurons& neurons);

/// "<rule>.<option>" for every rule of the catalog.
std::vector<std::string> rule_option_names(const Catalog& rules);

/// Loads the data and decides every run. Throws InputError on whatever cannot be done; a rule that cannot train a
/// network is no error here but RunPlan::unsupported.
Plan make_plan(const Program& program, const Values& values, std::vector<std::string> rules,
               std::vector<std::string> networks, std::vector<std::int32_t> seeds);

}  // namespace strata::cli
