#include "experiments/cli/trained_net.hpp"

#include "experiments/cli/data_source.hpp"
#include "experiments/cli/run_reader.hpp"
#include "framework/core/errors.hpp"
#include "framework/core/shallow_json.hpp"

namespace strata::cli {

RunRecord read_with_weights(const Program& program, const std::filesystem::path& file) {
  RunRecord record = program.reader->read(file, true);
  if (record.weights.empty()) {
    throw DataError(cat(file.string(),
                        ": holds no weights (--save-weights none, or a run that did not finish); train it "
                        "again with --save-weights best or last"));
  }
  return record;
}

TrainedNet::TrainedNet(const Program& program, const std::filesystem::path& file, With with)
    : record_(read_with_weights(program, file)) {
  try {
    config_ = parse_shallow<nlohmann::ordered_json>(record_.provenance.at("config").get<std::string>());
    rebuild(program, with);
  } catch (const nlohmann::json::exception& e) {
    throw DataError(cat(file.string(), ": /provenance: config: ", e.what()));
  } catch (const InputError& e) {
    throw DataError(cat(file.string(), ": ", e.what()));
  }
  record_.weights.clear();
}

void TrainedNet::rebuild(const Program& program, With with) {
  registry_ = std::make_unique<Registry>(static_cast<std::uint64_t>(record_.seed));
  net_ =
      std::make_unique<Net>(Graph(graph_spec_from_json(config_.at("network").at("graph")), program.layers), *registry_);
  loss_ = make_loss(config_.at("loss").get<std::string>());
  if (with == With::rule) {
    if (record_.rule == "imported") {
      rule_ = program.rules.at("backprop").make({});
    } else {
      const auto& rule = config_.at("rule");
      std::map<std::string, std::string> given;
      for (const auto& [name, value] : rule.at("options").items()) {
        given[name] = value.is_string() ? value.get<std::string>() : value.dump();
      }
      const RuleEntry& entry = program.rules.at(record_.rule);
      rule_ = entry.make(resolve(entry, given).options);
    }
    rule_->prepare(*net_, *loss_, *registry_);
  }
  for (ParamId id = 0; id < registry_->size(); ++id) {
    const std::string& name = (*registry_)[id].name;
    Matrix& value = registry_->value(id);
    const NamedMatrix* found = nullptr;
    for (const NamedMatrix& w : record_.weights) {
      if (w.name == name) found = &w;
    }
    if (found == nullptr)
      throw DataError(cat("/weights: has no '", name, "', which the network of its configuration needs"));
    if (found->value.rows() != value.rows() || found->value.cols() != value.cols()) {
      throw DataError(cat("/weights: '", name, "' is ", found->value.rows(), " × ", found->value.cols(),
                          ", the network of its configuration needs ", value.rows(), " × ", value.cols()));
    }
    value = found->value;
  }
  const bool last = record_.provenance.value("save_weights", "best") == "last";
  epoch_ = last && !record_.training.empty() ? record_.training.back().epoch : std::max(record_.best_epoch, 0);
}

std::string TrainedNet::describe() const {
  return cat(record_.rule, " on ", record_.network, " and ", record_.dataset, ", seed ", record_.seed);
}

TrainingData load_training_data(const Program& program, const TrainedNet& trained, const std::string& path) {
  TrainingData found;
  const DatasetEntry& source = program.datasets.at(trained.record().dataset);
  try {
    found.data = load_data(program, {source, path});
  } catch (const DataError& e) {
    throw DataError(cat("data set ", source.name, ": ", e.what()));
  }
  try {
    const auto& config = trained.config().at("dataset");
    if (config.at("checksum") != found.data.checksum) {
      throw DataError(cat("data set ", source.name, ": has the checksum ", found.data.checksum,
                          ", the run was trained on ", config.at("checksum").get<std::string>(),
                          "; say with --data where its data are"));
    }
    found.split = split_examples(found.data.train.size(), config.at("validation").get<Index>(),
                                 config.at("split_seed").get<std::uint64_t>());
  } catch (const nlohmann::json::exception& e) {
    throw DataError(cat(trained.describe(), ": /provenance: config: ", e.what()));
  }
  return found;
}

}  // namespace strata::cli
