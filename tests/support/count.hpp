#pragma once

#include <boost/test/unit_test.hpp>
#include <string>

namespace strata::testing {

/// How often to try: what stands after "--" on the test program's command line, else `fallback`.
inline int count_or(int fallback) {
  const auto& suite = boost::unit_test::framework::master_test_suite();
  return suite.argc > 1 ? std::stoi(suite.argv[1]) : fallback;
}

}  // namespace strata::testing
