#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "framework/io/hdf5_detail.hpp"

namespace strata::h5 {
namespace {

/// Reads strings, variable-length or fixed; `read(type, memory)` fills the memory.
template <class F>
std::vector<std::string> read_strings(hid_t type, hid_t space, hsize_t count, const std::string& where, F read) {
  std::vector<std::string> result(count);
  if (count == 0) return result;
  if (found(H5Tis_variable_str(type), where)) {
    std::vector<char*> pointers(count, nullptr);
    read(type, pointers.data());
    for (hsize_t i = 0; i < count; ++i) result[i] = pointers[i] ? pointers[i] : "";
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, pointers.data());
  } else {
    const std::size_t length = H5Tget_size(type);
    std::string bytes(length * count, '\0');
    read(type, bytes.data());
    for (hsize_t i = 0; i < count; ++i) result[i] = bytes.substr(i * length, ::strnlen(&bytes[i * length], length));
  }
  return result;
}

}  // namespace

Handle Group::child(const std::string& name) const {
  if (found(H5Lexists(handle_.get(), name.c_str(), H5P_DEFAULT), where(name)) == 0)
    throw DataError(cat(where(name), ": not in the file"));
  return {found(H5Oopen(handle_.get(), name.c_str(), H5P_DEFAULT), where(name), "open"), H5Oclose};
}

Id Group::object(const std::string& name) const {
  if (name.empty()) return handle_.get();
  if (name != last_name_ || last_.get() < 0) {
    last_ = child(name);
    last_name_ = name;
  }
  return last_.get();
}

Id Group::dataset(const std::string& name) const {
  const Id id = object(name);
  if (H5Iget_type(id) != H5I_DATASET) throw DataError(cat(where(name), ": expected a dataset"));
  return id;
}

bool Group::has_group(const std::string& name) const {
  const auto all = groups();
  return std::find(all.begin(), all.end(), name) != all.end();
}

bool Group::has_dataset(const std::string& name) const {
  const auto all = datasets();
  return std::find(all.begin(), all.end(), name) != all.end();
}

namespace {

std::vector<std::string> members(hid_t group, const std::string& where, H5O_type_t wanted) {
  const Quiet quiet;
  H5G_info_t info;
  found(H5Gget_info(group, &info), where);
  std::vector<std::string> names;
  H5_index_t index = H5_INDEX_CRT_ORDER;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const auto name = [&](char* out, std::size_t size) {
      return H5Lget_name_by_idx(group, ".", index, H5_ITER_INC, i, out, size, H5P_DEFAULT);
    };
    auto length = name(nullptr, 0);
    if (length < 0 && i == 0) {  // creation order is not tracked
      index = H5_INDEX_NAME;
      length = name(nullptr, 0);
    }
    std::string text(static_cast<std::size_t>(found(length, where)), '\0');
    found(name(text.data(), text.size() + 1), where);
    H5O_info_t object;
    found(H5Oget_info_by_name2(group, text.c_str(), &object, H5O_INFO_BASIC, H5P_DEFAULT), cat(where, " ", text),
          "open");
    if (object.type == wanted) names.push_back(std::move(text));
  }
  return names;
}

}  // namespace

std::vector<std::string> Group::groups() const { return members(handle_.get(), where(), H5O_TYPE_GROUP); }
std::vector<std::string> Group::datasets() const { return members(handle_.get(), where(), H5O_TYPE_DATASET); }

Group Group::open(const std::string& name) const {
  const Quiet quiet;
  Handle handle = child(name);
  if (H5Iget_type(handle.get()) != H5I_GROUP) throw DataError(cat(where(name), ": expected a group"));
  if (std::count(path_.begin(), path_.end(), '/') > 32)  // a group that contains itself, say
    throw DataError(cat(file_, ": groups are nested more than 32 deep"));
  return {std::move(handle), file_, path_ == "/" ? "/" + name : path_ + "/" + name};
}

