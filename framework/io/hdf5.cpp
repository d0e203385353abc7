#include "framework/io/hdf5.hpp"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>

#include "framework/io/hdf5_detail.hpp"

namespace strata::h5 {
namespace {

constexpr std::size_t small_bytes = 16 << 10;
constexpr std::size_t chunk_bytes = 1 << 20;

Handle string_type(const std::string& where) {
  Handle type(wrote(H5Tcopy(H5T_C_S1), where), H5Tclose);
  wrote(H5Tset_size(type.get(), H5T_VARIABLE), where);
  wrote(H5Tset_cset(type.get(), H5T_CSET_UTF8), where);
  return type;
}

std::string valid_utf8(const std::string& text) {
  using nlohmann::json;
  return json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::replace)).get<std::string>();
}

/// Calls `write(type, data)` with the HDF5 type and the memory of `values`.
template <class T, class F> void with_memory(std::span<const T> values, const std::string& where, F write) {
  if constexpr (std::is_same_v<T, std::string>) {
    const Handle type = string_type(where);
    std::vector<std::string> clean(values.size());
    std::transform(values.begin(), values.end(), clean.begin(), valid_utf8);
    std::vector<const char*> pointers(values.size());
    std::transform(clean.begin(), clean.end(), pointers.begin(), [](const std::string& s) { return s.c_str(); });
    write(type.get(), static_cast<const void*>(pointers.data()));
  } else {
    write(number_type<T>(), static_cast<const void*>(values.data()));
  }
}

/// A netCDF-safe name: no '/', not empty or ".".
void check_name(const std::string& name, const std::string& where) {
  if (name.empty() || name == "." || name.find('/') != std::string::npos)
    throw InputError(cat(where, ": '", name, "' cannot be a name in a file: expected no '/', not '.', not empty"));
}

Handle creation_list(hid_t kind, const std::string& where) {
  constexpr unsigned order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
  Handle list(wrote(H5Pcreate(kind), where), H5Pclose);
  wrote(H5Pset_attr_creation_order(list.get(), order), where);
  wrote(H5Pset_obj_track_times(list.get(), false), where);
  if (kind != H5P_DATASET_CREATE) wrote(H5Pset_link_creation_order(list.get(), order), where);
  return list;
}

Handle utf8_names(hid_t kind, const std::string& where) {
  Handle list(wrote(H5Pcreate(kind), where), H5Pclose);
  wrote(H5Pset_char_encoding(list.get(), H5T_CSET_UTF8), where);
  return list;
}

void write_attribute(hid_t object, const std::string& where, const std::string& name, const Attribute& value) {
  check_name(name, where);
  const auto write = [&](Handle space, auto values) {
    with_memory(values, where, [&](hid_t type, const void* data) {
      const Handle names = utf8_names(H5P_ATTRIBUTE_CREATE, where);
      const Handle attribute(
          wrote(H5Acreate2(object, name.c_str(), type, space.get(), names.get(), H5P_DEFAULT), where), H5Aclose);
      wrote(H5Awrite(attribute.get(), type, data), where);
    });
  };
  std::visit(
      [&]<class T>(const T& v) {
        if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
          write(Handle(wrote(H5Screate(H5S_SCALAR), where), H5Sclose), std::span<const T>(&v, 1));
        } else {
          const hsize_t size = v.size();
          write(Handle(wrote(H5Screate_simple(1, &size, nullptr), where), H5Sclose), std::span(v));
        }
      },
      value);
}

