// Learning-rate schedules: parsing, and the factor at steps worked out by hand.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numbers>

#include "framework/core/errors.hpp"
#include "framework/optim/schedule.hpp"
#include "tests/support/says.hpp"

using namespace strata;
using strata::testing::says;

namespace {

constexpr std::uint64_t n = 10;  // steps an epoch

double at(const std::string& schedule, std::uint64_t step, int epochs = 8) {
  return lr_factor(parse_schedule(schedule), step, n, epochs);
}

}  // namespace

BOOST_AUTO_TEST_CASE(constant) {
  for (const std::uint64_t s : {0, 1, 79, 1000}) BOOST_TEST(at("constant", s) == 1.0);
}

BOOST_AUTO_TEST_CASE(steps) {
  const std::string s = "step:2,5:0.5";
  BOOST_TEST(at(s, 0) == 1.0);
  BOOST_TEST(at(s, 19) == 1.0);
  BOOST_TEST(at(s, 20) == 0.5);
  BOOST_TEST(at(s, 49) == 0.5);
  BOOST_TEST(at(s, 50) == 0.25);
  BOOST_TEST(at(s, 5000) == 0.25);
}

BOOST_AUTO_TEST_CASE(cosine) {
  BOOST_TEST(at("cosine", 0) == 1.0);
  BOOST_TEST(at("cosine", 40) == 0.5, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(at("cosine", 1) == (1 + std::cos(std::numbers::pi / 80)) / 2, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(at("cosine", 79) > 0.0);
  BOOST_TEST(at("cosine", 79) < 1e-3);
  BOOST_TEST(at("cosine", 80) == 0.0);
  BOOST_TEST(at("cosine", 90) == 0.0);
}

BOOST_AUTO_TEST_CASE(warm_up) {
  for (const std::string rest : {"constant", "step:2,5:0.5", "cosine"}) {
    const std::string s = "warmup:2+" + rest;
    BOOST_TEST(at(s, 0) == 1.0 / 20);
    BOOST_TEST(at(s, 9) == 0.5);
    BOOST_TEST(at(s, 18) == 0.95);
    BOOST_TEST(at(s, 19) == 1.0);
  }
  BOOST_TEST(at("warmup:2+constant", 20) == 1.0);
  BOOST_TEST(at("warmup:2+step:2,5:0.5", 20) == 0.5);
  BOOST_TEST(at("warmup:2+cosine", 20) == 1.0);
  BOOST_TEST(at("warmup:2+cosine", 50) == 0.5, boost::test_tools::tolerance(1e-15));
  BOOST_TEST(at("warmup:2+cosine", 80) == 0.0);
  // Milestones inside the warm-up scale it; a fraction of an epoch will do; warm-up may outlast the run.
  BOOST_TEST(at("warmup:4+step:2:0.5", 29) == 30.0 / 40 * 0.5);
  BOOST_TEST(at("warmup:0.25+constant", 0) == 0.4);
  BOOST_TEST(at("warmup:0.25+constant", 1) == 0.8);
  BOOST_TEST(at("warmup:0.25+constant", 2) == 1.0);
  BOOST_TEST(at("warmup:8+cosine", 79) == 1.0);
  BOOST_TEST(at("warmup:8+cosine", 80) == 0.0);
  BOOST_TEST(at("warmup:20+cosine", 99) == 0.5);
}

BOOST_AUTO_TEST_CASE(parsing) {
  const ScheduleSpec s = parse_schedule("step:50,75:0.1", 2.5);
  BOOST_TEST((s == ScheduleSpec{ScheduleSpec::Kind::step, {50, 75}, 0.1, 2.5}));
  BOOST_TEST((parse_schedule("warmup:2.5+step:50,75:0.1") == s));
  BOOST_TEST((parse_schedule("constant") == ScheduleSpec{}));
  BOOST_TEST(to_text(s) == "warmup:2.5+step:50,75:0.1");
  for (const std::string text : {"constant", "cosine", "step:7:0.3", "warmup:1+cosine", "warmup:0.1+constant"}) {
    BOOST_TEST(to_text(parse_schedule(text)) == text);
  }
  BOOST_TEST(depends_on_total_epochs(parse_schedule("warmup:1+cosine")));
  BOOST_TEST(!depends_on_total_epochs(parse_schedule("step:1:0.1")));
  BOOST_TEST(!depends_on_total_epochs(parse_schedule("constant", 3)));
}

BOOST_AUTO_TEST_CASE(refusals) {
  for (const std::string text : {"",
                                 "cosin",
                                 "constant ",
                                 "Cosine",
                                 "cosine:3",
                                 "step",
                                 "step:",
                                 "step:50",
                                 "step:50:",
                                 "step::0.1",
                                 "step:0:0.1",
                                 "step:-5:0.1",
                                 "step:5,5:0.1",
                                 "step:7,5:0.1",
                                 "step:5,:0.1",
                                 "step:5.5:0.1",
                                 "step:5:0",
                                 "step:5:-1",
                                 "step:5:nan",
                                 "step:5:inf",
                                 "step:5:0.1x",
                                 "step:5:0.1:2",
                                 "step:99999999999:0.1",
                                 "warmup:3",
                                 "warmup:+cosine",
                                 "warmup:-1+cosine",
                                 "warmup:nan+cosine",
                                 "warmup:inf+cosine",
                                 "warmup:3+",
                                 "warmup:3+warmup:3+cosine"}) {
    BOOST_TEST_CONTEXT("'" << text << "'") { BOOST_CHECK_THROW(parse_schedule(text), UsageError); }
  }
  for (const double warmup : {-1.0, std::nan(""), HUGE_VAL}) {
    BOOST_CHECK_THROW(parse_schedule("cosine", warmup), UsageError);
  }
  BOOST_CHECK_THROW(parse_schedule("warmup:3+cosine", 2), UsageError);
  BOOST_CHECK_EXCEPTION(parse_schedule("cosin"), UsageError, says({"did you mean 'cosine'"}));
}
