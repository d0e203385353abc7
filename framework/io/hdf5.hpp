// A thin layer on the HDF5 C API: files whose every axis has a dimension scale.
//
// What it writes opens in h5py, xarray (h5netcdf and netcdf4), R, MATLAB and Julia: types f4 f8 i4 i8 u1 and
// variable-length UTF-8 strings, creation order tracked, no time stamps (equal content gives equal bytes).
// Writing and system failures throw IoError, files that cannot be used throw DataError; HDF5 itself prints nothing.
// One thread only: HDF5 is called without locks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace strata::h5 {

using Id = std::int64_t;  ///< HDF5's hid_t

/// Owns one HDF5 identifier and closes it.
class Handle {
 public:
  Handle() = default;
  Handle(Id id, int (*close)(Id)) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept;
  ~Handle() { reset(); }
  Id get() const { return id_; }
  void reset() noexcept;

 private:
  Id id_ = -1;
  int (*close_)(Id) = nullptr;
};

/// The value of an attribute: a scalar or one axis. Strings are UTF-8; bytes that are not are replaced by U+FFFD.
using Attribute = std::variant<std::int32_t, std::int64_t, double, std::string, std::vector<std::int32_t>,
                               std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>>;
using NamedAttribute = std::pair<std::string, Attribute>;

/// The values of a dataset, row-major (the last axis runs fastest).
using Values = std::variant<std::span<const float>, std::span<const double>, std::span<const std::int32_t>,
                            std::span<const std::int64_t>, std::span<const std::uint8_t>, std::span<const std::string>>;

/// What a dataset means: its attributes `long_name` and `units` (left out where empty) and any others.
struct About {
  std::string long_name;
  std::string units = {};
  std::vector<NamedAttribute> more = {};
};

/// An axis of a dataset as found in a file: its length and the path of its first scale ("" where it has none).
struct Axis {
  std::uint64_t size = 0;
  std::string scale;
};

/// What an array that anybody may have written says of itself.
struct ArrayInfo {
  std::string type;  ///< as numpy calls it: "uint8", "float32"; "string", "compound", … for other things
  std::vector<std::uint64_t> shape;  ///< empty: one value
};

/// A group of an open file. The file stays open for as long as one of its groups lives.
class Group {
 public:
  Group(Handle handle, std::string file, std::string path);

  const std::string& path() const { return path_; }  ///< "/" or "/weights/h1"

  // Writing. Throws IoError; ShapeError when values and axes do not fit; InputError for a name that cannot be used.

  /// The group at a relative path such as "inverse/h2", made with its parents where missing.
  Group make_group(std::string_view path) const;
  void set(const std::string& name, const Attribute& value) const;
  /// The same for an attribute of the dataset `dataset`.
  void set(const std::string& dataset, const std::string& name, const Attribute& value) const;
  /// A coordinate variable: a 1-D dataset that is the dimension scale `name`.
  void add_scale(const std::string& name, Values values, const About& about) const;
  /// A dataset whose axes are scales of this group or a parent, by name; they give the lengths too. No axes: one value.
  /// Above 16 kB numbers are stored in chunks of at most 1 MB, shuffled and gzipped; below, contiguous.
  void add(const std::string& name, std::span<const std::string> axes, Values values, const About& about) const;
  void add(const std::string& name, std::initializer_list<std::string> axes, Values values, const About& about) const {
    add(name, std::span<const std::string>(axes.begin(), axes.size()), values, about);
  }

  /// The bytes of the whole file, which must come from new_file().
  std::string image() const;

  // Reading. Throws DataError, naming the file and the path in it.

  bool has_group(const std::string& name) const;
  bool has_dataset(const std::string& name) const;
  std::vector<std::string> groups() const;    ///< in the order of creation where the file tracks it, else by name
  std::vector<std::string> datasets() const;  ///< likewise
  Group open(const std::string& name) const;

  /// Attributes of the group itself (dataset "") or of a dataset in it.
  std::vector<std::string> attributes(const std::string& dataset = "") const;
  bool has_attribute(const std::string& name, const std::string& dataset = "") const;
  Attribute attribute(const std::string& name, const std::string& dataset = "") const;
  std::string text(const std::string& name, const std::string& dataset = "") const;      ///< a string attribute
  std::int32_t integer(const std::string& name, const std::string& dataset = "") const;  ///< an integer one

  std::vector<Axis> axes(const std::string& dataset) const;
  bool is_scale(const std::string& dataset) const;
  bool is_text(const std::string& dataset) const;
  bool is_integer(const std::string& dataset) const;
  bool is_single(const std::string& dataset) const;  ///< real numbers of 4 bytes
  /// All values, row-major, converted to T: float, double or std::int32_t (from integers only).
  template <class T> std::vector<T> numbers(const std::string& dataset) const;
  std::vector<double> doubles(const std::string& dataset) const { return numbers<double>(dataset); }
  std::vector<std::int32_t> integers(const std::string& dataset) const { return numbers<std::int32_t>(dataset); }
  std::vector<std::string> strings(const std::string& dataset) const;

  /// Of a dataset with or without scales. Throws DataError where its values cannot be had: more than the file can hold,
  /// kept in other files, or behind a filter that this HDF5 library lacks.
  ArrayInfo array(const std::string& dataset) const;
  /// All values of it, row-major, converted to T: std::uint8_t, float or double. Throws DataError, also where it has
  /// another number of values than there is room for.
  template <class T> void read(const std::string& dataset, std::span<T> values) const;

  /// "FILE:/group/name", for messages.
  std::string where(const std::string& name = "") const;

 private:
  Handle child(const std::string& name) const;
  Id object(const std::string& name) const;   // the group itself for ""; valid until another one is asked for
  Id dataset(const std::string& name) const;  // likewise

  Handle handle_;
  std::string file_, path_;
  // The last object stays open: mostly several things are asked of the same one in turn, and opening takes longest.
  mutable Handle last_;
  mutable std::string last_name_;
  mutable std::map<std::uint64_t, std::string> scales_;  // paths of scales by what the file refers to them with
};

/// The root of an empty file that is built in memory: no disk, no lock, no half-written file. When it is complete:
/// `replace_file(path, root.image())`.
Group new_file();

/// Opens a file to read. Throws DataError: missing, not HDF5, truncated or damaged; IoError: no permission, locked.
Group open_file(const std::filesystem::path& path);

}  // namespace strata::h5
