// Which data set is meant, and its data, read with the care that a foreign file needs.
#pragma once

#include <string>

#include "experiments/cli/cli.hpp"
#include "experiments/cli/values.hpp"

namespace strata::cli {

struct DataSource {
  const DatasetEntry& entry;
  std::string path;  ///< "" = where the data set usually lies
};

/// By --dataset and --data; `--dataset FILE.h5` is short for `--dataset hdf5 --data FILE.h5`. Throws UsageError.
DataSource data_source(const Program& program, const Values& values);

/// An HDF5 file is loaded in a child process first, if the program has one. Throws as DatasetEntry::load does, and as
/// ChildWalker.
Dataset load_data(const Program& program, const DataSource& source);

}  // namespace strata::cli
