// Arrays that anybody may have written: checked by what they say before anything is allocated.
#include <algorithm>
#include <filesystem>

#include "framework/io/hdf5_detail.hpp"

namespace strata::h5 {
namespace {

// What numpy calls a type; numbers are told apart by kind and size alone, since HDF5 converts the order of bytes.
std::string type_name(hid_t type) {
  const std::size_t bits = 8 * H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_INTEGER: return cat(H5Tget_sign(type) == H5T_SGN_NONE ? "uint" : "int", bits);
    case H5T_FLOAT: return cat("float", bits);
    case H5T_STRING: return "string";
    case H5T_ENUM: return "enum or bool";
    case H5T_COMPOUND: return "compound";
    default: return "no numbers";
  }
}

void check_filters(hid_t creation, const std::string& where) {
  const int filters = found(H5Pget_nfilters(creation), where);
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0;
    std::size_t values = 0;
    char name[64] = {};
    const H5Z_filter_t id = found(
        H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &values, nullptr, sizeof name - 1, name, nullptr),
        where);
    if (H5Zfilter_avail(id) > 0) continue;
    throw DataError(cat(where, ": is compressed with filter ", id, name[0] ? cat(" (", name, ")") : "",
                        ", which this HDF5 library lacks; write it again with gzip or without compression"));
  }
}

std::uint64_t file_size(const std::string& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  return error ? 0 : size;
}

}  // namespace

ArrayInfo Group::array(const std::string& name) const {
  const Quiet quiet;
  const std::string here = where(name);
  const Id object = dataset(name);
  const Handle type(found(H5Dget_type(object), here), H5Tclose);
  const Handle space(found(H5Dget_space(object), here), H5Sclose);
  const Handle creation(found(H5Dget_create_plist(object), here), H5Pclose);
  ArrayInfo info{type_name(type.get()), {}};
  const int rank = found(H5Sget_simple_extent_ndims(space.get()), here);
  std::vector<hsize_t> extents(static_cast<std::size_t>(rank));
  if (rank > 0) found(H5Sget_simple_extent_dims(space.get(), extents.data(), nullptr), here);
  info.shape.assign(extents.begin(), extents.end());

  const H5D_layout_t layout = found(H5Pget_layout(creation.get()), here);
  if (layout == H5D_VIRTUAL || (layout == H5D_CONTIGUOUS && found(H5Pget_external_count(creation.get()), here) > 0))
    throw DataError(cat(here, ": its values are kept in other files; expected all in one, as h5repack writes it"));
  check_filters(creation.get(), here);
  constexpr long double best_ratio = 1100;  // of gzip, a little generously
  const auto held = static_cast<long double>(std::min<std::uint64_t>(H5Dget_storage_size(object), file_size(file_)));
  auto bytes = static_cast<long double>(std::max<std::size_t>(1, H5Tget_size(type.get())));
  for (const auto extent : info.shape) bytes *= static_cast<long double>(extent);
  if (bytes > 0 && held == 0) throw DataError(cat(here, ": holds no values: none were written"));
  if (bytes > held * (layout == H5D_CHUNKED ? best_ratio : 1))
    throw DataError(cat(here, ": damaged: says it has ", static_cast<double>(bytes),
                        " bytes of values, the file holds ", static_cast<std::uint64_t>(held)));
  return info;
}

template <class T> void Group::read(const std::string& name, std::span<T> values) const {
  const Quiet quiet;
  const std::string here = where(name);
  const Id object = dataset(name);
  const Handle space(found(H5Dget_space(object), here), H5Sclose);
  const auto count = static_cast<std::uint64_t>(found(H5Sget_simple_extent_npoints(space.get()), here));
  if (count != values.size())
    throw DataError(cat(here, ": has ", count, " values where ", values.size(), " are expected"));
  if (count > 0) found(H5Dread(object, number_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), here);
}

template void Group::read(const std::string&, std::span<std::uint8_t>) const;
template void Group::read(const std::string&, std::span<float>) const;
template void Group::read(const std::string&, std::span<double>) const;

}  // namespace strata::h5
