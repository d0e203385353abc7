#include "experiments/cli/tuning.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "experiments/cli/interrupt.hpp"
#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"
#include "framework/core/hex.hpp"
#include "framework/learning/cost.hpp"

namespace strata::cli {
namespace {

using Outcome = RunResult::Outcome;

constexpr std::int32_t first_seed = 1'000'000'000;
constexpr int most_trials = 10'000;

// reduction^k ≤ 10^9 in all that is allowed
long long power(int reduction, int k) {
  long long p = 1;
  for (int i = 0; i < k && p <= 1'000'000'000; ++i) p *= reduction;
  return p;
}

int rung_epochs(int epochs, int reduction, int below) {
  return std::max(
      1, static_cast<int>(std::lround(static_cast<double>(epochs) / static_cast<double>(power(reduction, below)))));
}

// As many rungs as leave a trial for the last and other epochs for each.
int rungs_that_fit(int reduction, int trials, int epochs) {
  int rungs = 1;
  while (power(reduction, rungs) <= trials &&
         rung_epochs(epochs, reduction, rungs) < rung_epochs(epochs, reduction, rungs - 1)) {
    ++rungs;
  }
  return rungs;
}

// The most trials of which the rungs cost no more.
int trials_for(const TuningSettings& s, double epochs_afforded, int epochs) {
  const auto cost = [&](int trials) {
    if (!s.halving) return static_cast<double>(trials) * epochs;
    TuningSettings fitting = s;
    fitting.rungs = s.rungs == 0 ? 0 : std::min(s.rungs, rungs_that_fit(s.reduction, trials, epochs));
    return static_cast<double>(rungs_of(fitting, trials, epochs, "").total_epochs());
  };
  int trials = 0;
  while (trials < most_trials && cost(trials + 1) <= epochs_afforded) ++trials;
  return trials;
}

std::vector<SearchRange> space_of(const RuleEntry& entry, const std::map<std::string, std::string>& given,
                                  const TuningSettings& settings) {
  auto space = search_space(entry, given);
  if (const auto own = settings.ranges.find(entry.name); own != settings.ranges.end()) {
    for (const auto& [option, range] : own->second) {
      const auto there =
          std::find_if(space.begin(), space.end(), [&](const SearchRange& r) { return r.option == range.option; });
      if (there == space.end()) {
        space.push_back(range);
      } else {
        *there = range;
      }
    }
  }
  check_search_space(entry, space);
  if (space.empty()) {
    throw UsageError(cat("rule ", entry.name, ": nothing is left to search for, all its hyper-parameters are given"));
  }
  return space;
}

// Multiply-adds of an epoch of training.
double epoch_cost(const RuleEntry& entry, const Planner& planner, const RunPlan& run, std::size_t network,
                  std::size_t examples) {
  const auto batch = static_cast<std::size_t>(run.settings.batch);
  const double batches = static_cast<double>((examples + batch - 1) / batch);
  return multiply_adds_in_epoch(entry, planner.graph(network), run.loss, run.settings.batch) * batches;
}

// Up to `epochs`: a file may hold more, of a search that went on.
void take(Trial& trial, const RunRecord& record, int epochs) {
  trial.validation.clear();
  trial.seconds = 0;
  trial.score = quiet_nan;
  for (const EpochMetrics& row : record.training) {
    if (row.epoch > epochs) break;
    trial.validation.push_back(row.validation_accuracy);
    for (const double s : {row.train_seconds, row.validation_seconds}) {
      if (std::isfinite(s)) trial.seconds += s;
    }
    const double a = row.validation_accuracy;
    if (std::isfinite(a) && !(trial.score >= a)) trial.score = a;
  }
}

// Numbers of the trials that ended this rung well, the best first; the lowest number on ties.
std::vector<int> ranking(const TunedCell& cell, int rung) {
  std::vector<int> order;
  for (const Trial& t : cell.trials) {
    if (t.rung == rung && t.status == "complete" && std::isfinite(t.score)) order.push_back(t.number);
  }
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return cell.trials[static_cast<std::size_t>(a)].score > cell.trials[static_cast<std::size_t>(b)].score;
  });
  return order;
}

// What of the plan a run belongs to.
struct Place {
  std::size_t cell;
  int trial;
};

}  // namespace

