// Labelled arrays, as xarray's Dataset: what an analysis finds, and a group of a run file of its own.
//
// Every axis of every array is one of the group's axes, by name. NaN, and −1 among integers, is "not there".
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "framework/io/hdf5.hpp"

namespace strata {

struct DataAxis {
  std::string name;
  std::variant<std::vector<std::int32_t>, std::vector<double>, std::vector<std::string>> labels;
  std::string long_name;

  std::size_t size() const;
};

struct DataArray {
  std::string name;
  std::vector<std::string> axes;
  std::variant<std::vector<double>, std::vector<std::int32_t>, std::vector<float>> values;  ///< row-major
  std::string long_name, units;
};

struct DataGroup {
  using Note = std::variant<std::int32_t, double, std::string>;
  std::string name;  ///< of the group in the file
  std::vector<DataAxis> axes;
  std::vector<DataArray> arrays;
  std::vector<std::pair<std::string, Note>> notes;  ///< attributes of the group

  /// Throw DataError naming what is missing, or of another type.
  const DataAxis& axis(const std::string& axis) const;
  const DataArray& array(const std::string& array) const;
  const std::vector<double>& doubles(const std::string& array) const;
  const std::vector<std::int32_t>& integers(const std::string& array) const;

  /// The value at these positions of a double array's axes.
  double at(const std::string& array, const std::vector<std::size_t>& position) const;
};

/// Joins groups of one name along their axis `along`, which is the first of the arrays that have it; all other axes
/// and arrays must agree, and are taken from the first. Throws DataError otherwise. Requires parts.
DataGroup joined(const std::vector<DataGroup>& parts, const std::string& along);

/// Only the entries of `along` whose integer label is among `keep`.
DataGroup selected(const DataGroup& group, const std::string& along, const std::vector<std::int32_t>& keep);

/// For checkpoints: doubles keep their bits through CBOR.
nlohmann::json to_json(const DataGroup& group);
DataGroup data_group_from_json(const nlohmann::json& json);

/// Writes it as a group of `root`.
void write_data_group(const h5::Group& root, const DataGroup& group);
/// Reads what write_data_group wrote. Throws DataError.
DataGroup read_data_group(const h5::Group& root, const std::string& name);

}  // namespace strata
