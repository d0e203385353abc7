// HDF5 files as other programs write them: arrays without dimension scales, in any type, layout and compression.
#pragma once

#include <hdf5.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace strata::testing {

template <class T> hid_t hdf5_type() {
  if constexpr (std::is_same_v<T, std::uint8_t>) return H5T_STD_U8LE;
  else if constexpr (std::is_same_v<T, std::int32_t>) return H5T_STD_I32LE;
  else if constexpr (std::is_same_v<T, std::int64_t>) return H5T_STD_I64LE;
  else if constexpr (std::is_same_v<T, float>) return H5T_IEEE_F32LE;
  else return H5T_IEEE_F64LE;
}

/// A new file; closed with all that is open in it.
class ArrayFile {
 public:
  explicit ArrayFile(const std::filesystem::path& path)
      : id_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT)) {
    if (id_ < 0) throw std::runtime_error("cannot write an HDF5 file");
  }
  ~ArrayFile() { H5Fclose(id_); }
  ArrayFile(const ArrayFile&) = delete;
  ArrayFile& operator=(const ArrayFile&) = delete;
  hid_t id() const { return id_; }

  /// An array, stored by `creation`; `stored` instead of T as its type where it is given.
  template <class T>
  void add(const std::string& name, const std::vector<hsize_t>& shape, const std::vector<T>& values,
           hid_t creation = H5P_DEFAULT, hid_t stored = -1) const {
    const hid_t space =
        shape.empty() ? H5Screate(H5S_SCALAR) : H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
    const hid_t set =
        H5Dcreate2(id_, name.c_str(), stored < 0 ? hdf5_type<T>() : stored, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    const bool good = set >= 0 && (values.empty() ||
                                   H5Dwrite(set, hdf5_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) >= 0);
    if (set >= 0) H5Dclose(set);
    H5Sclose(space);
    if (!good) throw std::runtime_error("cannot write " + name);
  }

 private:
  hid_t id_;
};

/// How a dataset is stored: in chunks of that shape, gzipped if `level` is above 0.
class Chunks {
 public:
  explicit Chunks(const std::vector<hsize_t>& shape, unsigned level = 6) : id_(H5Pcreate(H5P_DATASET_CREATE)) {
    H5Pset_chunk(id_, static_cast<int>(shape.size()), shape.data());
    if (level > 0) H5Pset_deflate(id_, level);
  }
  ~Chunks() { H5Pclose(id_); }
  Chunks(const Chunks&) = delete;
  Chunks& operator=(const Chunks&) = delete;
  hid_t id() const { return id_; }

 private:
  hid_t id_;
};

}  // namespace strata::testing