std::vector<std::string> Group::attributes(const std::string& dataset) const {
  const Quiet quiet;
  const Id object = this->object(dataset);
  std::vector<std::string> names;
  const auto collect = [](hid_t, const char* name, const H5A_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  hsize_t start = 0;
  if (H5Aiterate2(object, H5_INDEX_CRT_ORDER, H5_ITER_INC, &start, collect, &names) < 0) {
    names.clear();
    start = 0;
    found(H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &start, collect, &names), where(dataset));
  }
  return names;
}

bool Group::has_attribute(const std::string& name, const std::string& dataset) const {
  const Quiet quiet;
  return found(H5Aexists(object(dataset), name.c_str()), where(dataset)) > 0;
}

Attribute Group::attribute(const std::string& name, const std::string& dataset) const {
  const Quiet quiet;
  const std::string here = cat(where(dataset), " @", name);
  const Id object = this->object(dataset);
  if (found(H5Aexists(object, name.c_str()), here) == 0) throw DataError(cat(here, ": no such attribute"));
  const Handle attribute(found(H5Aopen(object, name.c_str(), H5P_DEFAULT), here), H5Aclose);
  const Handle type(found(H5Aget_type(attribute.get()), here), H5Tclose);
  const Handle space(found(H5Aget_space(attribute.get()), here), H5Sclose);
  const auto read = [&](hid_t memory, void* out) { found(H5Aread(attribute.get(), memory, out), here); };
  const auto count = static_cast<std::size_t>(found(H5Sget_simple_extent_npoints(space.get()), here));
  if (H5Sget_simple_extent_type(space.get()) == H5S_NULL || H5Sget_simple_extent_ndims(space.get()) > 1)
    throw DataError(cat(here, ": expected a scalar or one axis"));
  // One value is a scalar, however it was stored: h5py and netCDF differ in that.
  const auto shaped = [&]<class T>(std::vector<T> values) -> Attribute {
    if (values.size() == 1) return std::move(values[0]);
    return values;
  };
  const auto numbers = [&]<class T>(T) {
    std::vector<T> values(count);
    if (count > 0) read(number_type<T>(), values.data());
    return shaped(std::move(values));
  };
  switch (H5Tget_class(type.get())) {
    case H5T_STRING: return shaped(read_strings(type.get(), space.get(), count, here, read));
    case H5T_FLOAT: return numbers(double{});
    case H5T_INTEGER: return H5Tget_size(type.get()) <= 4 ? numbers(std::int32_t{}) : numbers(std::int64_t{});
    default: throw DataError(cat(here, ": expected a string or a number"));
  }
}

std::string Group::text(const std::string& name, const std::string& dataset) const {
  const Attribute value = attribute(name, dataset);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  throw DataError(cat(where(dataset), " @", name, ": expected a string"));
}

std::int32_t Group::integer(const std::string& name, const std::string& dataset) const {
  const Attribute value = attribute(name, dataset);
  if (const auto* number = std::get_if<std::int32_t>(&value)) return *number;
  throw DataError(cat(where(dataset), " @", name, ": expected one 32-bit integer"));
}

