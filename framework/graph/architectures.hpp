// Networks of the literature by name, for images of any size that fits.
#pragma once

#include <functional>

#include "framework/core/catalog.hpp"
#include "framework/graph/graph_spec.hpp"

namespace strata {

struct Architecture {
  static constexpr const char* kind = "network";
  std::string name;
  std::string summary;
  /// For images [channels, height, width]. Throws ShapeError on others, and on images too small or too large.
  std::function<ChainSpec(const Shape& image, Index classes)> make;
};

/// lenet       convolutions of 5 × 5 with 6, 16 and 120 channels, max pooling after the first two, dense 84; ReLU
///             (LeCun et al. 1998 in today's form). Images up to 32 × 32, padded to that.
/// smallconv   convolutions of 3 × 3 with 16, 16, 32 and 32 channels, max pooling after the second and the last; ReLU
/// resnet8, resnet20   of He et al. 2015 (1512.03385, section 4.2): 1 and 3 blocks in each of three stages with 16, 32 and 64
///             channels, batch norm, ReLU, projections where shapes change (option B). Without skips the same net, plain.
CatalogOf<Architecture> architectures();

}  // namespace strata
