// CIFAR-10 in its binary version: records of a byte for the class and 3 × 32 × 32 bytes for the image, red, green and
// blue one after the other, each row by row.
#pragma once

#include <filesystem>

#include "framework/learning/dataset.hpp"

namespace strata {

/// The data set of data_batch_1.bin … data_batch_5.bin and test_batch.bin in `folder`, or in its cifar-10-batches-bin.
/// Pixels become 0 … 1; samples have the shape {3, 32, 32}. Throws MissingFile, and DataError naming the file: not a
/// whole number of records, or none; a class above 9.
Dataset load_cifar10_dataset(const std::filesystem::path& folder);

}  // namespace strata