int Rungs::total_epochs() const {
  int sum = 0;
  for (std::size_t k = 0; k < epochs.size(); ++k) sum += trials[k] * (epochs[k] - (k == 0 ? 0 : epochs[k - 1]));
  return sum;
}

Rungs rungs_of(const TuningSettings& s, int trials, int epochs, const std::string& whose) {
  const int count = !s.halving ? 1 : s.rungs > 0 ? s.rungs : rungs_that_fit(s.reduction, trials, epochs);
  if (trials < 1 || power(s.reduction, count - 1) > trials) {
    throw UsageError(cat(whose, trials, " trials are too few for ", count, " rungs that keep one in ", s.reduction,
                         ": expected ", power(s.reduction, count - 1), " or more"));
  }
  Rungs rungs;
  for (int k = 0; k < count; ++k) {
    rungs.epochs.push_back(rung_epochs(epochs, s.reduction, count - 1 - k));
    rungs.trials.push_back(static_cast<int>(trials / power(s.reduction, k)));
    if (k > 0 && rungs.epochs[static_cast<std::size_t>(k)] == rungs.epochs[static_cast<std::size_t>(k - 1)]) {
      throw UsageError(cat(whose, count, " rungs do not fit into ", epochs, " epochs when each has ", s.reduction,
                           " times those of the one before: expected ", rungs_that_fit(s.reduction, trials, epochs),
                           " or fewer"));
    }
  }
  return rungs;
}

std::string graph_hash(const Graph& graph) { return hex(stable_hash(to_json(graph.spec()).dump())); }

Tuning plan_tuning(const Program& program, const Planner& planner, const TuningSettings& settings) {
  if (settings.halving && depends_on_total_epochs(planner.settings().schedule)) {
    throw UsageError(
        "--schedule: successive halving trains on what was begun with fewer epochs, which this schedule "
        "depends on; use --method random");
  }
  const Plan plan = planner.plan();
  const int epochs = planner.settings().epochs;
  Tuning tuning;
  for (std::size_t n = 0; n < plan.networks.size(); ++n) {
    for (std::size_t r = 0; r < plan.rules.size(); ++r) {
      const RuleEntry& entry = program.rules.at(plan.rules[r]);
      TunedCell cell;
      cell.rule = entry.name;
      cell.network = plan.networks[n];
      cell.graph = graph_hash(planner.graph(n));
      cell.space = space_of(entry, planner.given(r), settings);
      const RunPlan run = planner.run(r, n, {.trial = true});
      cell.unsupported = run.unsupported;
      if (!cell.unsupported.empty()) {
        tuning.cells.push_back(std::move(cell));
        continue;
      }
      cell.epoch_multiply_adds = epoch_cost(entry, planner, run, n, plan.split.train.size());
      int trials = settings.trials;
      const std::string whose = cat("rule ", cell.rule, " on ", cell.network, ": ");
      if (settings.multiply_adds > 0) {
        trials = trials_for(settings, settings.multiply_adds / cell.epoch_multiply_adds, epochs);
        if (trials == 0) {
          throw UsageError(cat("--multiply-adds ", settings.multiply_adds, ": ", whose, "one trial of ", epochs,
                               " epochs takes ", cell.epoch_multiply_adds * epochs));
        }
      }
      cell.rungs = rungs_of(settings, trials, epochs, whose);
      for (int t = 0; t < trials; ++t) {
        Trial trial;
        trial.number = t;
        trial.options = draw_trial(entry, cell.space, planner.given(r), static_cast<std::uint64_t>(settings.seed), t);
        trial.seed = first_seed + settings.seed * most_trials + t;
        cell.trials.push_back(std::move(trial));
      }
      tuning.cells.push_back(std::move(cell));
    }
  }
  return tuning;
}

