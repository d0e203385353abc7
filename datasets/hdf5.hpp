// Data sets in HDF5 files: arrays x and y in the root group, as arrays.hpp describes them.
#pragma once

#include <filesystem>

#include "framework/learning/dataset.hpp"

namespace strata {

/// Throws DataError as load_arrays does, and for a file that is missing, damaged or not HDF5; IoError where it cannot be
/// opened. HDF5's own parser has faults: a file that anybody may have written is loaded in a child process first
/// (framework/io/child_walker.hpp), as the program does.
Dataset load_hdf5_dataset(const std::filesystem::path& file);

}  // namespace strata
