// The search for hyper-parameters: the same effort for every rule, judged by validation alone.
//
// Random search (Bergstra & Bengio, JMLR 13, 2012), whole or by successive halving (Jamieson & Talwalkar, 1502.07943;
// rungs as in ASHA, Li et al., 1810.05934): all trials train to the first rung's epochs, the best 1/reduction of them to the
// next one's, and so on. A rung is decided when all of its trials are in, which costs idle cores at its end and makes the
// outcome independent of threads and of the order in which trials end.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "experiments/cli/plan.hpp"
#include "experiments/cli/runner.hpp"
#include "framework/learning/search_space.hpp"

namespace strata::cli {

struct TuningSettings {
  int trials = 16;           ///< of each rule on each network, unless multiply_adds > 0
  double multiply_adds = 0;  ///< instead: as many trials as fit into so many, for each rule on each network
  bool halving = true;
  int reduction = 3;  ///< a rung keeps one trial in so many
  int rungs = 0;      ///< 0: as many as trials and epochs allow
  std::int32_t seed = 0;
  std::map<std::string, std::map<std::string, SearchRange>> ranges;  ///< rule → option → instead of the entry's range
};

/// Epochs of the rungs, ascending, the last is `epochs`; and how many of the trials train to each.
struct Rungs {
  std::vector<int> epochs;
  std::vector<int> trials;

  /// Epochs that all trials take together.
  int total_epochs() const;
};

/// epochs[k] = max(1, round(epochs / reduction^(K − 1 − k))), trials[k] = ⌊trials / reduction^k⌋. Throws UsageError if the
/// last rung has no trial or two rungs have the same epochs; `whose` says for whom.
Rungs rungs_of(const TuningSettings& settings, int trials, int epochs, const std::string& whose);

struct Trial {
  int number = 0;
  std::map<std::string, std::string> options;  ///< drawn, by name
  std::int32_t seed = 0;                       ///< never one of a comparison's: from 1,000,000,000
  std::string file;                            ///< of its run, relative to the folder
  int rung = -1;                               ///< the last that it ended, from 0
  std::string status = "waiting";              ///< complete (its last rung), diverged, failed
  std::string reason;                          ///< why not complete
  std::vector<double> validation;              ///< accuracy by epoch, from epoch 0 to its last rung's
  double score = quiet_nan;                    ///< the highest of them
  double seconds = 0, multiply_adds = 0;
};

/// One rule on one network.
struct TunedCell {
  std::string rule, network;
  std::string graph;        ///< hash of the graph
  std::string unsupported;  ///< why it was left out; "" if it was not
  std::vector<SearchRange> space;
  double epoch_multiply_adds = 0;
  Rungs rungs;
  std::vector<Trial> trials;
  int best = -1;         ///< trial; the highest score of the last rung, the lowest number on ties; −1: none
  std::string why_none;  ///< why there is no best one
  double multiply_adds = 0, seconds = 0;
};

struct Tuning {
  std::vector<TunedCell> cells;  ///< network by network, rule by rule
  bool interrupted = false;
};

/// What a search would do, drawn and costed, nothing trained: every trial waiting. Throws UsageError on a budget that is
/// too small, a space with nothing in it, or ranges of options that are not there.
Tuning plan_tuning(const Program& program, const Planner& planner, const TuningSettings& settings);

/// Trains the trials into the store, a rung after the other; `after_rung` is called with what is known so far.
/// Trials that lie there already are read, not trained.
void run_tuning(const Program& program, const Planner& planner, Store& store, const RunnerSettings& runner,
                Tuning& tuning, const std::function<void(const Tuning&)>& after_rung);

/// Hash of a graph without its name: what weights and tuned settings belong to.
std::string graph_hash(const Graph& graph);

}  // namespace strata::cli
