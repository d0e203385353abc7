// The data sets that a program knows. A value: a program outside the tree adds its own to builtin_datasets().
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "framework/core/catalog.hpp"
#include "framework/learning/dataset.hpp"

namespace strata {

struct DatasetEntry {
  static constexpr const char* kind = "data set";
  std::string name;     ///< "fashion-mnist"
  std::string summary;  ///< one line: what it is
  std::string source;   ///< where it comes from, with its licence
  /// Loads the data from a folder or file ("" = where the data set usually lies). Throws DataError when they are not
  /// there or not what they should be, UsageError when a path makes no sense or is needed and not given.
  std::function<Dataset(const std::string& path)> load;
  std::string needs = {};  ///< one line: which files, and where they are looked for
  bool hdf5 = false;       ///< reads an HDF5 file: a child process is to load it first (framework/io/child_walker.hpp)
};

using DatasetCatalog = CatalogOf<DatasetEntry>;

/// Every data set of this folder.
DatasetCatalog builtin_datasets();

}  // namespace strata
