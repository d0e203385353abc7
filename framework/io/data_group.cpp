#include "framework/io/data_group.hpp"

#include <algorithm>
#include <numeric>

#include "framework/core/errors.hpp"

namespace strata {
namespace {

template <class T> const T& named(const std::vector<T>& all, const std::string& name, const DataGroup& group) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const T& x) { return x.name == name; });
  if (found != all.end()) return *found;
  std::vector<std::string> known;
  for (const T& x : all) known.push_back(x.name);
  throw DataError(cat("/", group.name, ": ", unknown_name("variable", name, known)));
}

std::size_t length(const DataGroup& group, const std::vector<std::string>& axes, std::size_t from = 0) {
  std::size_t n = 1;
  for (std::size_t a = from; a < axes.size(); ++a) n *= group.axis(axes[a]).size();
  return n;
}

bool has_axis(const DataArray& array, const std::string& axis) {
  return !array.axes.empty() && array.axes.front() == axis;
}

// The same values of the same type; NaN equals NaN.
template <class Variant> bool same_values(const Variant& a, const Variant& b) {
  return a.index() == b.index() &&
         std::visit(
             [&](const auto& values) {
               const auto& other = std::get<std::decay_t<decltype(values)>>(b);
               return std::equal(values.begin(), values.end(), other.begin(), other.end(),
                                 [](const auto& x, const auto& y) { return x == y || (x != x && y != y); });
             },
             a);
}

// Appends values `from` to `to` of the same type.
template <class Variant> void append(Variant& to, const Variant& from, std::size_t first, std::size_t count) {
  std::visit(
      [&](auto& values) {
        const auto& more = std::get<std::decay_t<decltype(values)>>(from);
        values.insert(values.end(), more.begin() + static_cast<std::ptrdiff_t>(first),
                      more.begin() + static_cast<std::ptrdiff_t>(first + count));
      },
      to);
}

template <class Variant> nlohmann::json typed(const Variant& values) {
  return {{"type", values.index()}, {"values", std::visit([](const auto& v) { return nlohmann::json(v); }, values)}};
}

template <class Variant, std::size_t type = 0> Variant of_type(std::size_t wanted, const nlohmann::json& values) {
  if constexpr (type < std::variant_size_v<Variant>) {
    if (type == wanted) return values.get<std::variant_alternative_t<type, Variant>>();
    return of_type<Variant, type + 1>(wanted, values);
  }
  throw DataError(cat("a stored array is of the unknown type ", wanted));
}

template <class Variant> Variant untyped(const nlohmann::json& j) {
  return of_type<Variant>(j.at("type").get<std::size_t>(), j.at("values"));
}

}  // namespace

std::size_t DataAxis::size() const {
  return std::visit([](const auto& l) { return l.size(); }, labels);
}

const DataAxis& DataGroup::axis(const std::string& axis) const { return named(axes, axis, *this); }
const DataArray& DataGroup::array(const std::string& array) const { return named(arrays, array, *this); }

const std::vector<double>& DataGroup::doubles(const std::string& name) const {
  const auto* values = std::get_if<std::vector<double>>(&array(name).values);
  if (values == nullptr) throw DataError(cat("/", this->name, "/", name, ": expected real numbers"));
  return *values;
}

const std::vector<std::int32_t>& DataGroup::integers(const std::string& name) const {
  const auto* values = std::get_if<std::vector<std::int32_t>>(&array(name).values);
  if (values == nullptr) throw DataError(cat("/", this->name, "/", name, ": expected whole numbers"));
  return *values;
}

double DataGroup::at(const std::string& name, const std::vector<std::size_t>& position) const {
  const DataArray& a = array(name);
  std::size_t index = 0;
  bool inside = position.size() == a.axes.size();
  for (std::size_t i = 0; inside && i < position.size(); ++i) {
    const std::size_t n = axis(a.axes[i]).size();
    inside = position[i] < n;
    index = index * n + position[i];
  }
  if (!inside) throw DataError(cat("/", this->name, "/", name, ": has no such element"));
  return doubles(name)[index];
}

DataGroup joined(const std::vector<DataGroup>& parts, const std::string& along) {
  DataGroup all = parts.front();
  for (std::size_t p = 1; p < parts.size(); ++p) {
    const DataGroup& part = parts[p];
    bool fits = part.name == all.name && part.axes.size() == all.axes.size() && part.arrays.size() == all.arrays.size();
    for (std::size_t a = 0; fits && a < all.axes.size(); ++a) {
      DataAxis& axis = all.axes[a];
      fits = axis.name == part.axes[a].name && axis.labels.index() == part.axes[a].labels.index() &&
             (axis.name == along || same_values(axis.labels, part.axes[a].labels));
      if (fits && axis.name == along) append(axis.labels, part.axes[a].labels, 0, part.axes[a].size());
    }
    for (std::size_t a = 0; fits && a < all.arrays.size(); ++a) {
      DataArray& array = all.arrays[a];
      const DataArray& more = part.arrays[a];
      fits = array.name == more.name && array.axes == more.axes && array.values.index() == more.values.index();
      if (fits && has_axis(array, along)) append(array.values, more.values, 0, length(part, more.axes));
      else fits = fits && same_values(array.values, more.values);
    }
    if (!fits) throw DataError(cat("/", all.name, ": its parts do not have the same axes and variables"));
  }
  return all;
}

