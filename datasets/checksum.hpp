// Tells two versions of a data set apart: 64-bit FNV-1a, eight bytes at a time, with a shift after each product.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "framework/core/hex.hpp"

namespace strata {

class Checksum {
 public:
  void add(std::span<const std::uint8_t> bytes) {
    mix(bytes.size());
    std::size_t i = 0;
    for (; i + 8 <= bytes.size(); i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + i, 8);  // x86-64 is little-endian, and Strata builds nowhere else yet
      mix(word);
    }
    for (; i < bytes.size(); ++i) mix(bytes[i]);
  }

  /// 16 hex digits.
  std::string text() const { return hex(state_); }

 private:
  // A product moves bits up only; without the shift, changes in the top bits of two words could cancel.
  void mix(std::uint64_t word) {
    state_ = (state_ ^ word) * 0x100000001b3ULL;
    state_ ^= state_ >> 29;
  }

  std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

}  // namespace strata
