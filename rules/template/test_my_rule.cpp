// A test to start from: copy it to tests/rules/test_NAME.cpp. What all rules must keep to is tested by the conformance suite;
// here is what is particular to this one, against numbers worked out by other means. Oracles before tolerances.
#include <boost/test/unit_test.hpp>

#include "rules/builtin.hpp"
#include "tests/support/builtin_rule.hpp"
#include "tests/support/learning.hpp"

using namespace strata;
using namespace strata::testing;

namespace strata::rules {
RuleEntry my_rule();  // a rule of the catalog needs no such line: builtin("NAME") is its entry
}

namespace {

std::string weights_after_two_epochs(const RuleEntry& rule, const std::map<std::string, std::string>& options) {
  const Setting s({.features = 8, .classes = 3, .clusters = 2, .train = 90, .test = 10}, 20, {7, 6});
  const auto trainer = s.trainer(rule, options);
  train(*trainer, 2);
  return bytes(trainer->registry(), "forward");
}

}  // namespace

BOOST_AUTO_TEST_CASE(without_noise_it_is_backprop_bit_for_bit) {
  const auto backprop = weights_after_two_epochs(builtin("backprop"), {{"optimizer", "sgd"}, {"lr", "0.1"}});
  BOOST_TEST(
      (weights_after_two_epochs(rules::my_rule(), {{"sigma", "0"}, {"optimizer", "sgd"}, {"lr", "0.1"}}) == backprop));
  BOOST_TEST(
      (weights_after_two_epochs(rules::my_rule(), {{"sigma", "1"}, {"optimizer", "sgd"}, {"lr", "0.1"}}) != backprop));
}
