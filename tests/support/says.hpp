// A predicate for BOOST_CHECK_EXCEPTION, and matrices as bytes.
#pragma once

#include <cstring>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "framework/core/types.hpp"

namespace strata::testing {

/// True for an exception whose message holds all of `parts`.
inline auto says(std::vector<std::string> parts) {
  return [parts = std::move(parts)](const std::exception& e) {
    const std::string text = e.what();
    for (const std::string& part : parts) {
      if (text.find(part) == std::string::npos) return false;
    }
    return true;
  };
}

inline std::string bytes(const Matrix& m) {
  std::string b(static_cast<std::size_t>(m.size()) * sizeof(Scalar), '\0');
  if (m.size() > 0) std::memcpy(b.data(), m.data(), b.size());
  return b;
}

}  // namespace strata::testing
