// The HDF5 file of one run: written whole from a RunRecord, read back, and checked.
//
//   /            @Conventions @title @history @source @schema @schema_version @status [@status_detail]
//                [@analysis: names of its groups] @checksum (of all that is read back; what somebody adds is not)
//   /README      one string: how to open the file in h5py, xarray, R, MATLAB and Julia
//   /provenance  @rule @network @dataset @seed @hash @best_epoch, then everything in RunRecord::provenance
//   /training    (epoch, split): loss, accuracy, seconds
//   /layers      (epoch, layer): every field of LayerMetrics; (layer): units_in_layer, depth
//   /rule        (epoch, layer): one variable a probe; left out where there are none
//   /gradient, /hierarchy, /attribution, /similarity: RunRecord::analysis; left out where there was none
//   /weights     a group a layer, matrices outputs × inputs; left out where there are none
// Every axis of every variable has a real dimension scale in its own group, so that xarray.open_dataset(file, group=…)
// names all dimensions with both of its engines. "Not measured" is NaN.
#pragma once

#include <array>
#include <filesystem>
#include <span>
#include <string>

#include "framework/io/run_record.hpp"

namespace strata {

/// A variable of /layers: its name in the file, where LayerMetrics keeps it, what it is and in which unit.
struct LayerField {
  const char* name;
  std::vector<double> LayerMetrics::*values;
  const char* long_name;
  const char* units;
};
/// All of them, in the order of the file.
std::span<const LayerField> layer_fields();

/// A variable of /training, with the members of EpochMetrics for training, validation and test.
struct TrainingField {
  const char* name;
  std::array<double EpochMetrics::*, 3> values;
  const char* long_name;
  const char* units;
  bool may_be_absent = false;  ///< in files of earlier versions; NaN then
};
std::span<const TrainingField> training_fields();

/// Names along the axis `split` of /training, in order.
inline constexpr std::array<const char*, 3> split_names{"train", "validation", "test"};

/// Writes the whole file by replace_file: a reader sees the old file or the new one, never a part.
/// In /provenance booleans become 0 or 1 and values that are neither a string nor a number their JSON text; keys that
/// repeat a field of the record (rule, network, dataset, seed, hash, best_epoch) are dropped in favour of the field.
/// Throws IoError when it cannot be written; ShapeError when a history does not fit `layers`.
void write_run_file(const std::filesystem::path& path, const RunRecord& record);

/// Reads what write_run_file wrote; weights only if asked. A layer or probe value that was absent comes back as NaN.
/// Throws DataError, one line: missing, truncated, not HDF5, not a run file, or of another schema version.
RunRecord read_run_file(const std::filesystem::path& path, bool with_weights = false);

/// What validate_run_file says about a good file.
struct RunFileInfo {
  std::string rule, network, dataset;
  std::int32_t seed = 0;
  std::string status;
  int epochs = 0;  ///< the last epoch; 0 where only the state before training, or nothing yet, is recorded
  int best_epoch = -1;
  std::size_t layers = 0;
  std::size_t weights = 0;  ///< matrices in /weights
};

/// Checks a file deeply: schema, required groups and variables, status, a fitting scale for every axis in the same
/// group or a parent, epochs in order, that all data can be read and fit their checksum. Groups that somebody added are
/// left alone. Throws DataError naming the first fault.
RunFileInfo validate_run_file(const std::filesystem::path& path);

}  // namespace strata
