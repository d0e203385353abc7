// Everything one run leaves behind, in plain types: what the HDF5 file of a run is written from, what the
// checkpoint keeps, and what summary tables are made of. Knows nothing of HDF5.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "framework/core/types.hpp"
#include "framework/io/data_group.hpp"

namespace strata {

inline constexpr const char* run_schema = "strata-run";
inline constexpr int run_schema_version = 1;

/// A row of /training: epoch 0 is before training.
struct EpochMetrics {
  int epoch = 0;
  double train_loss, train_accuracy, train_seconds;  ///< accuracy as a fraction; NaN where not measured
  double validation_loss, validation_accuracy, validation_seconds;
  double test_loss, test_accuracy, test_seconds;  ///< NaN but at the chosen and the last epoch
  /// Multiply-adds in the matrix products of the epoch's training, and of evaluating; NaN in files from before this was
  /// counted.
  double train_multiply_adds = quiet_nan, validation_multiply_adds = quiet_nan, test_multiply_adds = quiet_nan;
};

/// A row of /layers: one value a layer (parametrised node), in the order of RunRecord::layers.
struct LayerMetrics {
  int epoch = 0;
  std::vector<double> grad_norm;      ///< ‖rule's pseudo-gradient‖ (weights and bias together)
  std::vector<double> grad_mean_abs;  ///< mean |∂L/∂a| over the layer's neurons and the probe examples, true gradient
  std::vector<double> activation_norm;    ///< root mean square over examples of ‖a‖₂
  std::vector<double> update_norm;        ///< ‖W_e − W_{e−1}‖_F, NaN at epoch 0
  std::vector<double> weight_norm;        ///< ‖W_e‖_F
  std::vector<double> angle_to_backprop;  ///< degrees; NaN where undefined
  std::vector<double> backprop_norm;      ///< ‖backprop's gradient‖
  /// Degrees between the pseudo-gradient and the Gauss–Newton step on activations (gauss_newton.hpp); NaN where undefined
  std::vector<double> angle_to_gauss_newton;
};

/// A row of /rule: named probe values, one a layer (NaN where the probe has none).
struct RuleMetrics {
  int epoch = 0;
  std::vector<std::pair<std::string, std::vector<double>>> values;
};

/// A named matrix of /weights.
struct NamedMatrix {
  std::string name;   ///< "h1.weight"
  std::string group;  ///< "forward", "feedback", "inverse", …
  Matrix value;
};

struct RunRecord {
  // Identity.
  std::string rule, network, dataset;
  std::int32_t seed = 0;
  std::string hash;           ///< of the resolved config, 8 hex digits: part of the file name
  std::string status;         ///< running, complete, diverged, interrupted
  std::string status_detail;  ///< what diverged and where; empty otherwise
  std::string title, history, source;

  // Axes.
  std::vector<std::string> layers;        ///< names of the parametrised nodes in topological order
  std::vector<std::int32_t> layer_units;  ///< neurons of each layer
  std::vector<std::int32_t> layer_depth;  ///< longest path from the input, in parametrised layers (1 = first)

  // Histories, one row an epoch, epoch 0 first.
  std::vector<EpochMetrics> training;
  std::vector<LayerMetrics> layer_metrics;
  std::vector<RuleMetrics> rule_metrics;

  // What the analysis found at its snapshots: a group each, the axis `snapshot` counting epochs.
  std::vector<DataGroup> analysis;

  // Outcome (best_epoch −1 until there is one).
  int best_epoch = -1;

  // Attributes of /provenance: name → string, integer or real number.
  nlohmann::ordered_json provenance = nlohmann::ordered_json::object();

  // Empty unless asked for.
  std::vector<NamedMatrix> weights;
};

}  // namespace strata
