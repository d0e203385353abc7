#include "experiments/cli/trials_file.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <span>

#include "framework/core/errors.hpp"
#include "framework/io/data_group.hpp"
#include "framework/io/hdf5.hpp"
#include "framework/io/replace_file.hpp"

namespace strata::cli {
namespace {

using Words = std::vector<std::string>;

constexpr const char* trials_readme =
    R"(The trials of a search for hyper-parameters by `strata tune`; the runs themselves lie in runs/.

  /trials   over rule × network × trial: rung (the last that it ended, from 0), status, score (its highest validation
            accuracy), seed, seconds, multiply_adds; value (… × hyperparameter), NaN where a rule has none of that name;
            validation_accuracy (… × epoch), NaN behind the trial's end. A choice's value is its number, from 0, in the
            attribute choices_RULE_OPTION of the group. Over rule × network: chosen (the trial whose setting was
            chosen, -1 if there is none, or none yet).
  status    0 complete, 1 diverged, 2 failed, -1 no such trial, or not trained

PYTHON, xarray (either engine: h5netcdf or netcdf4)
  import xarray
  t = xarray.open_dataset("trials.h5", group="trials", engine="h5netcdf")
  best = t.score.where(t.status == 0).rolling(trial=t.trial.size, min_periods=1).max()   # after n trials, as drawn
  setting = t.value.sel(rule="fa", trial=t.chosen.sel(rule="fa"))                         # network × hyperparameter
)";

template <class T> std::size_t place(std::vector<T>& all, const T& one) {
  const auto at = std::find(all.begin(), all.end(), one);
  if (at != all.end()) return static_cast<std::size_t>(at - all.begin());
  all.push_back(one);
  return all.size() - 1;
}

// By the number in the file, from −1.
constexpr const char* trial_states[] = {"waiting", "complete", "diverged", "failed"};

const Words trial_axes = {"rule", "network", "trial"};

Words trial_axes_with(const std::string& last) {
  Words all = trial_axes;
  all.push_back(last);
  return all;
}

double number_of(const SearchRange& range, const std::string& value) {
  if (range.kind == SearchRange::Kind::choice) {
    return static_cast<double>(std::find(range.choices.begin(), range.choices.end(), value) - range.choices.begin());
  }
  return parse_real(range.option, value);
}

const Words& axis_names(const DataGroup& group, const std::string& axis) {
  const auto* names = std::get_if<Words>(&group.axis(axis).labels);
  if (names == nullptr) throw DataError(cat("/trials/", axis, ": expected names"));
  return *names;
}

// Of an array over just these axes.
std::span<const double> reals_over(const DataGroup& group, const Words& axes, const std::string& array) {
  if (group.array(array).axes != axes) throw DataError(cat("/trials/", array, ": expected the axes ", join(axes)));
  return group.doubles(array);
}

// Likewise, none below −1 or above `most`.
std::span<const std::int32_t> numbers_over(const DataGroup& group, const Words& axes, const std::string& array,
                                           std::int32_t most) {
  if (group.array(array).axes != axes) throw DataError(cat("/trials/", array, ": expected the axes ", join(axes)));
  const auto& values = group.integers(array);
  for (const std::int32_t v : values) {
    if (v < -1 || v > most) throw DataError(cat("/trials/", array, ": is ", v, "; expected -1 to ", most));
  }
  return values;
}

// A hyper-parameter as the option takes it.
std::string option_text(const DataGroup& group, const std::string& rule, const std::string& option, double value) {
  const std::string note = cat("choices_", rule, "_", option);
  const auto found = std::find_if(group.notes.begin(), group.notes.end(), [&](auto& n) { return n.first == note; });
  if (found == group.notes.end()) return shortest(value);
  const auto* text = std::get_if<std::string>(&found->second);
  std::string rest = text == nullptr ? "" : *text;
  for (double number = 0; number < value; ++number) {
    const auto comma = rest.find(", ");
    rest = comma == std::string::npos ? "" : rest.substr(comma + 2);
    if (rest.empty()) throw DataError(cat("/trials: has no choice number ", value, " of ", rule, ".", option));
  }
  return rest.substr(0, rest.find(", "));
}

// The cells of a file of trials; see read_trials_file.
Tuning tuning_in(const DataGroup& group) {
  const Words &rules = axis_names(group, "rule"), &networks = axis_names(group, "network");
  const Words& hyperparameters = axis_names(group, "hyperparameter");
  const std::size_t trials = group.axis("trial").size(), epochs = group.axis("epoch").size();
  constexpr auto any = std::numeric_limits<std::int32_t>::max();
  const auto rung = numbers_over(group, trial_axes, "rung", any), seed = numbers_over(group, trial_axes, "seed", any);
  const auto status = numbers_over(group, trial_axes, "status", static_cast<std::int32_t>(std::size(trial_states)) - 2);
  const auto chosen = numbers_over(group, {"rule", "network"}, "chosen", static_cast<std::int32_t>(trials) - 1);
  const auto score = reals_over(group, trial_axes, "score"), seconds = reals_over(group, trial_axes, "seconds");
  const auto cost = reals_over(group, trial_axes, "multiply_adds");
  const auto value = reals_over(group, trial_axes_with("hyperparameter"), "value");
  const auto accuracy = reals_over(group, trial_axes_with("epoch"), "validation_accuracy");
  Tuning tuning;
  for (std::size_t n = 0; n < networks.size(); ++n) {
    for (std::size_t r = 0; r < rules.size(); ++r) {
      const std::size_t at_cell = r * networks.size() + n;
      TunedCell cell;
      cell.rule = rules[r];
      cell.network = networks[n];
      cell.best = chosen[at_cell];
      for (std::size_t t = 0; t < trials && seed[at_cell * trials + t] >= 0; ++t) {
        const std::size_t at = at_cell * trials + t;
        if (score[at] < 0 || score[at] > 1) {
          throw DataError(cat("/trials/score: is ", score[at], "; expected an accuracy, or NaN"));
        }
        Trial trial;
        trial.number = static_cast<int>(t);
        trial.seed = seed[at];
        trial.rung = rung[at];
        trial.status = trial_states[status[at] + 1];
        trial.score = score[at];
        trial.seconds = seconds[at];
        trial.multiply_adds = cost[at];
        for (std::size_t h = 0; h < hyperparameters.size(); ++h) {
          const double v = value[at * hyperparameters.size() + h];
          if (!std::isnan(v)) trial.options[hyperparameters[h]] = option_text(group, cell.rule, hyperparameters[h], v);
        }
        const auto reached = accuracy.subspan(at * epochs, epochs);
        trial.validation.assign(reached.begin(), reached.end());
        while (!trial.validation.empty() && std::isnan(trial.validation.back())) trial.validation.pop_back();
        cell.multiply_adds += trial.multiply_adds;
        cell.seconds += trial.seconds;
        cell.trials.push_back(std::move(trial));
      }
      if (cell.best >= static_cast<int>(cell.trials.size())) {
        throw DataError(cat("/trials/chosen: is ", cell.best, "; ", cell.rule, " has ", cell.trials.size(), " trials"));
      }
      if (!cell.trials.empty()) tuning.cells.push_back(std::move(cell));
    }
  }
  return tuning;
}

}  // namespace

