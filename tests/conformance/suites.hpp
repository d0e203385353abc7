// The suites that conformance.cpp puts together.
#pragma once

#include <boost/test/unit_test.hpp>
#include <functional>
#include <string>
#include <vector>

#include "datasets/datasets.hpp"
#include "framework/layers/catalog.hpp"
#include "framework/learning/catalog.hpp"

namespace strata::conformance {

using Suite = boost::unit_test::test_suite;

inline Suite* suite(const std::string& name) { return new Suite(name, __FILE__, 0); }  // Boost.Test owns it
inline void add_case(Suite& to, const std::string& name, const std::function<void()>& body) {
  to.add(boost::unit_test::make_test_case(body, name, __FILE__, 0));
}

Suite* rule_suite(const std::vector<RuleEntry>& rules);       ///< rules.cpp
Suite* thread_suite(const std::vector<RuleEntry>& rules);     ///< threads.cpp
Suite* layer_suite(const std::vector<LayerEntry>& layers);    ///< layers.cpp
Suite* dataset_suite(const std::vector<DatasetEntry>& sets);  ///< datasets.cpp

}  // namespace strata::conformance
