// A DataGroup with everything that one can hold, and a comparison in which NaN equals NaN.
#pragma once

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "framework/io/data_group.hpp"

namespace strata::testing {

/// Axes and variables of every type, and every type of note.
inline DataGroup sample_group() {
  DataGroup group{"sample-ü", {}, {}, {}};
  group.axes = {{"snapshot", std::vector<std::int32_t>{0, 3}, "epochs trained"},
                {"layer", std::vector<std::string>{"h1", "", "sortie-é"}, "layer of neurons"},
                {"noise", std::vector<double>{0.1, 1e300}, ""}};
  group.arrays = {{"value",
                   {"snapshot", "layer", "noise"},
                   std::vector<double>{0.1, NAN, 3, 4, 5, 6, 7, 8, 9, 10, 11, -1e-300},
                   "what it is: ∂L/∂a",
                   "1"},
                  {"count", {"snapshot", "layer"}, std::vector<std::int32_t>{10, 20, 30, -1, 40, 50}, "", "neuron"},
                  {"single", {"snapshot"}, std::vector<float>{-2.5F, 0.1F}, "in four bytes", ""},
                  {"weight", {"layer"}, std::vector<double>{1, NAN, 3}, "", ""}};
  group.notes = {{"k", std::int32_t{5}}, {"damping", 0.1}, {"title", std::string("Größe")}, {"empty", std::string()}};
  return group;
}

template <class Variant> void same_values(const Variant& a, const Variant& b) {
  BOOST_TEST_REQUIRE(a.index() == b.index());
  std::visit(
      [&](const auto& values) {
        const auto& other = std::get<std::decay_t<decltype(values)>>(b);
        BOOST_TEST_REQUIRE(values.size() == other.size());
        for (std::size_t i = 0; i < values.size(); ++i) {
          if constexpr (std::is_floating_point_v<std::decay_t<decltype(values[i])>>) {
            BOOST_TEST(((std::isnan(values[i]) && std::isnan(other[i])) || values[i] == other[i]),
                       values[i] << " is not " << other[i]);
          } else {
            BOOST_TEST(values[i] == other[i]);
          }
        }
      },
      a);
}

inline void same_groups(const DataGroup& a, const DataGroup& b) {
  BOOST_TEST(a.name == b.name);
  BOOST_TEST_REQUIRE(a.axes.size() == b.axes.size());
  for (std::size_t i = 0; i < a.axes.size(); ++i) {
    BOOST_TEST_CONTEXT("axis " << a.axes[i].name) {
      BOOST_TEST(a.axes[i].name == b.axes[i].name);
      BOOST_TEST(a.axes[i].long_name == b.axes[i].long_name);
      same_values(a.axes[i].labels, b.axes[i].labels);
    }
  }
  BOOST_TEST_REQUIRE(a.arrays.size() == b.arrays.size());
  for (std::size_t i = 0; i < a.arrays.size(); ++i) {
    BOOST_TEST_CONTEXT("variable " << a.arrays[i].name) {
      BOOST_TEST(a.arrays[i].name == b.arrays[i].name);
      BOOST_TEST(a.arrays[i].axes == b.arrays[i].axes, boost::test_tools::per_element());
      BOOST_TEST(a.arrays[i].long_name == b.arrays[i].long_name);
      BOOST_TEST(a.arrays[i].units == b.arrays[i].units);
      same_values(a.arrays[i].values, b.arrays[i].values);
    }
  }
  BOOST_TEST_REQUIRE(a.notes.size() == b.notes.size());
  for (std::size_t i = 0; i < a.notes.size(); ++i) {
    BOOST_TEST(a.notes[i].first == b.notes[i].first);
    BOOST_TEST((a.notes[i].second == b.notes[i].second));
  }
}

}  // namespace strata::testing
