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
    if (t.network == plan.networks[network]) known.push_back(t.rule);
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

}  // namespace strata::cli
