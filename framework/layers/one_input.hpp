// The check that all layers of a single input begin with.
#pragma once

#include <span>
#include <string_view>

#include "framework/core/errors.hpp"
#include "framework/core/shape.hpp"

namespace strata {

/// The only input of a layer of this type. Throws ShapeError if there are none, or more.
inline const Shape& one_input(std::string_view type, std::span<const Shape> in) {
  if (in.size() != 1) throw ShapeError(cat(type, " takes one input, got ", in.size()));
  return in[0];
}

}  // namespace strata
