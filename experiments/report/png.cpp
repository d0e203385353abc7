#include "experiments/report/png.hpp"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "framework/core/errors.hpp"

namespace strata::report {
namespace {

using Bytes = std::vector<std::uint8_t>;

void add_number(Bytes& to, std::size_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<std::uint8_t>(value >> shift));
}

// Length, kind, content and the checksum of the latter two.
void add_chunk(Bytes& to, const char* kind, const Bytes& content) {
  add_number(to, content.size());
  const std::size_t begin = to.size();
  to.insert(to.end(), kind, kind + 4);
  to.insert(to.end(), content.begin(), content.end());
  add_number(to, crc32(0, to.data() + begin, static_cast<uInt>(to.size() - begin)));
}

std::string base64(const Bytes& bytes) {
  constexpr const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (i + k < bytes.size() ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k) {
      text += i + k <= bytes.size() ? digits[group >> (18 - 6 * k) & 63U] : '=';
    }
  }
  return text;
}

}  // namespace

std::string png_data(std::span<const float> pixels, std::size_t channels, std::size_t height, std::size_t width,
                     double low, double high) {
  if ((channels != 1 && channels != 3) || height == 0 || width == 0 || pixels.size() != channels * height * width) {
    throw ShapeError(cat("image of ", channels, " × ", height, " × ", width, " from ", pixels.size(),
                         " numbers: expected 1 or 3 channels, and as many numbers"));
  }
  Bytes rows;
  for (std::size_t y = 0; y < height; ++y) {
    rows.push_back(0);  // no filter
    for (std::size_t x = 0; x < width; ++x) {
      for (std::size_t c = 0; c < channels; ++c) {
        const double share = (static_cast<double>(pixels[(c * height + y) * width + x]) - low) / (high - low);
        rows.push_back(static_cast<std::uint8_t>(std::lround(255 * (share > 0 ? std::min(share, 1.0) : 0))));
      }
    }
  }
  uLongf size = compressBound(static_cast<uLong>(rows.size()));
  Bytes packed(size);
  compress2(packed.data(), &size, rows.data(), static_cast<uLong>(rows.size()), Z_BEST_COMPRESSION);
  packed.resize(size);
  Bytes header;
  add_number(header, width);
  add_number(header, height);
  header.insert(header.end(), {8, static_cast<std::uint8_t>(channels == 1 ? 0 : 2), 0, 0, 0});
  Bytes png{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  add_chunk(png, "IHDR", header);
  add_chunk(png, "IDAT", packed);
  add_chunk(png, "IEND", {});
  return "data:image/png;base64," + base64(png);
}

}  // namespace strata::report
