#include "framework/io/provenance.hpp"

#include <cstdint>
#include <string>

namespace strata {
namespace {

h5::Attribute attribute_of(const nlohmann::ordered_json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (value.is_number_float()) return value.get<double>();
  const bool fits = value.is_number_unsigned() ? value.get<std::uint64_t>() <= std::uint64_t{INT64_MAX} : true;
  if (value.is_number_integer() && !fits) return value.get<double>();
  if (value.is_number_integer()) {
    const auto number = value.get<std::int64_t>();
    if (number == static_cast<std::int32_t>(number)) return static_cast<std::int32_t>(number);
    return number;
  }
  return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

void write_provenance(const h5::Group& group, const nlohmann::ordered_json& members) {
  for (const auto& [name, value] : members.items()) group.set(name, attribute_of(value));
}

nlohmann::ordered_json read_provenance(const h5::Group& group) {
  auto members = nlohmann::ordered_json::object();
  for (const std::string& name : group.attributes()) {
    std::visit([&](const auto& value) { members[name] = value; }, group.attribute(name));
  }
  return members;
}

}  // namespace strata
