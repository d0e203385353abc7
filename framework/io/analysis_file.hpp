// The HDF5 file of an analysis made after training, by `strata attribute`.
//
//   /            @Conventions @title @history @source @schema @schema_version
//   /README      one string: what it is and how to open it
//   /provenance  attributes: which run it looked at, and how
//   then the groups of a run file's analysis, and /influence and /similarity_to where they were asked for
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "framework/io/data_group.hpp"

namespace strata {

inline constexpr const char* analysis_schema = "strata-analysis";
inline constexpr int analysis_schema_version = 1;

struct AnalysisRecord {
  std::string title, history, source;
  nlohmann::ordered_json provenance = nlohmann::ordered_json::object();  ///< name → string, integer or real number
  std::vector<DataGroup> groups;
};

/// Writes the whole file by replace_file. Throws UsageError if there is a file of that name, IoError when it cannot be
/// written.
void write_analysis_file(const std::filesystem::path& path, const AnalysisRecord& record);

/// Reads what write_analysis_file wrote. Throws DataError, one line, on anything else.
AnalysisRecord read_analysis_file(const std::filesystem::path& path);

}  // namespace strata
