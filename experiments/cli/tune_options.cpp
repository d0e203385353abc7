#include "experiments/cli/tune_options.hpp"

#include <algorithm>
#include <cstdio>

#include "experiments/cli/store.hpp"
#include "experiments/cli/trials_file.hpp"
#include "framework/core/errors.hpp"

namespace strata::cli {
namespace {

const std::vector<std::string> methods = {"halving", "random"};

// "fa.lr=log:1e-5:1e-2" of --search.
void add_range(TuningSettings& settings, const std::string& text, const std::vector<std::string>& rules,
               const Program& program) {
  const auto equals = text.find('='), dot = text.find('.');
  if (equals == std::string::npos || dot == std::string::npos || dot > equals) {
    throw UsageError(cat("--search '", text, "': expected RULE.OPTION=RANGE, like fa.lr=log:1e-5:1e-2"));
  }
  const std::string rule = text.substr(0, dot), option = text.substr(dot + 1, equals - dot - 1);
  if (std::find(rules.begin(), rules.end(), rule) == rules.end()) {
    throw UsageError(
        cat("--search '", text, "': the rule ", rule, " is not tuned here; expected one of ", join(rules)));
  }
  const SearchRange range = parse_range(cat(rule, ".", option), text.substr(equals + 1));
  SearchRange own = range;
  own.option = option;
  check_search_space(program.rules.at(rule), {own});
  if (!settings.ranges[rule].emplace(option, own).second) {
    throw UsageError(cat("--search: ", rule, ".", option, " is there twice"));
  }
}

std::string options_text(const std::map<std::string, std::string>& options) {
  std::string text;
  for (const auto& [name, value] : options) text += cat(text.empty() ? "" : " ", name, "=", value);
  return text;
}

std::string numbers(const std::vector<int>& values) {
  std::string text;
  for (const int v : values) text += cat(text.empty() ? "" : ",", v);
  return text;
}

}  // namespace

std::vector<OptionDef> search_options() {
  return {{"multiply-adds", "", "X",
           "instead of a number of trials: as many as fit into X multiply-adds, for each rule on each network"},
          {"method",
           "halving",
           "HOW",
           "halving: the worse trials stop early; or random: all train to the end",
           {.names = methods}},
          {"reduction", "3", "N", "of a rung's trials, one in N goes on to the next, of N times the epochs"},
          {"rungs", "0", "N", "rungs of halving; 0 = as many as trials and epochs allow"},
          {"search-seed", "0", "N", "which trials are drawn, and their runs' seeds, which no comparison uses"},
          {"search", "", "RANGE,…",
           "other ranges than the rules': fa.lr=log:1e-5:1e-2, also uniform:LOW:HIGH, choice:A|B"}};
}

TuningSettings tuning_settings(const Program& program, const Values& values, const std::string& trials_option,
                               const std::vector<std::string>& rules) {
  TuningSettings settings;
  const std::string& method = values.text("method");
  if (std::find(methods.begin(), methods.end(), method) == methods.end()) {
    throw UsageError(cat("--method: ", unknown_name("method", method, methods)));
  }
  settings.halving = method == "halving";
  if (!settings.halving && values.given("rungs")) throw UsageError("--rungs: random search has none; leave it out");
  if (values.given("multiply-adds")) {
    if (values.given(trials_option)) {
      throw UsageError(cat("--", trials_option, " and --multiply-adds: expected one of them"));
    }
    settings.multiply_adds = values.real("multiply-adds", 1, 1e30);
  } else {
    settings.trials = static_cast<int>(values.integer(trials_option, 1, 10'000));
  }
  settings.reduction = static_cast<int>(values.integer("reduction", 2, 100));
  settings.rungs = static_cast<int>(values.integer("rungs", 0, 20));
  settings.seed = static_cast<std::int32_t>(values.integer("search-seed", 0, 100'000));
  for (const std::string& text : values.list("search")) add_range(settings, text, rules, program);
  return settings;
}

Table tuning_plan_table(const Tuning& tuning) {
  Table table{{"rule", "network", "trials", "epochs", "in all", "multiply-adds", "search space"}, {}, 2, ""};
  for (const TunedCell& cell : tuning.cells) {
    if (!cell.unsupported.empty()) {
      table.rows.push_back({cell.rule, cell.network, "unsupported: " + cell.unsupported});
      continue;
    }
    std::string space;
    for (const SearchRange& r : cell.space) space += cat(space.empty() ? "" : " ", r.option, "=", to_text(r));
    table.rows.push_back({cell.rule, cell.network, numbers(cell.rungs.trials), numbers(cell.rungs.epochs),
                          std::to_string(cell.rungs.total_epochs()),
                          scientific(cell.rungs.total_epochs() * cell.epoch_multiply_adds), space});
  }
  table.note = "trials, epochs: of each rung; in all: epochs that all trials take together.\n";
  return table;
}

Table tuned_table(const std::vector<Tuned>& tuned) {
  Table table{{"rule", "network", "validation %", "trial", "trials", "multiply-adds", "seconds", "setting"}, {}, 2, ""};
  for (const Tuned& t : tuned) {
    table.rows.push_back({t.rule, t.network, percent(t.validation_accuracy), std::to_string(t.trial),
                          std::to_string(t.trials), scientific(t.multiply_adds), decimal(t.seconds, 0),
                          options_text(t.options)});
  }
  table.note =
      "validation %: highest accuracy of the chosen trial, which is the best of those listed and so flatters;\n"
      "multiply-adds and seconds: of all trials of the search.\n";
  return table;
}

nlohmann::ordered_json to_json(const std::vector<Tuned>& tuned) {
  auto all = nlohmann::ordered_json::array();
  for (const Tuned& t : tuned) {
    all.push_back({{"rule", t.rule},
                   {"network", t.network},
                   {"options", t.options},
                   {"validation_accuracy", t.validation_accuracy},
                   {"trial", t.trial},
                   {"trials", t.trials},
                   {"search_multiply_adds", t.multiply_adds},
                   {"search_seconds", t.seconds}});
  }
  return all;
}

TunedFile search_into(const std::filesystem::path& folder, const Program& program, const Planner& planner,
                      const TuningSettings& settings, const RunnerSettings& runner, Tuning& tuning) {
  Store store(folder);
  const std::filesystem::path file = folder / "tuned.json";
  check_tuned_file(file, tuned_file(planner, settings, tuning));
  run_tuning(program, planner, store, runner, tuning,
             [&](const Tuning& now) { write_trials_file(folder / "trials.h5", now, runner.command_line); });
  TunedFile found = tuned_file(planner, settings, tuning);
  if (!tuning.interrupted) write_tuned_file(file, found);
  return found;
}

std::vector<RunChange> chosen_settings(const TunedFile& file, const std::string& path, const Planner& planner,
                                       const Tuning& tuning) {
  const Plan plan = planner.plan();
  std::vector<RunChange> changes;
  for (std::size_t n = 0; n < plan.networks.size(); ++n) {
    for (std::size_t r = 0; r < plan.rules.size(); ++r) {
      RunChange change;
      const auto cell = std::find_if(tuning.cells.begin(), tuning.cells.end(), [&](const TunedCell& c) {
        return c.rule == plan.rules[r] && c.network == plan.networks[n] && c.best < 0;
      });
      if (cell != tuning.cells.end()) {
        change.unsupported = cell->unsupported.empty() ? "no setting: " + cell->why_none : cell->unsupported;
      } else if (planner.run(r, n).unsupported.empty()) {
        const Tuned& t = tuned_for(file, path, planner, r, n);
        for (const auto& [name, value] : t.options) {
          if (!planner.given(r).contains(name)) change.options[name] = value;
        }
        change.tuned = cat("trial ", t.trial, " of ", t.trials, " (", file.method, ", ", file.epochs,
                           " epochs, search seed ", file.search_seed, ")");
      }
      changes.push_back(std::move(change));
    }
  }
  return changes;
}

std::vector<std::string> without_setting(const Tuning& tuning) {
  std::vector<std::string> lines;
  for (const TunedCell& cell : tuning.cells) {
    if (!cell.why_none.empty()) lines.push_back(cat(cell.rule, " on ", cell.network, ": no setting: ", cell.why_none));
  }
  return lines;
}

}  // namespace strata::cli
