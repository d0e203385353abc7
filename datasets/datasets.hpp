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
  std::string summary;  ///< one line: what it is, and where it is looked for
  std::string source;   ///< where it comes from, with its licence
  /// Loads the data from a folder ("" = where the data set usually lies). Throws DataError when they are not there or
  /// not what they should be, UsageError when a folder makes no sense or is needed and not given.
  std::function<Dataset(const std::string& folder)> load;
};

using DatasetCatalog = CatalogOf<DatasetEntry>;

/// Every data set of this folder.
DatasetCatalog builtin_datasets();

}  // namespace strata
