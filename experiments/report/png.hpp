// Small images as text that a page or a picture can hold.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace strata::report {

/// An image of 1 channel (grey) or 3 (red, green, blue) as "data:image/png;base64,…". `pixels` are channels × height × width;
/// low is black and high is full, what lies beyond is cut, NaN is black. Throws ShapeError on other channels or sizes.
std::string png_data(std::span<const float> pixels, std::size_t channels, std::size_t height, std::size_t width,
                     double low = 0, double high = 1);

}  // namespace strata::report
