// JSON that comes from a file.
#pragma once

#include <nlohmann/json.hpp>
#include <utility>

#include "framework/core/errors.hpp"

namespace strata {

/// Parses text or a stream. Throws DataError where it is nested more than 32 deep: values are copied, written and destroyed
/// by functions that call themselves, and a hostile file would take the whole stack. What is no JSON: Json's exceptions.
template <class Json, class Input> Json parse_shallow(Input&& input) {
  const auto shallow = [](int depth, typename Json::parse_event_t, const Json&) {
    if (depth > 32) throw DataError("is nested more than 32 deep");
    return true;
  };
  return Json::parse(std::forward<Input>(input), shallow);
}

}  // namespace strata
