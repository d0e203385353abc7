// Many runs in one table: summary.csv, a row a run, and summary.h5, rule × network × seed × epoch × layer.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "framework/io/run_record.hpp"

namespace strata {

inline constexpr const char* summary_schema = "strata-summary";
inline constexpr int summary_schema_version = 1;

/// A row of summary.csv, and what summary.h5 holds once a run. NaN, and best_epoch −1, where there is no value.
struct SummaryRow {
  std::string rule, network, dataset;
  std::int32_t seed = 0;
  std::string status;
  int epochs = 0;             ///< the last recorded epoch (0: before training)
  int best_epoch = -1;        ///< highest validation accuracy
  double train_loss;          ///< at the last epoch
  double val_accuracy;        ///< at best_epoch
  double test_accuracy;       ///< at best_epoch
  double test_accuracy_last;  ///< at the last epoch
  double seconds;             ///< total: training, validation and test
  std::string file;
};

SummaryRow summary_row(const RunRecord& record, const std::string& file);

/// Writes summary.csv (RFC 4180, a header line, NaN and best_epoch −1 as empty fields, shortest exact decimals) by
/// replace_file. Throws IoError.
void write_summary_csv(const std::filesystem::path& path, const std::vector<SummaryRow>& rows);

/// Writes summary.h5 by replace_file: all variables in the root group over the coordinates rule, network, seed, epoch
/// and layer (counted from 1, as long as the longest network; layer_name says which layer of each network it is), NaN
/// where a run or a value is absent. Labels keep different things apart: networks become "network@dataset" where the
/// records come from several data sets, and get "#2" where one name stands for several lists of layers; rules become
/// "rule@hash" where several configurations share rule, network and seed.
/// Throws IoError; InputError where two records agree even in their hash.
void write_summary_file(const std::filesystem::path& path, const std::vector<RunRecord>& records);

}  // namespace strata
