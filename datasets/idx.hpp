// IDX files (LeCun's MNIST format), plain or gzip: told apart by their first bytes, not by their names.
//
//   images  00 00 08 03, then big-endian 32-bit counts: images, rows, columns; then a byte a pixel, row by row
//   labels  00 00 08 01, then one count; then a byte a label
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "datasets/missing_file.hpp"
#include "framework/learning/dataset.hpp"

namespace strata {

struct IdxImages {
  Index count = 0, rows = 0, cols = 0;
  std::vector<std::uint8_t> pixels;  ///< count × rows × cols, the last running fastest
};

/// Throw MissingFile if there is no such file, otherwise DataError naming the file, what was found and what was
/// expected: truncated, damaged gzip, wrong magic number, more or fewer bytes than the counts say.
IdxImages read_idx_images(const std::filesystem::path& path);
std::vector<std::uint8_t> read_idx_labels(const std::filesystem::path& path);

/// The data set of the four files train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
/// t10k-labels-idx1-ubyte, each with or without ".gz", in `folder`. Pixels become 0 … 1; samples have the shape
/// {1, rows, cols}; classes = largest label + 1. Throws as above, and DataError where labels and images differ in
/// number or the two parts in size.
Dataset load_idx_dataset(const std::string& name, const std::filesystem::path& folder);

}  // namespace strata
