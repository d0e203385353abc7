#include "experiments/cli/tuning_file.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"
#include "framework/core/shallow_json.hpp"
#include "framework/io/replace_file.hpp"

namespace strata::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* trials_readme =
    R"(The trials of a search for hyper-parameters by `strata tune`; the runs themselves lie in runs/.

  /trials   over rule × network × trial: rung (the last that it ended, from 0), status, score (its highest validation
            accuracy), seed, seconds, multiply_adds; value (… × hyperparameter), NaN where a rule has none of that name;
            validation_accuracy (… × epoch), NaN behind the trial's end. A choice's value is its number, from 0, in the
            attribute choices_RULE_OPTION of the group.
  status    0 complete, 1 diverged, 2 failed, -1 no such trial, or not trained

PYTHON, xarray (either engine: h5netcdf or netcdf4)
  import xarray
  t = xarray.open_dataset("trials.h5", group="trials")
  best = t.score.where(t.status == 0).cumulative("trial").max()      # the best after n trials, by random search
)";

// What must agree for two searches to share a file; what differs, in words.
std::string difference(const TunedFile& a, const TunedFile& b) {
  if (a.checksum != b.checksum) return cat("data set ", a.dataset, " (", a.checksum, ")");
  if (a.validation != b.validation || a.split_seed != b.split_seed) {
    return cat("--validation ", a.validation, " --split-seed ", a.split_seed);
  }
  if (a.loss != b.loss) return cat("--loss ", a.loss);
  if (a.batch != b.batch) return cat("--batch ", a.batch);
  if (a.epochs != b.epochs) return cat("--epochs ", a.epochs);
  if (a.method != b.method) return a.method;
  if (a.search_seed != b.search_seed) return cat("--search-seed ", a.search_seed);
  return "";
}

Json to_json(const TunedFile& file) {
  Json tuned = Json::array();
  for (const Tuned& t : file.tuned) {
    tuned.push_back({{"rule", t.rule},
                     {"network", t.network},
                     {"graph", t.graph},
                     {"options", t.options},
                     {"trial", t.trial},
                     {"trials", t.trials},
                     {"validation_accuracy", t.validation_accuracy},
                     {"multiply_adds", t.multiply_adds},
                     {"seconds", t.seconds}});
  }
  return {{"schema", tuned_schema},
          {"schema_version", tuned_schema_version},
          {"dataset",
           {{"name", file.dataset},
            {"checksum", file.checksum},
            {"validation", file.validation},
            {"split_seed", file.split_seed}}},
          {"loss", file.loss},
          {"batch", file.batch},
          {"epochs", file.epochs},
          {"search", {{"method", file.method}, {"seed", file.search_seed}}},
          {"tuned", std::move(tuned)}};
}

template <class T> std::size_t place(std::vector<T>& all, const T& one) {
  const auto at = std::find(all.begin(), all.end(), one);
  if (at != all.end()) return static_cast<std::size_t>(at - all.begin());
  all.push_back(one);
  return all.size() - 1;
}

// What a file that is there already says; it must be of the same search as `file`.
std::vector<Tuned> tuned_before(const std::filesystem::path& path, const TunedFile& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return {};
  TunedFile before = read_tuned_file(path);
  if (const std::string other = difference(before, file); !other.empty()) {
    throw UsageError(
        cat(path.string(), ": holds another search (", other, "), and is left as it is; choose another --out"));
  }
  return std::move(before.tuned);
}

double number_of(const SearchRange& range, const std::string& value) {
  if (range.kind == SearchRange::Kind::choice) {
    return static_cast<double>(std::find(range.choices.begin(), range.choices.end(), value) - range.choices.begin());
  }
  return parse_real(range.option, value);
}

}  // namespace

TunedFile tuned_file(const Planner& planner, const TuningSettings& settings, const Tuning& tuning) {
  const Plan plan = planner.plan();
  TunedFile file;
  file.dataset = plan.data->name;
  file.checksum = plan.data->checksum;
  file.validation = static_cast<long long>(plan.split.validation.size());
  file.split_seed = planner.split_seed();
  file.loss = planner.loss();
  file.batch = planner.settings().batch;
  file.epochs = planner.settings().epochs;
  file.method = settings.halving ? cat("halving, ", settings.reduction, " to 1") : "random";
  file.search_seed = settings.seed;
  for (const TunedCell& cell : tuning.cells) {
    if (cell.best < 0) continue;
    const Trial& best = cell.trials[static_cast<std::size_t>(cell.best)];
    file.tuned.push_back({cell.rule, cell.network, cell.graph, best.options, best.number,
                          static_cast<int>(cell.trials.size()), best.score, cell.multiply_adds, cell.seconds});
  }
  return file;
}

void check_tuned_file(const std::filesystem::path& path, const TunedFile& file) { tuned_before(path, file); }

