#include "framework/layers/window.hpp"

#include "framework/core/errors.hpp"
#include "framework/layers/one_input.hpp"

namespace strata {
namespace {

std::string by(Index rows, Index cols) { return cat(rows, "×", cols); }

}  // namespace

Extents Window::output(const std::string& type, const Shape& image) const {
  Extents out{};
  Extents padded{}, reach{};
  for (std::size_t d = 0; d < 2; ++d) {
    padded[d] = image[1 + d] + 2 * padding[d];
    reach[d] = (size[d] - 1) * dilation[d] + 1;
    out[d] = reach[d] > padded[d] ? 0 : (padded[d] - reach[d]) / stride[d] + 1;
  }
  if (out[0] < 1 || out[1] < 1) {
    throw ShapeError(cat(type, ": a kernel of ", by(reach[0], reach[1]), " on images of ", by(padded[0], padded[1]),
                         " (", to_string(image), " with its padding): expected a kernel no larger than the image"));
  }
  return out;
}

void Window::check(const std::string& type) const {
  const auto within = [&](const char* name, const Extents& extents, Index least) {
    for (const Index e : extents) {
      if (e < least || e > 4096) throw UsageError(cat(type, ": ", name, " = ", e, ": expected ", least, " to 4096"));
    }
  };
  within("size", size, 1);
  within("stride", stride, 1);
  within("padding", padding, 0);
  within("dilation", dilation, 1);
}

Shape one_image(const std::string& type, std::span<const Shape> in) {
  const Shape& input = one_input(type, in);
  if (input.size() != 3) {
    throw ShapeError(cat(type, " takes images of shape [channels, height, width], got ", to_string(input)));
  }
  return input;
}

nlohmann::ordered_json to_json(const Extents& extents) {
  if (extents[0] == extents[1]) return extents[0];
  return {extents[0], extents[1]};
}

}  // namespace strata
