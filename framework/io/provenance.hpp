// The group /provenance of a file: attributes alone.
#pragma once

#include <nlohmann/json.hpp>

#include "framework/io/hdf5.hpp"

namespace strata {

/// Each member as an attribute: strings and numbers as such, booleans as 0 or 1, all else as its JSON text.
void write_provenance(const h5::Group& group, const nlohmann::ordered_json& members);

/// All attributes of the group. Throws DataError.
nlohmann::ordered_json read_provenance(const h5::Group& group);

}  // namespace strata