/// Makes a dataset of the given lengths and fills it; above `small_bytes` numbers are chunked and gzipped.
template <class T>
Handle write_dataset(hid_t group, const std::string& where, const std::string& name, const std::vector<hsize_t>& sizes,
                     std::span<const T> values) {
  const hsize_t expected = std::accumulate(sizes.begin(), sizes.end(), hsize_t{1}, std::multiplies<>());
  if (expected != values.size())
    throw ShapeError(cat(where, ": ", values.size(), " values for axes that need ", expected));
  const Handle space(wrote(sizes.empty() ? H5Screate(H5S_SCALAR)
                                         : H5Screate_simple(static_cast<int>(sizes.size()), sizes.data(), nullptr),
                           where),
                     H5Sclose);
  const Handle creation = creation_list(H5P_DATASET_CREATE, where);
  if (!std::is_same_v<T, std::string> && !sizes.empty() && values.size_bytes() > small_bytes) {
    std::vector<hsize_t> chunk = sizes;
    std::size_t bytes = values.size_bytes();
    for (std::size_t axis = 0; axis < chunk.size() && bytes > chunk_bytes; ++axis) {
      const std::size_t per_step = bytes / chunk[axis];
      chunk[axis] = std::max<hsize_t>(1, chunk_bytes / per_step);
      bytes = per_step * chunk[axis];
    }
    wrote(H5Pset_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data()), where);
    wrote(H5Pset_shuffle(creation.get()), where);
    wrote(H5Pset_deflate(creation.get(), 4), where);
  }
  const Handle names = utf8_names(H5P_LINK_CREATE, where);
  Handle dataset;
  with_memory(values, where, [&](hid_t type, const void* data) {
    dataset = Handle(wrote(H5Dcreate2(group, name.c_str(), type, space.get(), names.get(), creation.get(), H5P_DEFAULT),
                           where, "create"),
                     H5Dclose);
    if (!values.empty()) wrote(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), where);
  });
  return dataset;
}

void write_about(hid_t dataset, const std::string& where, const About& about) {
  if (!about.long_name.empty()) write_attribute(dataset, where, "long_name", about.long_name);
  if (!about.units.empty()) write_attribute(dataset, where, "units", about.units);
  for (const auto& [name, value] : about.more) write_attribute(dataset, where, name, value);
}

}  // namespace

Handle& Handle::operator=(Handle&& other) noexcept {
  if (this != &other) {
    reset();
    id_ = std::exchange(other.id_, -1);
    close_ = other.close_;
  }
  return *this;
}

void Handle::reset() noexcept {
  if (id_ < 0) return;
  const Quiet quiet;
  close_(std::exchange(id_, -1));
}

Group::Group(Handle handle, std::string file, std::string path)
    : handle_(std::move(handle)), file_(std::move(file)), path_(std::move(path)) {}

std::string Group::where(const std::string& name) const {
  const std::string inside = name.empty() ? path_ : cat(path_ == "/" ? "" : path_, "/", name);
  return file_.empty() ? inside : cat(file_, ":", inside);
}

Group Group::make_group(std::string_view path) const {
  const Quiet quiet;
  const std::size_t slash = path.find('/');
  const std::string name(path.substr(0, slash)), here = where(name);
  check_name(name, here);
  Handle handle;
  if (wrote(H5Lexists(handle_.get(), name.c_str(), H5P_DEFAULT), here) > 0) {
    handle = Handle(wrote(H5Gopen2(handle_.get(), name.c_str(), H5P_DEFAULT), here, "make a group"), H5Gclose);
  } else {
    const Handle names = utf8_names(H5P_LINK_CREATE, here), creation = creation_list(H5P_GROUP_CREATE, here);
    handle = Handle(
        wrote(H5Gcreate2(handle_.get(), name.c_str(), names.get(), creation.get(), H5P_DEFAULT), here, "make a group"),
        H5Gclose);
  }
  Group group(std::move(handle), file_, path_ == "/" ? "/" + name : path_ + "/" + name);
  return slash == std::string_view::npos ? std::move(group) : group.make_group(path.substr(slash + 1));
}

void Group::set(const std::string& name, const Attribute& value) const {
  const Quiet quiet;
  write_attribute(handle_.get(), cat(where(), " @", name), name, value);
}

