// NumPy's .npy files: a header that is a Python dictionary, then the values.
//
// Read: versions 1 to 3, little-endian integers and reals of 1 to 8 bytes, in C order. Big-endian and structured types,
// Python objects and, but where it is asked for, Fortran order are refused.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <istream>
#include <memory>
#include <string>

#include "datasets/arrays.hpp"

namespace strata {

/// An array of a file whose header agrees with its length to the byte. Throws MissingFile or DataError.
std::unique_ptr<ArraySource> open_npy(const std::filesystem::path& file);

/// Where the bytes of an array are: in a file, or in a part of one.
struct NpyBytes {
  std::string where;  ///< for messages
  std::uint64_t size = 0;
  /// A stream of the first `most` of them, or of all.
  std::function<std::unique_ptr<std::istream>(std::uint64_t most)> open;
};

/// An array whose header agrees with the number of its bytes; a matrix may be in Fortran order if `fortran_order`. Its
/// values are still read row-major. Throws DataError.
std::unique_ptr<ArraySource> open_npy(NpyBytes bytes, bool fortran_order);

/// The data set of the files x.npy and y.npy (or x_train.npy and y_train.npy), and x_test.npy and y_test.npy where there
/// is a test set, in `folder`. Throws DataError as load_arrays does.
Dataset load_npy_dataset(const std::filesystem::path& folder);

}  // namespace strata
