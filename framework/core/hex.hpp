#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

namespace strata {

/// 16 hex digits: how checksums are written.
inline std::string hex(std::uint64_t value) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(value));
  return digits;
}

}  // namespace strata