void Group::set(const std::string& dataset_name, const std::string& name, const Attribute& value) const {
  const Quiet quiet;
  write_attribute(dataset(dataset_name), cat(where(dataset_name), " @", name), name, value);
}

void Group::add_scale(const std::string& name, Values values, const About& about) const {
  const Quiet quiet;
  const std::string here = where(name);
  check_name(name, here);
  std::visit(
      [&](auto v) {
        const Handle scale = write_dataset(handle_.get(), here, name, {v.size()}, v);
        wrote(H5DSset_scale(scale.get(), name.c_str()), here, "make a dimension scale of it");
        write_about(scale.get(), here, about);
      },
      values);
}

void Group::add(const std::string& name, std::span<const std::string> axis_names, Values values,
                const About& about) const {
  const Quiet quiet;
  const std::string here = where(name);
  check_name(name, here);
  std::vector<Handle> scales;
  std::vector<hsize_t> sizes;
  for (const auto& axis : axis_names) {
    check_name(axis, here);
    // The nearest scale of that name: here, then in each parent.
    for (std::string folder = path_;; folder.resize(std::max<std::size_t>(folder.rfind('/'), 1))) {
      const std::string place = folder == "/" ? "/" + axis : folder + "/" + axis;
      if (wrote(H5Lexists(handle_.get(), place.c_str(), H5P_DEFAULT), here) > 0) {
        scales.emplace_back(H5Dopen2(handle_.get(), place.c_str(), H5P_DEFAULT), H5Dclose);
        if (scales.back().get() >= 0 && H5DSis_scale(scales.back().get()) > 0) break;
        scales.pop_back();
      }
      if (folder == "/") throw ShapeError(cat(here, ": axis '", axis, "' has no scale in its group or a parent"));
    }
    const Handle space(wrote(H5Dget_space(scales.back().get()), here), H5Sclose);
    sizes.push_back(static_cast<hsize_t>(H5Sget_simple_extent_npoints(space.get())));
  }
  std::visit(
      [&](auto v) {
        const Handle made = write_dataset(handle_.get(), here, name, sizes, v);
        for (std::size_t i = 0; i < scales.size(); ++i)
          wrote(H5DSattach_scale(made.get(), scales[i].get(), static_cast<unsigned>(i)), here, "attach its scale");
        write_about(made.get(), here, about);
      },
      values);
}

std::string Group::image() const {
  const Quiet quiet;
  const std::string here = "new HDF5 file";
  wrote(H5Fflush(handle_.get(), H5F_SCOPE_GLOBAL), here);
  const Handle file(wrote(H5Iget_file_id(handle_.get()), here), H5Fclose);
  const auto size = static_cast<std::size_t>(wrote(H5Fget_file_image(file.get(), nullptr, 0), here));
  // The bytes come from the memory driver, for H5Fget_file_image itself alters a flag of the superblock without its
  // checksum (HDF5 1.10.8, V18 bounds) and so gives a file that cannot be opened.
  void* memory = nullptr;
  wrote(H5Fget_vfd_handle(file.get(), H5P_DEFAULT, &memory), here);
  return {*static_cast<const char* const*>(memory), size};
}

Group new_file() {
  const Quiet quiet;
  const std::string where = "new HDF5 file";
  const Handle creation = creation_list(H5P_FILE_CREATE, where);
  const Handle access(wrote(H5Pcreate(H5P_FILE_ACCESS), where), H5Pclose);
  wrote(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_V18), where);
  wrote(H5Pset_fapl_core(access.get(), 1 << 20, false), where);
  const Handle file(wrote(H5Fcreate("strata.h5", H5F_ACC_TRUNC, creation.get(), access.get()), where, "create"),
                    H5Fclose);
  return {Handle(wrote(H5Gopen2(file.get(), "/", H5P_DEFAULT), where), H5Gclose), "", "/"};
}

}  // namespace strata::h5
