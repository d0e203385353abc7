// NumPy's .npz files: a zip archive of .npy files. For named matrices, such as a network's weights.
//
// Read: what numpy.savez and numpy.savez_compressed write, up to 4 GiB. What an archive says of itself is compared with
// its length; an array takes memory only when its values are read, after the caller has seen its shape.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "datasets/arrays.hpp"
#include "framework/io/run_record.hpp"

namespace strata {

/// True if the file begins as a zip archive does; false also if it cannot be read.
bool is_npz(const std::filesystem::path& file);

/// Its arrays in the archive's order, without the ending .npy; what else an archive holds is passed over. Matrices may be
/// in C or Fortran order; they are read while the archive that gave them is there. Throws MissingFile or DataError: truncated, damaged, encrypted, above 4 GiB, a name twice.
std::unique_ptr<ArrayFolder> open_npz(const std::filesystem::path& file);

/// The bytes of an archive with such matrices, not compressed, each in C order and of Scalar's type. One of a single
/// column whose name does not end in "weight" becomes a vector, as a bias is in torch. Equal matrices give equal bytes.
/// Throws UsageError above 4 GiB.
std::string npz_bytes(const std::vector<NamedMatrix>& matrices);

/// The shape that npz_bytes gives a matrix.
std::vector<std::uint64_t> npz_shape(const NamedMatrix& matrix);

}  // namespace strata
