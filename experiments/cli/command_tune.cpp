// `strata tune`: the same search for every rule, and the settings that it found.
#include <cstdio>
#include <iostream>

#include "experiments/cli/commands.hpp"
#include "experiments/cli/interrupt.hpp"
#include "experiments/cli/train_options.hpp"
#include "experiments/cli/tune_options.hpp"
#include "framework/core/errors.hpp"

namespace strata::cli {
namespace {

std::vector<OptionGroup> tune_options() {
  std::vector<OptionDef> own = {rules_option(),
                                except_option(),
                                network_option(),
                                networks_option(),
                                {"trials", "16", "N", "trials of each rule on each network"}};
  for (OptionDef& o : search_options()) own.push_back(std::move(o));
  return {{"", std::move(own)},
          {"Results and session", session_options("strata-tuned", false)},
          {"Network", network_options()},
          {"Training", training_options()},
          {"Data", data_options()}};
}

int tune(const Program& program, const Arguments& arguments) {
  const Values values = parse_values(flat(tune_options()), rule_option_names(program.rules), arguments, nullptr);
  const auto rules = rules_of(program, values);
  const TuningSettings settings = tuning_settings(program, values, "trials", rules);
  const RunnerSettings runner = runner_settings(values, "tune", arguments);
  const std::string out = values.text("out");
  if (out.empty()) throw UsageError("--out: expected a folder");
  const Planner planner(program, values, rules, networks_of(values));
  Tuning tuning = plan_tuning(program, planner, settings);
  if (values.flag("dry-run")) {
    std::cout << text_of(tuning_plan_table(tuning));
    return 0;
  }
  watch_signals();
  const TunedFile file = search_into(out, program, planner, settings, runner, tuning);
  for (const std::string& line : without_setting(tuning)) std::fprintf(stderr, "strata: %s\n", line.c_str());
  if (values.flag("json")) {
    std::cout << to_json(file.tuned).dump(2) << '\n';
  } else if (!file.tuned.empty()) {
    std::cout << text_of(tuned_table(file.tuned)) << (std::filesystem::path(out) / "tuned.json").string() << '\n';
  }
  if (tuning.interrupted) return 128 + interrupted();
  return without_setting(tuning).empty() ? 0 : 3;
}

}  // namespace

Command tune_command() {
  return {
      .name = "tune",
      .summary = "search for each rule's hyper-parameters, with equal effort",
      .usage = "[OPTIONS]",
      .about = {"Draws trials from the search space that each rule declares (`strata help RULE` shows it), the same "
                "number for every rule, trains them, and keeps the best by validation accuracy; the test set is not "
                "touched. What is given for a rule is fixed and not searched for.",
                "By default by successive halving: all trials train for a few epochs, the better third goes on for "
                "three times as many, and so on. `--method random` trains all to the end.",
                "Leaves tuned.json, which `strata compare --tuned` reads, trials.h5 with every trial, and the runs. "
                "The same command again goes on where it stopped; with more `--trials` it adds to those there are."},
      .groups = tune_options(),
      .rule_options = true,
      .examples = {{"strata tune --rules backprop,fa,dfa --trials 16 --epochs 9"},
                   {"strata tune --rules fa --search fa.lr=log:1e-5:1e-2 --dry-run", "what would be drawn from"}},
      .see = {"config", "files", "progress"},
      .call = tune};
}

}  // namespace strata::cli
