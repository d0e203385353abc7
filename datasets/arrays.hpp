// Data sets that users make of arrays, whatever files hold them: x and y, and x_test and y_test where there is a test
// set of its own (or x_train and y_train beside them).
//
//   x  examples × anything, uint8 (0 … 255 becomes 0 … 1) or real numbers (taken as they are)
//   y  one class an example (0, 1, 2, …), or examples × classes with a single 1 in each row
//
// Reads on the calling thread alone, so that a child process can do it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "framework/learning/dataset.hpp"

namespace strata {

/// An array of numbers in a file. What it says of itself has been compared with what the file can hold; its values are
/// not read yet.
class ArraySource {
 public:
  virtual ~ArraySource() = default;
  std::string where;  ///< for messages: "mine.h5:/x"
  std::string type;   ///< as numpy calls it: "uint8", "float32"
  std::vector<std::uint64_t> shape;

  /// All values, row-major (the last axis runs fastest), converted. Throw DataError.
  virtual void read(std::span<std::uint8_t> values) const = 0;
  virtual void read(std::span<float> values) const = 0;
  virtual void read(std::span<double> values) const = 0;
};

/// Where arrays are found by name: an HDF5 file, or a folder of files.
class ArrayFolder {
 public:
  virtual ~ArrayFolder() = default;
  virtual std::string where() const = 0;
  virtual std::vector<std::string> names() const = 0;
  /// Throws DataError.
  virtual std::unique_ptr<ArraySource> open(const std::string& name) const = 0;
};

/// The data set of such arrays. x of rank 2 gives samples of shape {n}, of rank 3 (rows × columns) {1, rows, columns},
/// of a higher one all axes but the first. Classes: the width of y, or the largest label and one; none may be missing
/// then. Without a test set a fifth of the examples becomes one, drawn at random but always the same ones;
/// Dataset::note says so. The checksum covers the values and the labels as the files hold them: equal to that of IDX
/// files with the same bytes.
/// Throws DataError naming array, value and what was expected: an array missing, no examples, counts or shapes that
/// differ, another type, a value that is not finite, labels that are no classes, negative or with gaps.
Dataset load_arrays(const std::string& name, const ArrayFolder& folder);

}  // namespace strata
