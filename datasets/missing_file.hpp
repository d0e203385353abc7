// Where data files are looked for: one that does not exist is told apart from one that is wrong.
#pragma once

#include <filesystem>
#include <string>

#include "framework/core/errors.hpp"

namespace strata {

/// A data file or folder that does not exist.
class MissingFile : public DataError {
 public:
  using DataError::DataError;
};

/// Throws MissingFile or DataError unless `folder` is one; `expected` ends the message.
inline void check_data_folder(const std::filesystem::path& folder, const std::string& expected) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return;
  if (std::filesystem::exists(folder, error))
    throw DataError(cat(folder.string(), ": is not a folder; expected ", expected));
  throw MissingFile(cat(folder.string(), ": there is no such folder; expected ", expected));
}

/// Throws MissingFile or DataError unless `file` is one; `kind` is what it should be: "an IDX file".
inline void check_data_file(const std::filesystem::path& file, const std::string& kind) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) throw MissingFile(cat(file.string(), ": there is no such file"));
  if (!std::filesystem::is_regular_file(file, error))
    throw DataError(cat(file.string(), ": is not a file; expected ", kind));
}

}  // namespace strata
