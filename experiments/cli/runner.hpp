// Trains the runs of a plan into a store: skips what is finished, goes on with what is not, keeps what it can of
// whatever happens.
#pragma once

#include <string>
#include <vector>

#include "experiments/cli/plan.hpp"
#include "experiments/cli/store.hpp"
#include "framework/io/run_record.hpp"

namespace strata::cli {

enum class SaveWeights { none, best, last };

struct RunnerSettings {
  int threads = 1;
  SaveWeights save_weights = SaveWeights::best;
  bool allow_other_binary = false;  ///< go on from a checkpoint of another build
  bool quiet = false;
  std::string command_line;
};

/// What became of one run. `complete` and `diverged` leave a file.
struct RunResult {
  enum class Outcome { complete, diverged, failed, interrupted, unsupported };
  const RunPlan* plan = nullptr;
  Outcome outcome = Outcome::failed;
  std::string message;  ///< why, unless complete
  RunRecord record;     ///< without weights; of complete and diverged runs
};

/// Runs all of the plan, as many side by side as there are threads, the longest first. Results in the plan's order.
/// What goes wrong in one run ends that run alone.
std::vector<RunResult> execute(const Program& program, const Plan& plan, Store& store, const RunnerSettings& settings);

/// How a run stands in a folder, without touching it: "new", "epoch 3 of 10", "finished", "diverged", "damaged", for --dry-run.
std::string describe_state(const RunPlan& run, const std::filesystem::path& folder, const RunReader& reader);

}  // namespace strata::cli