DataGroup selected(const DataGroup& group, const std::string& along, const std::vector<std::int32_t>& keep) {
  DataGroup chosen = group;
  std::vector<std::size_t> rows;
  for (DataAxis& axis : chosen.axes) {
    if (axis.name != along) continue;
    auto& labels = std::get<std::vector<std::int32_t>>(axis.labels);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (std::find(keep.begin(), keep.end(), labels[i]) != keep.end()) rows.push_back(i);
    }
    std::vector<std::int32_t> left;
    for (const std::size_t i : rows) left.push_back(labels[i]);
    labels = left;
  }
  for (std::size_t a = 0; a < chosen.arrays.size(); ++a) {
    DataArray& array = chosen.arrays[a];
    if (!has_axis(array, along)) continue;
    std::visit([](auto& values) { values.clear(); }, array.values);
    const std::size_t row = length(group, array.axes, 1);
    for (const std::size_t i : rows) append(array.values, group.arrays[a].values, i * row, row);
  }
  return chosen;
}

nlohmann::json to_json(const DataGroup& group) {
  nlohmann::json j{{"name", group.name},
                   {"axes", nlohmann::json::array()},
                   {"arrays", nlohmann::json::array()},
                   {"notes", nlohmann::json::array()}};
  for (const DataAxis& axis : group.axes) {
    j["axes"].push_back({{"name", axis.name}, {"labels", typed(axis.labels)}, {"long_name", axis.long_name}});
  }
  for (const DataArray& array : group.arrays) {
    j["arrays"].push_back({{"name", array.name},
                           {"axes", array.axes},
                           {"values", typed(array.values)},
                           {"long_name", array.long_name},
                           {"units", array.units}});
  }
  for (const auto& [name, note] : group.notes) j["notes"].push_back({{"name", name}, {"value", typed(note)}});
  return j;
}

DataGroup data_group_from_json(const nlohmann::json& j) {
  DataGroup group;
  group.name = j.at("name");
  for (const nlohmann::json& axis : j.at("axes")) {
    group.axes.push_back(
        {axis.at("name"), untyped<decltype(DataAxis::labels)>(axis.at("labels")), axis.at("long_name")});
  }
  for (const nlohmann::json& array : j.at("arrays")) {
    group.arrays.push_back({array.at("name"), array.at("axes").get<std::vector<std::string>>(),
                            untyped<decltype(DataArray::values)>(array.at("values")), array.at("long_name"),
                            array.at("units")});
  }
  for (const nlohmann::json& note : j.at("notes")) {
    group.notes.emplace_back(note.at("name").get<std::string>(), untyped<DataGroup::Note>(note.at("value")));
  }
  return group;
}

void write_data_group(const h5::Group& root, const DataGroup& group) {
  const auto place = root.make_group(group.name);
  for (const auto& [name, note] : group.notes) {
    std::visit([&, &name = name](const auto& value) { place.set(name, value); }, note);
  }
  for (const DataAxis& axis : group.axes) {
    std::visit(
        [&](const auto& labels) {
          using Label = typename std::decay_t<decltype(labels)>::value_type;
          place.add_scale(axis.name, std::span<const Label>(labels), {.long_name = axis.long_name});
        },
        axis.labels);
  }
  for (const DataArray& array : group.arrays) {
    std::visit(
        [&](const auto& values) {
          using Number = typename std::decay_t<decltype(values)>::value_type;
          place.add(array.name, array.axes, std::span<const Number>(values), {array.long_name, array.units});
        },
        array.values);
  }
}

DataGroup read_data_group(const h5::Group& root, const std::string& name) {
  const h5::Group place = root.open(name);
  DataGroup group;
  group.name = name;
  for (const std::string& note : place.attributes()) {
    std::visit(
        [&](const auto& value) {
          if constexpr (std::is_constructible_v<DataGroup::Note, decltype(value)>)
            group.notes.emplace_back(note, value);
        },
        place.attribute(note));
  }
  const auto meaning = [&](const std::string& dataset, const char* attribute) {
    return place.has_attribute(attribute, dataset) ? place.text(attribute, dataset) : std::string();
  };
  std::vector<std::vector<h5::Axis>> axes_of;  // of the arrays
  for (const std::string& dataset : place.datasets()) {
    if (place.is_scale(dataset)) {
      DataAxis axis{dataset, {}, meaning(dataset, "long_name")};
      if (place.is_text(dataset)) {
        axis.labels = place.strings(dataset);
      } else if (place.is_integer(dataset)) {
        axis.labels = place.integers(dataset);
      } else {
        axis.labels = place.doubles(dataset);
      }
      group.axes.push_back(std::move(axis));
      continue;
    }
    DataArray array{dataset, {}, {}, meaning(dataset, "long_name"), meaning(dataset, "units")};
    axes_of.push_back(place.axes(dataset));
    for (const h5::Axis& axis : axes_of.back()) {
      array.axes.push_back(axis.scale.substr(axis.scale.rfind('/') + 1));
      if (axis.scale != place.path() + "/" + array.axes.back())
        throw DataError(cat(place.where(dataset), ": expected a dimension scale of its own group for each axis"));
    }
    if (place.is_integer(dataset)) {
      array.values = place.integers(dataset);
    } else if (place.is_single(dataset)) {
      array.values = place.numbers<float>(dataset);
    } else {
      array.values = place.doubles(dataset);
    }
    group.arrays.push_back(std::move(array));
  }
  for (std::size_t i = 0; i < group.arrays.size(); ++i) {
    const DataArray& array = group.arrays[i];
    for (std::size_t a = 0; a < array.axes.size(); ++a) {
      if (axes_of[i][a].size != group.axis(array.axes[a]).size())
        throw DataError(cat(place.where(array.name), ": its size is not that of its axes"));
    }
  }
  return group;
}

}  // namespace strata
