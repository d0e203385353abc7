#include "framework/io/record_json.hpp"

#include <cstring>

#include "framework/core/errors.hpp"

namespace strata {
namespace {

using Json = nlohmann::json;

// The fields of a row in one place, for both directions.
template <class Row, class Field> void each_epoch_field(Row& row, const Field& field) {
  field("train_loss", row.train_loss);
  field("train_accuracy", row.train_accuracy);
  field("train_seconds", row.train_seconds);
  field("validation_loss", row.validation_loss);
  field("validation_accuracy", row.validation_accuracy);
  field("validation_seconds", row.validation_seconds);
  field("test_loss", row.test_loss);
  field("test_accuracy", row.test_accuracy);
  field("test_seconds", row.test_seconds);
}

template <class Row, class Field> void each_layer_field(Row& row, const Field& field) {
  field("grad_norm", row.grad_norm);
  field("grad_mean_abs", row.grad_mean_abs);
  field("activation_norm", row.activation_norm);
  field("update_norm", row.update_norm);
  field("weight_norm", row.weight_norm);
  field("angle_to_backprop", row.angle_to_backprop);
  field("backprop_norm", row.backprop_norm);
}

}  // namespace

Json to_json(const EpochMetrics& row) {
  Json j{{"epoch", row.epoch}};
  each_epoch_field(row, [&](const char* name, double value) { j[name] = value; });
  return j;
}

EpochMetrics epoch_metrics_from_json(const Json& j) {
  EpochMetrics row{};
  row.epoch = j.at("epoch");
  each_epoch_field(row, [&](const char* name, double& value) { value = j.at(name); });
  return row;
}

Json to_json(const LayerMetrics& row) {
  Json j{{"epoch", row.epoch}};
  each_layer_field(row, [&](const char* name, const std::vector<double>& values) { j[name] = values; });
  return j;
}

LayerMetrics layer_metrics_from_json(const Json& j) {
  LayerMetrics row;
  row.epoch = j.at("epoch");
  each_layer_field(row, [&](const char* name, std::vector<double>& v) { v = j.at(name).get<std::vector<double>>(); });
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

Json to_json(const Matrix& m) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(m.size()) * sizeof(Scalar));
  if (!bytes.empty()) std::memcpy(bytes.data(), m.data(), bytes.size());
  return {{"rows", m.rows()}, {"cols", m.cols()}, {"values", Json::binary(std::move(bytes))}};
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
