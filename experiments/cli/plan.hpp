// From options to runs: what exactly each run of a grid trains, decided before anything is trained or written.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "experiments/cli/attack_plan.hpp"
#include "experiments/cli/cli.hpp"
#include "experiments/cli/network_plan.hpp"
#include "experiments/cli/values.hpp"
#include "framework/analysis/snapshot.hpp"
#include "framework/graph/graph.hpp"
#include "framework/learning/trainer.hpp"

namespace strata::cli {

class TrainedNet;

/// One run: everything that decides its numbers, and where it is kept.
struct RunPlan {
  std::string rule, network;
  std::int32_t seed = 0;
  GraphSpec graph;
  std::string loss;
  ResolvedRule resolved;
  TrainSettings settings;
  AnalysisSettings analysis;
  std::vector<int> snapshots;  ///< epochs at which it is analysed, ascending; empty = never
  AttackSettings attacks;      ///< at those epochs, on validation examples; without attacks: never
  std::shared_ptr<const TrainedNet>
      surrogate;                  ///< whose adversarial examples are carried over, or null (surrogate.hpp)
  nlohmann::ordered_json config;  ///< resolved: enough to run it again; the hash covers it, epochs aside
  std::string hash;               ///< 8 hex digits
  std::string unsupported;        ///< why the rule cannot train this network; "" if it can
  std::string tuned;              ///< where its hyper-parameters come from, if they were searched for
  bool trial = false;             ///< of a search for hyper-parameters: never sees the test set
  nlohmann::ordered_json start = nlohmann::ordered_json::object();  ///< what it starts from, for /provenance
  double cost = 1;  ///< rough multiply-adds of the whole run, to order runs by and to guess how long

  /// The hash of what the config has become.
  void rehash();
  std::string stem() const;  ///< "<rule>-<network>-s<seed>-<hash>"
};

/// A grid of runs over one data set.
struct Plan {
  std::shared_ptr<const Dataset> data;
  Split split;
  std::vector<std::string> rules, networks;
  std::vector<std::int32_t> seeds;
  std::vector<RunPlan> runs;  ///< network by network, rule by rule, seed by seed
};

/// Options that describe training and data; `run` and `compare` add their own.
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

/// Where a run differs from what the options say.
struct RunChange {
  std::map<std::string, std::string> options = {};  ///< of the rule, by their names
  bool trial = false;                               ///< RunPlan::trial, and nothing is analysed
  std::string tuned = {};                           ///< where the options come from, for the record
  std::string unsupported = {};                     ///< why there is no such run
};

/// Decides runs one at a time, over data that are read once.
class Planner {
 public:
  /// Throws InputError on whatever cannot be done. `values` need not declare analysis_options: then nothing is analysed.
  Planner(const Program& program, const Values& values, std::vector<std::string> rules,
          std::vector<std::string> networks);

  /// The run of the rule and the network of these numbers, with seed 0. A rule that cannot train the network is no error
  /// but RunPlan::unsupported.
  RunPlan run(std::size_t rule, std::size_t network, const RunChange& change = {}) const;

  /// What was given for a rule, by the option's name: for all rules (--lr) or for it alone (--dtp.sigma).
  const std::map<std::string, std::string>& given(std::size_t rule) const { return given_[rule]; }
  const Graph& graph(std::size_t network) const { return graphs_[network]; }
  const TrainSettings& settings() const { return settings_; }
  std::string loss() const { return loss_->name(); }
  long long split_seed() const { return split_seed_; }

  /// Data and names, without runs.
  Plan plan() const;

 private:
  const Program& program_;
  std::vector<std::string> rules_, networks_;              // networks as slugs
  std::vector<std::map<std::string, std::string>> given_;  // by rule
  std::vector<std::vector<std::string>> excepted_;         // rules, by network
  TrainSettings settings_;
  AnalysisSettings analysis_;
  AttackSettings attacks_;
  std::string snapshots_;  // as given
  std::vector<int> snapshot_epochs_;
  std::unique_ptr<Loss> loss_;
  std::shared_ptr<const Dataset> data_;
  Split split_;
  long long split_seed_;
  std::vector<Graph> graphs_;
};

/// The same run with another seed, or for more or fewer epochs.
RunPlan with_seed(RunPlan run, std::int32_t seed);
RunPlan with_epochs(RunPlan run, int epochs);

/// Every rule on every network with every seed, in the order of Plan::runs. `changes`: none, or one for each rule on each
/// network, network by network.
Plan make_plan(const Planner& planner, std::vector<std::int32_t> seeds, const std::vector<RunChange>& changes = {});

}  // namespace strata::cli
