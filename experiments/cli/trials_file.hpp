// All trials of a search as an HDF5 file, trials.h5.
#pragma once

#include <filesystem>
#include <string>

#include "experiments/cli/tuning.hpp"

namespace strata::cli {

inline constexpr const char* trials_schema = "strata-trials";
inline constexpr int trials_schema_version = 2;

/// By replace_file: /trials over rule × network × trial (× epoch, hyperparameter).
void write_trials_file(const std::filesystem::path& path, const Tuning& tuning, const std::string& history);
/// What write_trials_file wrote, as far as the file has it: a cell's rule, network, trials, best trial and sums, and of a
/// trial all but its file and the reason why it failed. Cells without trials are left out.
/// Throws DataError, one line: missing, not HDF5, damaged, not a file of trials, or of another schema version.
Tuning read_trials_file(const std::filesystem::path& path);

}  // namespace strata::cli
