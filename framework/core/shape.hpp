// The shape of one sample at a node: {784}, or {channels, height, width}.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "framework/core/types.hpp"

namespace strata {

using Shape = std::vector<Index>;

/// Of rows, of columns.
using Extents = std::array<Index, 2>;

/// Number of features of one sample: the product of the extents.
Index features(const Shape& shape);

/// "[784]" or "[1, 28, 28]"
std::string to_string(const Shape& shape);

}  // namespace strata