namespace {

// What refers to the first scale of each axis of a dataset that has scales; 0 where an axis has none.
std::vector<hobj_ref_t> first_scales(hid_t dataset, std::size_t rank, const std::string& where) {
  const auto good = [&](auto result) { return found(result, where, "follow its dimension scales"); };
  const Handle attribute(good(H5Aopen(dataset, "DIMENSION_LIST", H5P_DEFAULT)), H5Aclose);
  const Handle space(good(H5Aget_space(attribute.get())), H5Sclose);
  const Handle type(good(H5Tvlen_create(H5T_STD_REF_OBJ)), H5Tclose);
  if (static_cast<std::size_t>(good(H5Sget_simple_extent_npoints(space.get()))) != rank)
    throw DataError(cat(where, ": its DIMENSION_LIST is not of its axes"));
  std::vector<hvl_t> lists(rank);
  good(H5Aread(attribute.get(), type.get(), lists.data()));
  std::vector<hobj_ref_t> first(rank, 0);
  for (std::size_t i = 0; i < rank; ++i) {
    if (lists[i].len > 0) first[i] = *static_cast<const hobj_ref_t*>(lists[i].p);
  }
  H5Dvlen_reclaim(type.get(), space.get(), H5P_DEFAULT, lists.data());
  return first;
}

// The path of a scale, seen from a dataset in the group `from`; "" if it has none. It mostly lies under its own name in that
// group or one above it. HDF5 would find it as well, but walks through the whole file for each.
std::string scale_path(hid_t at, std::string from, hid_t scale) {
  H5O_info_t wanted;
  char name[1024];
  if (H5Oget_info2(scale, &wanted, H5O_INFO_BASIC) >= 0 && H5DSget_scale_name(scale, name, sizeof name) > 0 &&
      std::string_view(name).find('/') == std::string_view::npos) {
    for (bool root = false; !root; from.resize(from.find_last_of('/') == 0 ? 1 : from.find_last_of('/'))) {
      root = from == "/";
      std::string path = cat(root ? "" : from, "/", name);
      H5O_info_t there;
      if (H5Oget_info_by_name2(at, path.c_str(), &there, H5O_INFO_BASIC, H5P_DEFAULT) >= 0 &&
          there.addr == wanted.addr && there.fileno == wanted.fileno)
        return path;
    }
  }
  return H5Iget_name(scale, name, sizeof name) > 0 ? name : "";
}

}  // namespace

std::vector<Axis> Group::axes(const std::string& name) const {
  const Quiet quiet;
  const Id object = dataset(name);
  const Handle space(found(H5Dget_space(object), where(name)), H5Sclose);
  const auto rank = static_cast<std::size_t>(found(H5Sget_simple_extent_ndims(space.get()), where(name)));
  std::vector<hsize_t> sizes(rank);
  if (rank > 0) found(H5Sget_simple_extent_dims(space.get(), sizes.data(), nullptr), where(name));
  std::vector<Axis> result(rank);
  for (std::size_t i = 0; i < rank; ++i) result[i].size = sizes[i];
  if (H5DSis_scale(object) > 0) {
    for (Axis& axis : result) axis.scale = cat(path_ == "/" ? "" : path_, "/", name);
  } else if (rank > 0 && found(H5Aexists(object, "DIMENSION_LIST"), where(name)) > 0) {
    // H5DSiterate_scales gives the same, and opens every scale of every dataset anew.
    const std::vector<hobj_ref_t> scales = first_scales(object, rank, where(name));
    for (std::size_t i = 0; i < rank; ++i) {
      if (scales[i] == 0) continue;
      auto& path = scales_[scales[i]];
      if (path.empty()) {
        const Handle scale(H5Rdereference2(object, H5P_DEFAULT, H5R_OBJECT, &scales[i]), H5Oclose);
        if (scale.get() >= 0) path = scale_path(handle_.get(), path_, scale.get());
        if (path.empty())
          throw DataError(cat(where(name), ": cannot follow its dimension scales (HDF5: ", innermost(), ")"));
      }
      result[i].scale = path;
    }
  }
  return result;
}

bool Group::is_scale(const std::string& name) const {
  const Quiet quiet;
  return H5DSis_scale(dataset(name)) > 0;
}

namespace {

bool is_of_class(Id dataset, H5T_class_t kind, const std::string& where) {
  const Quiet quiet;
  const Handle type(found(H5Dget_type(dataset), where), H5Tclose);
  return H5Tget_class(type.get()) == kind;
}

}  // namespace

bool Group::is_text(const std::string& name) const { return is_of_class(dataset(name), H5T_STRING, where(name)); }
bool Group::is_integer(const std::string& name) const { return is_of_class(dataset(name), H5T_INTEGER, where(name)); }

bool Group::is_single(const std::string& name) const {
  const Quiet quiet;
  const Id object = dataset(name);
  const Handle type(found(H5Dget_type(object), where(name)), H5Tclose);
  return H5Tget_class(type.get()) == H5T_FLOAT && H5Tget_size(type.get()) == 4;
}