void write_tuned_file(const std::filesystem::path& path, TunedFile file) {
  for (const Tuned& t : tuned_before(path, file)) {
    const auto same = [&](const Tuned& u) { return u.rule == t.rule && u.network == t.network; };
    if (std::none_of(file.tuned.begin(), file.tuned.end(), same)) file.tuned.push_back(t);
  }
  replace_file(path, to_json(file).dump(2) + "\n");
}

TunedFile read_tuned_file(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) throw UsageError(cat(path.string(), ": no such file"));
  std::ifstream in(path);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  if (!in) throw UsageError(cat(path.string(), ": cannot be read"));
  try {
    const auto json = parse_shallow<nlohmann::json>(text);
    if (json.value("schema", "") != tuned_schema) {
      throw UsageError(
          cat(path.string(), ": is no file of tuned settings (schema '", tuned_schema, "'), as `strata tune` writes"));
    }
    if (const int version = json.at("schema_version").get<int>(); version != tuned_schema_version) {
      throw UsageError(
          cat(path.string(), ": has schema_version ", version, ", this program reads ", tuned_schema_version));
    }
    TunedFile file;
    const auto& data = json.at("dataset");
    file.dataset = data.at("name").get<std::string>();
    file.checksum = data.at("checksum").get<std::string>();
    file.validation = data.at("validation").get<long long>();
    file.split_seed = data.at("split_seed").get<long long>();
    file.loss = json.at("loss").get<std::string>();
    file.batch = json.at("batch").get<long long>();
    file.epochs = json.at("epochs").get<long long>();
    file.method = json.at("search").at("method").get<std::string>();
    file.search_seed = json.at("search").at("seed").get<long long>();
    for (const auto& t : json.at("tuned")) {
      file.tuned.push_back({t.at("rule").get<std::string>(), t.at("network").get<std::string>(),
                            t.at("graph").get<std::string>(), t.at("options").get<std::map<std::string, std::string>>(),
                            t.at("trial").get<int>(), t.at("trials").get<int>(),
                            t.at("validation_accuracy").get<double>(), t.at("multiply_adds").get<double>(),
                            t.at("seconds").get<double>()});
    }
    return file;
  } catch (const nlohmann::json::exception& e) {
    throw UsageError(cat(path.string(), ": ", e.what()));
  }
}

const Tuned& tuned_for(const TunedFile& file, const std::string& path, const Planner& planner, std::size_t rule,
                       std::size_t network) {
  const Plan plan = planner.plan();
  if (file.checksum != plan.data->checksum) {
    throw UsageError(cat("--tuned ", path, ": is of the data set ", file.dataset, " (checksum ", file.checksum,
                         "), not of ", plan.data->name, " (", plan.data->checksum, ")"));
  }
  std::vector<std::string> known;
  for (const Tuned& t : file.tuned) {
    if (t.network == plan.networks[network]) place(known, t.rule);
    if (t.rule != plan.rules[rule] || t.network != plan.networks[network]) continue;
    if (t.graph != graph_hash(planner.graph(network))) {
      throw UsageError(cat("--tuned ", path, ": is of another graph than the network ", t.network, " has here"));
    }
    return t;
  }
  if (known.empty()) throw UsageError(cat("--tuned ", path, ": has nothing for the network ", plan.networks[network]));
  throw UsageError(cat("--tuned ", path, ": has no setting of rule ", plan.rules[rule], " on ", plan.networks[network],
                       "; it has ", join(known)));
}

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
  DataGroup group;
  group.name = "trials";
  for (const TunedCell& cell : tuning.cells) {
    const std::size_t first = (place(rules, cell.rule) * networks.size() + place(networks, cell.network)) * trials;
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
      status[at] = trial.status == "complete" ? 0 : trial.status == "diverged" ? 1 : trial.status == "failed" ? 2 : -1;
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
  const std::vector<std::string> axes = {"rule", "network", "trial"};
  auto with = [&](const std::string& last) {
    auto all = axes;
    all.push_back(last);
    return all;
  };
  group.arrays = {{"rung", axes, rung, "last rung that the trial ended, from 0; -1: none", ""},
                  {"status", axes, status, "0 complete, 1 diverged, 2 failed, -1 not trained", ""},
                  {"seed", axes, seed, "seed of the trial's run", ""},
                  {"score", axes, score, "highest validation accuracy", "1"},
                  {"seconds", axes, seconds, "training and validation", "s"},
                  {"multiply_adds", axes, cost, "multiply-adds of its matrix products", "1"},
                  {"value", with("hyperparameter"), value, "value of the hyper-parameter; of a choice: its number", ""},
                  {"validation_accuracy", with("epoch"), accuracy, "validation accuracy", "1"}};
  const auto root = h5::new_file();
  root.set("Conventions", "CF-1.8");
  root.set("title", "trials of a search for hyper-parameters");
  root.set("history", history);
  root.set("schema", "strata-trials");
  root.set("schema_version", 1);
  const std::string text = trials_readme;
  root.add("README", {}, std::span(&text, 1), {.long_name = "how to read this file"});
  write_data_group(root, group);
  replace_file(path, root.image());
}

}  // namespace strata::cli
