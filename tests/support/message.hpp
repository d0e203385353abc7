// What an exception says, for tests that look at it piece by piece.
#pragma once

#include <boost/test/unit_test.hpp>
#include <string>

namespace strata::testing {

/// The message of the E that `f` throws, which is one line.
template <class E, class F> std::string message(F f) {
  try {
    f();
  } catch (const E& error) {
    BOOST_TEST(std::string(error.what()).find('\n') == std::string::npos);
    return error.what();
  }
  BOOST_ERROR("nothing thrown");
  return "";
}

/// Is `part` in `text`? Shows the text where a test fails on it.
inline bool mentions(const std::string& text, const std::string& part) {
  BOOST_TEST_INFO("in: " << text);
  return text.find(part) != std::string::npos;
}

}  // namespace strata::testing
