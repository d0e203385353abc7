// Draws lie in their range, spread as they should, and depend on seed, rule, option and number alone.

#include "framework/learning/search_space.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <set>

#include "framework/core/errors.hpp"
#include "framework/learning/catalog.hpp"
#include "tests/support/message.hpp"

using namespace strata;
using strata::testing::mentions;
using strata::testing::message;

namespace {

RuleEntry entry() {
  RuleEntry e;
  e.name = "mine";
  e.options = {real_option("sigma", 0.1, 0, 1, ""), integer_option("steps", 4, 1, 9, ""),
               choice_option("shape", "round", {"round", "square"}, "")};
  e.optimizers = {{"forward", adam(3e-4)}, {"inverse", adam(6e-3)}};
  return e;
}

std::vector<double> draws(const SearchRange& range, int n) {
  const RuleEntry e = entry();
  std::vector<double> values;
  for (int t = 0; t < n; ++t) values.push_back(std::stod(draw_trial(e, {range}, {}, 0, t).at(range.option)));
  std::sort(values.begin(), values.end());
  return values;
}

}  // namespace

BOOST_AUTO_TEST_CASE(draws_lie_in_the_range_and_spread) {
  const auto logs = draws(log_uniform("lr", 1e-5, 1e-1), 2000);
  BOOST_TEST(logs.front() >= 1e-5);
  BOOST_TEST(logs.back() <= 1e-1);
  BOOST_TEST(std::log10(logs[1000]) == -3.0, boost::test_tools::tolerance(0.05));  // the median of log-uniform
  BOOST_TEST(std::log10(logs[500]) == -4.0, boost::test_tools::tolerance(0.05));
  const auto flat = draws(uniform("sigma", 0.2, 0.6), 2000);
  BOOST_TEST(flat.front() >= 0.2);
  BOOST_TEST(flat.back() <= 0.6);
  BOOST_TEST(flat[1000] == 0.4, boost::test_tools::tolerance(0.05));
}

BOOST_AUTO_TEST_CASE(whole_options_get_whole_numbers_each_with_its_share) {
  const auto steps = draws(uniform("steps", 1, 4), 4000);
  for (const double value : {1., 2., 3., 4.}) {
    const auto count = std::count(steps.begin(), steps.end(), value);
    BOOST_TEST(count > 850, value << ": " << count);
    BOOST_TEST(count < 1150, value << ": " << count);
  }
}

BOOST_AUTO_TEST_CASE(choices_and_options_that_follow_others) {
  const RuleEntry e = entry();
  std::set<std::string> seen;
  for (int t = 0; t < 50; ++t) {
    const auto trial = draw_trial(
        e, {choice("shape", {"round", "square"}), same("inverse-lr", "lr"), log_uniform("lr", 1e-3, 1)}, {}, 7, t);
    seen.insert(trial.at("shape"));
    BOOST_TEST(trial.at("inverse-lr") == trial.at("lr"));
  }
  BOOST_TEST(seen.size() == 2U);
  const auto follows_given = draw_trial(e, {same("inverse-lr", "lr")}, {{"lr", "0.5"}}, 7, 0);
  BOOST_TEST(follows_given.at("inverse-lr") == "0.5");
  BOOST_TEST(draw_trial(e, {same("inverse-lr", "lr")}, {}, 7, 0).empty());
}

BOOST_AUTO_TEST_CASE(a_draw_depends_on_nothing_else) {
  const RuleEntry e = entry();
  const SearchRange lr = log_uniform("lr", 1e-5, 1);
  const std::string alone = draw_trial(e, {lr}, {}, 3, 11).at("lr");
  BOOST_TEST(draw_trial(e, {uniform("sigma", 0, 1), lr}, {{"steps", "3"}}, 3, 11).at("lr") == alone);
  BOOST_TEST(draw_trial(e, {lr}, {}, 4, 11).at("lr") != alone);
  BOOST_TEST(draw_trial(e, {lr}, {}, 3, 12).at("lr") != alone);
  RuleEntry other = e;
  other.name = "other";
  BOOST_TEST(draw_trial(other, {lr}, {}, 3, 11).at("lr") != alone);
}

BOOST_AUTO_TEST_CASE(the_space_of_a_rule) {
  RuleEntry e = entry();
  BOOST_TEST((search_space(e) ==
              std::vector{log_uniform("lr", 3e-4 / 30, 3e-4 * 30), log_uniform("inverse-lr", 6e-3 / 30, 6e-3 * 30)}));
  e.search = {uniform("sigma", 0, 1), same("inverse-lr", "lr")};
  BOOST_TEST((search_space(e) ==
              std::vector{log_uniform("lr", 3e-4 / 30, 3e-4 * 30), uniform("sigma", 0, 1), same("inverse-lr", "lr")}));
  BOOST_TEST((search_space(e, {{"sigma", "0.1"}, {"lr", "1"}}) == std::vector{same("inverse-lr", "lr")}));
  BOOST_TEST((search_space(e, {{"optimizer", "momentum"}}).front() == log_uniform("lr", 1e-4, 1)));
  BOOST_TEST((search_space(e, {{"optimizer", "adamw"}}).front() == log_uniform("lr", 3e-4 / 30, 3e-4 * 30)));
}

BOOST_AUTO_TEST_CASE(ranges_are_read_as_they_are_written) {
  for (const char* text : {"log:1e-05:0.01", "uniform:-1:2.5", "choice:round|square", "same:lr"}) {
    BOOST_TEST(to_text(parse_range("sigma", text)) == text);
  }
  for (const char* text : {"", "log", "log:1", "log:1:2:3", "log:0:1", "uniform:2:1", "uniform:a:1", "choice:one",
                           "norm:0:1", "uniform:0:inf"}) {
    BOOST_TEST(mentions(message<UsageError>([&] { parse_range("sigma", text); }), "search of sigma"), text);
  }
}

BOOST_AUTO_TEST_CASE(spaces_that_cannot_be) {
  const RuleEntry e = entry();
  const auto refusal = [&](std::vector<SearchRange> space) {
    return message<UsageError>([&] { check_search_space(e, space); });
  };
  BOOST_TEST(mentions(refusal({uniform("sigmo", 0, 1)}), "did you mean 'sigma'"));
  BOOST_TEST(mentions(refusal({uniform("sigma", 0, 2)}), "sigma"));
  BOOST_TEST(mentions(refusal({uniform("steps", 0, 5)}), "steps"));
  BOOST_TEST(mentions(refusal({uniform("sigma", 0, 1), uniform("sigma", 0, 1)}), "there twice"));
  BOOST_TEST(mentions(refusal({choice("shape", {"round", "oval"})}), "oval"));
  BOOST_TEST(mentions(refusal({same("sigma", "nothing")}), "nothing"));
  BOOST_TEST(mentions(refusal({log_uniform("lr", 0, 1)}), "above 0"));
  check_search_space(e, search_space(e));
}
