// A file that a command is to write, checked before it works: what is there already is left as it is.
#pragma once

#include <filesystem>

#include "framework/core/errors.hpp"

namespace strata::cli {

/// Throws UsageError if `file` exists, or cannot for want of a folder.
inline void check_new_file(const std::filesystem::path& file) {
  std::error_code ignored;
  if (std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) {
    throw UsageError(
        cat("--out ", file.string(), ": is there already, and is left as it is; choose another name, or remove it"));
  }
  if (const auto folder = file.parent_path(); !folder.empty() && !std::filesystem::is_directory(folder, ignored)) {
    throw UsageError(cat("--out ", file.string(), ": there is no folder ", folder.string()));
  }
}

}  // namespace strata::cli