void run_tuning(const Program& program, const Planner& planner, Store& store, const RunnerSettings& runner,
                Tuning& tuning, const std::function<void(const Tuning&)>& after_rung) {
  Plan plan = planner.plan();
  std::size_t most_rungs = 0;
  for (const TunedCell& cell : tuning.cells) most_rungs = std::max(most_rungs, cell.rungs.epochs.size());
  for (std::size_t rung = 0; rung < most_rungs; ++rung) {
    plan.runs.clear();
    std::vector<Place> places;
    for (std::size_t c = 0; c < tuning.cells.size(); ++c) {
      TunedCell& cell = tuning.cells[c];
      if (rung >= cell.rungs.epochs.size()) continue;
      std::vector<int> numbers(cell.trials.size());
      std::iota(numbers.begin(), numbers.end(), 0);
      if (rung > 0) numbers = ranking(cell, static_cast<int>(rung) - 1);
      numbers.resize(std::min(numbers.size(), static_cast<std::size_t>(cell.rungs.trials[rung])));
      for (const int number : numbers) {
        const Trial& trial = cell.trials[static_cast<std::size_t>(number)];
        const RunPlan run = planner.run(c % plan.rules.size(), c / plan.rules.size(), {trial.options, true});
        plan.runs.push_back(with_epochs(with_seed(run, trial.seed), cell.rungs.epochs[rung]));
        places.push_back({c, number});
      }
    }
    const auto results = execute(program, plan, store, runner);
    for (std::size_t i = 0; i < results.size(); ++i) {
      const RunResult& result = results[i];
      TunedCell& cell = tuning.cells[places[i].cell];
      Trial& trial = cell.trials[static_cast<std::size_t>(places[i].trial)];
      if (result.outcome == Outcome::interrupted) {
        tuning.interrupted = true;
        continue;
      }
      trial.file = cat("runs/", result.plan->stem(), ".h5");
      trial.rung = static_cast<int>(rung);
      trial.reason = result.message;
      trial.status = result.outcome == Outcome::complete   ? "complete"
                     : result.outcome == Outcome::diverged ? "diverged"
                                                           : "failed";
      if (result.outcome == Outcome::failed) continue;
      take(trial, result.record, cell.rungs.epochs[rung]);
      trial.multiply_adds = cell.epoch_multiply_adds * static_cast<double>(trial.validation.size() - 1);
    }
    if (tuning.interrupted) return;
    for (TunedCell& cell : tuning.cells) {
      if (rung >= cell.rungs.epochs.size()) continue;
      const auto order = ranking(cell, static_cast<int>(rung));
      const bool last = rung + 1 == cell.rungs.epochs.size();
      const auto failed =
          std::find_if(cell.trials.begin(), cell.trials.end(), [](const Trial& t) { return t.status == "failed"; });
      if (failed != cell.trials.end()) {
        cell.why_none = cat("trial ", failed->number, " failed: ", failed->reason);  // it may do better the next time
      } else if (last && order.empty()) {
        cell.why_none = "no trial trained to the end of its last rung without diverging";
      } else if (last) {
        cell.best = order.front();
      }
      // Who goes on is decided: the others' checkpoints are no longer needed.
      const auto kept = last ? 0 : std::min(order.size(), static_cast<std::size_t>(cell.rungs.trials[rung + 1]));
      for (const Trial& trial : cell.trials) {
        const auto ahead = order.begin() + static_cast<std::ptrdiff_t>(kept);
        if (trial.rung != static_cast<int>(rung) || trial.file.empty()) continue;
        if (std::find(order.begin(), ahead, trial.number) != ahead) continue;
        store.tidy(std::filesystem::path(trial.file).stem().string(), false);
      }
      cell.multiply_adds = cell.seconds = 0;
      for (const Trial& trial : cell.trials) {
        cell.multiply_adds += trial.multiply_adds;
        cell.seconds += trial.seconds;
      }
    }
    after_rung(tuning);
  }
}

}  // namespace strata::cli