void write_trials_file(const std::filesystem::path& path, const Tuning& tuning, const std::string& history) {
  std::vector<std::string> rules, networks, hyperparameters;
  std::size_t trials = 0, epochs = 0;
  for (const TunedCell& cell : tuning.cells) {
    place(rules, cell.rule);
    place(networks, cell.network);
    trials = std::max(trials, cell.trials.size());
    for (const SearchRange& range : cell.space) place(hyperparameters, range.option);
    for (const Trial& trial : cell.trials) epochs = std::max(epochs, trial.validation.size());
  }
  const std::size_t size = rules.size() * networks.size() * trials;
  std::vector<std::int32_t> rung(size, -1), status(size, -1), seed(size, -1);
  std::vector<double> score(size, quiet_nan), seconds(size, quiet_nan), cost(size, quiet_nan);
  std::vector<double> value(size * hyperparameters.size(), quiet_nan), accuracy(size * epochs, quiet_nan);
  std::vector<std::int32_t> chosen(rules.size() * networks.size(), -1);
  DataGroup group;
  group.name = "trials";
  for (const TunedCell& cell : tuning.cells) {
    const std::size_t at_cell = place(rules, cell.rule) * networks.size() + place(networks, cell.network);
    const std::size_t first = at_cell * trials;
    chosen[at_cell] = cell.best;
    for (const SearchRange& range : cell.space) {
      if (range.kind != SearchRange::Kind::choice) continue;
      const std::string note = cat("choices_", cell.rule, "_", range.option);
      const auto there = [&](const auto& n) { return n.first == note; };
      if (std::none_of(group.notes.begin(), group.notes.end(), there))
        group.notes.emplace_back(note, join(range.choices));
    }
    for (std::size_t t = 0; t < cell.trials.size(); ++t) {
      const Trial& trial = cell.trials[t];
      const std::size_t at = first + t;
      rung[at] = trial.rung;
      seed[at] = trial.seed;
      const auto code = std::find(std::begin(trial_states), std::end(trial_states), trial.status);
      status[at] = static_cast<std::int32_t>(code - std::begin(trial_states)) - 1;
      score[at] = trial.score;
      seconds[at] = trial.seconds;
      cost[at] = trial.multiply_adds;
      for (const SearchRange& range : cell.space) {
        const auto found = trial.options.find(range.option);
        if (found != trial.options.end()) {
          value[at * hyperparameters.size() + place(hyperparameters, range.option)] = number_of(range, found->second);
        }
      }
      std::copy(trial.validation.begin(), trial.validation.end(),
                accuracy.begin() + static_cast<std::ptrdiff_t>(at * epochs));
    }
  }
  std::vector<std::int32_t> trial_numbers(trials), epoch_numbers(epochs);
  for (std::size_t i = 0; i < trials; ++i) trial_numbers[i] = static_cast<std::int32_t>(i);
  for (std::size_t i = 0; i < epochs; ++i) epoch_numbers[i] = static_cast<std::int32_t>(i);
  group.axes = {{"rule", rules, "learning rule"},
                {"network", networks, "network"},
                {"trial", trial_numbers, "number of the trial"},
                {"hyperparameter", hyperparameters, "option of the rule"},
                {"epoch", epoch_numbers, "epoch; 0 is before training"}};
  group.arrays = {
      {"rung", trial_axes, rung, "last rung that the trial ended, from 0; -1: none", ""},
      {"status", trial_axes, status, "0 complete, 1 diverged, 2 failed, -1 not trained", ""},
      {"seed", trial_axes, seed, "seed of the trial's run", ""},
      {"score", trial_axes, score, "highest validation accuracy", "1"},
      {"seconds", trial_axes, seconds, "training and validation", "s"},
      {"multiply_adds", trial_axes, cost, "multiply-adds of its matrix products", "1"},
      {"chosen", {"rule", "network"}, chosen, "trial whose setting was chosen; -1: none", ""},
      {"value", trial_axes_with("hyperparameter"), value, "value of the hyper-parameter; of a choice: its number", ""},
      {"validation_accuracy", trial_axes_with("epoch"), accuracy, "validation accuracy", "1"}};
  const auto root = h5::new_file();
  root.set("Conventions", "CF-1.8");
  root.set("title", "trials of a search for hyper-parameters");
  root.set("history", history);
  root.set("schema", trials_schema);
  root.set("schema_version", trials_schema_version);
  const std::string text = trials_readme;
  root.add("README", {}, std::span(&text, 1), {.long_name = "how to read this file"});
  write_data_group(root, group);
  replace_file(path, root.image());
}

Tuning read_trials_file(const std::filesystem::path& path) {
  const auto root = h5::open_file(path);
  if (!root.has_attribute("schema") || root.text("schema") != trials_schema) {
    throw DataError(
        cat(path.string(), ": is no file of trials (schema '", trials_schema, "'), as `strata tune` writes"));
  }
  if (const int version = root.integer("schema_version"); version != trials_schema_version) {
    throw DataError(cat(path.string(), ": has schema_version ", version, ", this program reads ", trials_schema_version,
                        "; the search's command once more writes it anew, and trains nothing twice"));
  }
  const DataGroup group = read_data_group(root, "trials");
  try {
    return tuning_in(group);
  } catch (const DataError& e) {
    throw DataError(cat(path.string(), ": ", e.what()));
  }
}

}  // namespace strata::cli
