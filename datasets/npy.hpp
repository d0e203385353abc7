// NumPy's .npy files: a header that is a Python dictionary, then the values.
//
// Read: versions 1 to 3, little-endian integers and reals of 1 to 8 bytes, in C order. Big-endian and structured types,
// Python objects and Fortran order are refused.
#pragma once

#include <filesystem>
#include <memory>

#include "datasets/arrays.hpp"

namespace strata {

/// An array of a file whose header agrees with its length to the byte. Throws MissingFile or DataError.
std::unique_ptr<ArraySource> open_npy(const std::filesystem::path& file);

/// The data set of the files x.npy and y.npy (or x_train.npy and y_train.npy), and x_test.npy and y_test.npy where there
/// is a test set, in `folder`. Throws DataError as load_arrays does.
Dataset load_npy_dataset(const std::filesystem::path& folder);

}  // namespace strata
