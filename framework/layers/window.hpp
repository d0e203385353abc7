// A kernel that moves over images: what convolution and pooling share about shapes.
//
// An image at a node has shape [channels, height, width]; feature (c·height + y)·width + x is the pixel of channel c in
// row y and column x. Output pixel (i, j) sees input pixels (i·stride − padding + k·dilation), k < size, in each direction;
// what lies outside the image counts as 0 (convolution, average) or as not there (maximum).
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "framework/core/shape.hpp"

namespace strata {

struct Window {
  Extents size;
  Extents stride{1, 1};
  Extents padding{0, 0};
  Extents dilation{1, 1};

  /// Rows and columns of the output for an image of that shape. Throws ShapeError, in the name of layer type `type`,
  /// naming both shapes if the kernel is larger than the padded image.
  Extents output(const std::string& type, const Shape& image) const;

  /// Throws UsageError, in the name of layer type `type`, unless size, stride and dilation are at least 1, padding at least
  /// 0, and none above 4096.
  void check(const std::string& type) const;
};

/// The one input, which must be an image. Throws ShapeError naming what was got.
Shape one_image(const std::string& type, std::span<const Shape> in);

/// As attributes show them: one number if both are the same, else [rows, columns].
nlohmann::ordered_json to_json(const Extents& extents);

}  // namespace strata
