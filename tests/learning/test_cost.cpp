// What a rule costs in multiply-adds, beside sums by hand.
#include "framework/learning/cost.hpp"

#include <boost/test/unit_test.hpp>

#include "rules/builtin.hpp"
#include "tests/support/says.hpp"

using namespace strata;
using strata::testing::says;

namespace {

double cost(const std::string& rule, const std::vector<Index>& hidden = {7, 5}) {
  const Catalog catalog = builtin_catalog();
  const Graph graph(mlp_graph({.input = {6}, .hidden = hidden, .outputs = 3, .skips = {}}));
  return multiply_adds_in_epoch(catalog.at(rule), graph, "cross_entropy", 8);
}

}  // namespace

BOOST_AUTO_TEST_CASE(by_hand) {
  const double first = 6 * 7, second = 7 * 5, last = 5 * 3;
  BOOST_TEST(cost("backprop") == 8 * (3 * (first + second + last) - first));  // no gradient of the input
  BOOST_TEST(cost("frozen") == 8 * (first + second + 2 * last));              // forward, and the last layer's gradient
  BOOST_TEST(cost("fa") == cost("backprop"));
  BOOST_TEST(cost("dfa") == 8 * (2 * (first + second + last) + 7 * 3 + 5 * 3));
}

// Two inverses learn in the joint pass and once more in a pass of their own.
BOOST_AUTO_TEST_CASE(all_passes_of_an_epoch_count) {
  const double forward = 6 * 7 + 7 * 5 + 5 * 3;
  const double signals = 7 * 3 + 5 * 3;         // Q e of both points
  const double noisy = 7 * 5 + 5 * 3 + 5 * 3;   // forward from each point
  const double inverses = noisy + 2 * signals;  // and Q's loss and gradient
  BOOST_TEST(cost("ddtp_linear") == 8 * (2 * forward + signals + inverses + forward + inverses));
}

BOOST_AUTO_TEST_CASE(a_rule_that_cannot_train_the_graph_says_so) {
  BOOST_CHECK_EXCEPTION(cost("forward_forward", {}), UnsupportedError, says({"hidden"}));
}
