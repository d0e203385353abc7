#include "experiments/cli/data_source.hpp"

#include "framework/core/errors.hpp"

namespace strata::cli {

DataSource data_source(const Program& program, const Values& values) {
  const std::string& name = values.text("dataset");
  const std::string& path = values.text("data");
  if (!name.ends_with(".h5") && !name.ends_with(".hdf5")) return {program.datasets.at(name), path};
  if (!path.empty()) throw UsageError(cat("--dataset ", name, ": is a file; leave out --data ", path));
  return {program.datasets.at("hdf5"), name};
}

Dataset load_data(const Program& program, const DataSource& source) {
  if (source.entry.hdf5 && !source.path.empty() && program.check_hdf5_data) program.check_hdf5_data(source.path);
  return source.entry.load(source.path);
}

}  // namespace strata::cli
