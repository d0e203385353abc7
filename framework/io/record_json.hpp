// Histories as JSON, for checkpoints. Doubles keep their bits through CBOR, NaN included.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>

#include "framework/io/run_record.hpp"

namespace strata {

nlohmann::json to_json(const EpochMetrics& row);
nlohmann::json to_json(const LayerMetrics& row);
nlohmann::json to_json(const RuleMetrics& row);
EpochMetrics epoch_metrics_from_json(const nlohmann::json& json);
LayerMetrics layer_metrics_from_json(const nlohmann::json& json);
RuleMetrics rule_metrics_from_json(const nlohmann::json& json);

/// A matrix as {rows, cols, values: the raw bytes}; the scalar type is told by the bytes' length.
nlohmann::json matrix_json(Index rows, Index cols, std::span<const std::byte> column_major);
nlohmann::json to_json(const Matrix& m);
/// Throws DataError if the bytes are not rows × cols scalars of this build.
Matrix matrix_from_json(const nlohmann::json& json);

}  // namespace strata
