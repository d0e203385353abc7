// A command line that must be refused and change nothing.
#pragma once

#include <boost/test/unit_test.hpp>

#include "tests/cli/program.hpp"

namespace strata::testing {

/// Refused with `says`, and the folder `in` is as it was.
inline void check_refused(const Scratch& in, const std::string& line, const Words& says) {
  BOOST_TEST_CONTEXT(line) {
    const auto before = tree(in.path());
    BOOST_TEST(not_refused(call(in, line), says) == "");
    BOOST_TEST((tree(in.path()) == before));
  }
}

}  // namespace strata::testing
