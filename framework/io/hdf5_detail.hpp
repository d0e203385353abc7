// Shared by the reading and the writing half of the HDF5 layer; not for inclusion elsewhere.
#pragma once

#include <hdf5.h>
#include <hdf5_hl.h>

#include <string>
#include <string_view>
#include <type_traits>

#include "framework/core/errors.hpp"
#include "framework/io/hdf5.hpp"

namespace strata::h5 {

static_assert(std::is_same_v<Id, hid_t> && std::is_same_v<herr_t, int>);

/// Switches HDF5's own printing of errors off for a scope.
class Quiet {
 public:
  Quiet() {
    H5Eget_auto2(H5E_DEFAULT, &print_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~Quiet() { H5Eset_auto2(H5E_DEFAULT, print_, data_); }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  H5E_auto2_t print_ = nullptr;
  void* data_ = nullptr;
};

/// The text of the most specific error of the call that has just failed.
inline std::string innermost() {
  std::string text = "unknown HDF5 error";
  H5Ewalk2(
      H5E_DEFAULT, H5E_WALK_UPWARD,
      [](unsigned n, const H5E_error2_t* error, void* out) -> herr_t {
        if (n == 0 && error->desc) *static_cast<std::string*>(out) = error->desc;
        return 0;
      },
      &text);
  return text;
}

template <class E, class T> T checked(T result, const std::string& where, std::string_view what) {
  if (result < 0) throw E(cat(where, ": cannot ", what, " (HDF5: ", innermost(), ")"));
  return result;
}

// Every HDF5 call goes through one of these two: they turn a negative result into an error of the right kind.
template <class T> T wrote(T result, const std::string& where, std::string_view what = "write") {
  return checked<IoError>(result, where, what);
}
template <class T> T found(T result, const std::string& where, std::string_view what = "read") {
  return checked<DataError>(result, where, what);
}

template <class T> hid_t number_type() {
  if constexpr (std::is_same_v<T, float>) return H5T_NATIVE_FLOAT;
  else if constexpr (std::is_same_v<T, double>) return H5T_NATIVE_DOUBLE;
  else if constexpr (std::is_same_v<T, std::int32_t>) return H5T_NATIVE_INT32;
  else if constexpr (std::is_same_v<T, std::int64_t>) return H5T_NATIVE_INT64;
  else return H5T_NATIVE_UINT8;
}

}  // namespace strata::h5
