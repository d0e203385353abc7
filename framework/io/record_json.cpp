#include "framework/io/record_json.hpp"

#include <cmath>
#include <cstring>

#include "framework/core/errors.hpp"
#include "framework/io/run_file.hpp"

namespace strata {
namespace {

using Json = nlohmann::json;

// "train_loss": a field of /training and the split it belongs to.
template <class Row, class Use> void each_epoch_field(Row& row, const Use& use) {
  for (const TrainingField& field : training_fields()) {
    for (std::size_t split = 0; split < split_names.size(); ++split) {
      use(cat(split_names[split], "_", field.name), row.*field.values[split], field.may_be_absent);
    }
  }
}

}  // namespace

Json to_json(const EpochMetrics& row) {
  Json j{{"epoch", row.epoch}};
  each_epoch_field(row, [&](const std::string& name, double value, bool may_be_absent) {
    if (!may_be_absent || !std::isnan(value)) j[name] = value;
  });
  return j;
}

EpochMetrics epoch_metrics_from_json(const Json& j) {
  EpochMetrics row{};
  row.epoch = j.at("epoch");
  each_epoch_field(row, [&](const std::string& name, double& value, bool may_be_absent) {
    if (!may_be_absent || j.contains(name)) value = j.at(name);
  });
  return row;
}

Json to_json(const LayerMetrics& row) {
  Json j{{"epoch", row.epoch}};
  for (const LayerField& field : layer_fields()) j[field.name] = row.*field.values;
  return j;
}

LayerMetrics layer_metrics_from_json(const Json& j) {
  LayerMetrics row;
  row.epoch = j.at("epoch");
  for (const LayerField& field : layer_fields()) row.*field.values = j.at(field.name).get<std::vector<double>>();
  return row;
}

Json to_json(const RuleMetrics& row) {
  Json values = Json::array();
  for (const auto& [name, v] : row.values) values.push_back({{"name", name}, {"values", v}});
  return {{"epoch", row.epoch}, {"values", values}};
}

RuleMetrics rule_metrics_from_json(const Json& j) {
  RuleMetrics row;
  row.epoch = j.at("epoch");
  for (const auto& v : j.at("values")) {
    row.values.emplace_back(v.at("name").get<std::string>(), v.at("values").get<std::vector<double>>());
  }
  return row;
}

Json matrix_json(Index rows, Index cols, std::span<const std::byte> column_major) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(column_major.data());
  return {{"rows", rows},
          {"cols", cols},
          {"values", Json::binary(std::vector<std::uint8_t>(bytes, bytes + column_major.size()))}};
}

Json to_json(const Matrix& m) {
  return matrix_json(m.rows(), m.cols(), std::as_bytes(std::span(m.data(), static_cast<std::size_t>(m.size()))));
}

Matrix matrix_from_json(const Json& j) {
  const Index rows = j.at("rows");
  const Index cols = j.at("cols");
  const auto& bytes = j.at("values").get_binary();
  const bool fits = rows >= 0 && cols >= 0 && static_cast<std::size_t>(rows) <= bytes.size() + 1 &&
                    static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols) * sizeof(Scalar) == bytes.size();
  if (!fits) {
    throw DataError(cat("a stored matrix of ", rows, " × ", cols, " has ", bytes.size(), " bytes: expected ",
                        sizeof(Scalar), " a number"));
  }
  Matrix m(rows, cols);
  if (!bytes.empty()) std::memcpy(m.data(), bytes.data(), bytes.size());
  return m;
}

}  // namespace strata