namespace {

/// The number of values of a dataset; a damaged header that claims far more than the file holds is an error.
std::size_t value_count(hid_t dataset, hid_t type, hid_t space, const std::string& where) {
  const auto count = static_cast<std::size_t>(found(H5Sget_simple_extent_npoints(space), where));
  constexpr std::size_t best_ratio = 1100;  // of gzip, a little generously
  if (count > 0 && count > H5Dget_storage_size(dataset) * best_ratio / std::max<std::size_t>(1, H5Tget_size(type)))
    throw DataError(cat(where, ": damaged: says it has ", count, " values but the file does not hold them"));
  return count;
}

}  // namespace

template <class T> std::vector<T> Group::numbers(const std::string& name) const {
  const Quiet quiet;
  const std::string here = where(name);
  const Id object = dataset(name);
  const Handle type(found(H5Dget_type(object), here), H5Tclose);
  const Handle space(found(H5Dget_space(object), here), H5Sclose);
  const auto kind = H5Tget_class(type.get());
  if (kind != H5T_INTEGER && (kind != H5T_FLOAT || std::is_integral_v<T>))
    throw DataError(cat(here, ": expected ", std::is_integral_v<T> ? "integers" : "numbers"));
  std::vector<T> values(value_count(object, type.get(), space.get(), here));
  if (!values.empty()) found(H5Dread(object, number_type<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), here);
  return values;
}

template std::vector<float> Group::numbers(const std::string&) const;
template std::vector<double> Group::numbers(const std::string&) const;
template std::vector<std::int32_t> Group::numbers(const std::string&) const;

std::vector<std::string> Group::strings(const std::string& name) const {
  const Quiet quiet;
  const std::string here = where(name);
  const Id object = dataset(name);
  const Handle type(found(H5Dget_type(object), here), H5Tclose);
  const Handle space(found(H5Dget_space(object), here), H5Sclose);
  if (H5Tget_class(type.get()) != H5T_STRING) throw DataError(cat(here, ": expected strings"));
  return read_strings(
      type.get(), space.get(), value_count(object, type.get(), space.get(), here), here,
      [&](hid_t memory, void* out) { found(H5Dread(object, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, out), here); });
}

Group open_file(const std::filesystem::path& path) {
  const Quiet quiet;
  const std::string name = path.string();
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) throw DataError(cat(name, ": no such file"));
  if (status.type() == std::filesystem::file_type::directory)
    throw DataError(cat(name, ": is a folder; expected an HDF5 file"));
  char head[8] = {};
  std::ifstream probe(path, std::ios::binary);
  if (!probe) throw IoError(cat(name, ": cannot open: ", std::strerror(errno)));
  probe.read(head, sizeof head);
  const auto got = static_cast<std::size_t>(probe.gcount());
  if (got == 0) throw DataError(cat(name, ": is empty; expected an HDF5 file"));
  if (std::memcmp(head, "\211HDF\r\n\032\n", got) != 0) throw DataError(cat(name, ": is not an HDF5 file"));

  const Handle access(found(H5Pcreate(H5P_FILE_ACCESS), name), H5Pclose);
  const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get()), H5Fclose);
  if (file.get() < 0) {
    const std::string reason = innermost();
    if (reason.find("lock file") != std::string::npos)
      throw IoError(cat(name, ": is locked by another program (HDF5: ", reason,
                        "); close it there, or set HDF5_USE_FILE_LOCKING=FALSE where the file system has no locks"));
    throw DataError(cat(name, ": is truncated or damaged (HDF5: ", reason, ")"));
  }
  Handle root(H5Gopen2(file.get(), "/", H5P_DEFAULT), H5Gclose);
  if (root.get() < 0) throw DataError(cat(name, ": is truncated or damaged (HDF5: ", innermost(), ")"));
  return {std::move(root), name, "/"};
}

}  // namespace strata::h5
