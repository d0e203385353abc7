// Reference values of the folder golden/.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace strata::testing {

/// The content of golden/<name>; Json is nlohmann's json or ordered_json.
template <class Json = nlohmann::json> Json golden(const std::string& name) {
  const std::string path = STRATA_GOLDEN_DIR "/" + name;
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  return Json::parse(file);
}

}  // namespace strata::testing
