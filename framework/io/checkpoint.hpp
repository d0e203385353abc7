// A checkpoint on disk: a header line, a checksum, and CBOR. Written beside the run's file, replaced as a whole.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

namespace strata {

/// Writes to a temporary file, fsyncs, renames. Throws IoError; an existing checkpoint survives a failure.
void write_checkpoint(const std::filesystem::path& path, const nlohmann::json& content);

/// Throws DataError naming the file if it is missing, truncated, or its checksum does not fit.
nlohmann::json read_checkpoint(const std::filesystem::path& path);

}  // namespace strata
