// What a grid comes to: tests and their correction by network, numbers of seeds, interquartile means, and what the tables say.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "experiments/cli/results.hpp"
#include "experiments/cli/verdict.hpp"
#include "framework/analysis/robust.hpp"
#include "framework/analysis/significance.hpp"
#include "framework/core/types.hpp"

using namespace strata;
using namespace strata::cli;

namespace {

using Doubles = std::vector<double>;
const auto tight = boost::test_tools::tolerance(1e-9);

/// Complete runs of seeds 0, 1, …
void add(std::vector<ResultRow>& rows, const std::string& rule, const std::string& network, const Doubles& accuracies) {
  for (std::size_t seed = 0; seed < accuracies.size(); ++seed) {
    ResultRow row;
    row.summary.rule = rule;
    row.summary.network = network;
    row.summary.seed = static_cast<int>(seed);
    row.summary.status = std::isnan(accuracies[seed]) ? "diverged" : "complete";
    row.summary.test_accuracy = row.summary.test_accuracy_last = accuracies[seed];
    row.summary.seconds = 1;
    rows.push_back(row);
  }
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const Doubles reference{.80, .82, .84}, worse{.70, .73, .74}, alike{.81, .80, .85};

std::vector<Cell> two_networks() {
  std::vector<ResultRow> rows;
  add(rows, "backprop", "a", reference);
  add(rows, "far", "a", worse);
  add(rows, "alike", "a", alike);
  add(rows, "backprop", "b", reference);
  add(rows, "alike", "b", {.80, quiet_nan, .85});
  add(rows, "lone", "c", reference);
  return cells_of(rows);
}

}  // namespace

BOOST_AUTO_TEST_CASE(each_network_is_a_family_of_tests) {
  const auto cells = two_networks();
  BOOST_REQUIRE(cells.size() == 6U);
  const double far = paired_t_test(worse, reference), close = paired_t_test(alike, reference);
  BOOST_TEST(far < 0.025);
  BOOST_TEST(close > 0.5);
  BOOST_TEST(std::isnan(cells[0].p));
  BOOST_TEST(std::isnan(cells[0].p_holm));
  BOOST_TEST(cells[1].p == far, tight);
  BOOST_TEST(cells[1].p_holm == 2 * far, tight);
  BOOST_TEST(cells[2].p_holm == close, tight);
  BOOST_TEST(cells[1].improvement == 0.0);
  BOOST_TEST(cells[2].improvement == 4.5 / 9, tight);  // .80 ties with one, .81 beats one, .85 all three
  // On b it is the only one, and a seed is missing.
  BOOST_TEST(cells[4].difference.n == 2);
  BOOST_TEST(cells[4].p == paired_t_test(Doubles{.80, .85}, Doubles{.80, .84}), tight);
  BOOST_TEST(cells[4].p_holm == cells[4].p);
  BOOST_TEST(cells[4].improvement == 3.5 / 6, tight);
  // On c there is no backprop.
  BOOST_TEST(std::isnan(cells[5].p_holm));
  BOOST_TEST(std::isnan(cells[5].improvement));
}

BOOST_AUTO_TEST_CASE(seeds_that_it_would_take) {
  const auto cells = two_networks();
  BOOST_TEST(!cli::seeds_to_tell(cells, cells[0]).has_value());
  BOOST_TEST(!cli::seeds_to_tell(cells, cells[1]).has_value());  // told already
  BOOST_TEST(std::abs(cells[2].difference.mean) < 1e-12);        // .01, −.02, .01: none would do
  BOOST_TEST(!cli::seeds_to_tell(cells, cells[2]).has_value());
  BOOST_TEST(!cli::seeds_to_tell(cells, cells[5]).has_value());
  BOOST_TEST(cli::seeds_to_tell(cells, cells[4]).value() ==
             strata::seeds_to_tell(.005, sample_sd(Doubles{0, .01})).value());
  BOOST_TEST(seeds_advice(cells) ==
             "3 seeds cannot tell alike from backprop on a; more than 1000 would (80 % power)\n"
             "2 seeds cannot tell alike from backprop on b; about " +
                 std::to_string(*cli::seeds_to_tell(cells, cells[4])) + " would (80 % power)\n");

  // Several that cannot be told are held to Holm's next step together: each at .05 over their number.
  std::vector<ResultRow> rows;
  add(rows, "backprop", "a", reference);
  add(rows, "far", "a", worse);
  add(rows, "x", "a", {.81, .82, .86});
  add(rows, "y", "a", {.80, .81, quiet_nan});
  const auto several = cells_of(rows);
  const int x = strata::seeds_to_tell(.01, .01, .05 / 2).value();
  BOOST_TEST(cli::seeds_to_tell(several, several[2]).value() == x);
  BOOST_TEST(x > strata::seeds_to_tell(.01, .01).value());
  const std::string advice = seeds_advice(several);
  BOOST_TEST(holds(advice, "2 to 3 seeds cannot tell these from backprop; that would take (80 % power): x about " +
                               std::to_string(x) + ", y about "),
             advice);
  BOOST_TEST(!holds(advice, "far"));
  // Many are counted, not listed.
  for (int r = 0; r < 6; ++r) add(rows, "r" + std::to_string(r), "a", {.81, .82, .86});
  BOOST_TEST(holds(seeds_advice(cells_of(rows)), ", and 3 more rules\n"), seeds_advice(cells_of(rows)));
}

BOOST_AUTO_TEST_CASE(one_seed_tells_nothing) {
  std::vector<ResultRow> rows;
  add(rows, "backprop", "a", {.8});
  add(rows, "fa", "a", {.7});
  const auto cells = cells_of(rows);
  BOOST_TEST(cells[1].difference.mean == -.1, tight);
  BOOST_TEST(std::isnan(cells[1].p_holm));
  BOOST_TEST(std::isnan(cells[1].improvement));  // 0 would sound sure
  BOOST_TEST(seeds_advice(cells).empty());
  BOOST_TEST(!cli::seeds_to_tell(cells, cells[1]).has_value());
  BOOST_TEST(holds(results_table(cells).note, "One seed tells nothing"));
}

BOOST_AUTO_TEST_CASE(many_runs_have_an_interquartile_mean) {
  Doubles ten{.8, .1, .83, .82, .81, .84, .85, .86, .87, .99};
  std::vector<ResultRow> rows;
  add(rows, "backprop", "a", ten);
  add(rows, "fa", "a", Doubles(ten.begin(), ten.end() - 1));
  const auto cells = cells_of(rows);
  BOOST_TEST(cells[0].iqm == interquartile_mean(ten));
  BOOST_TEST(cells[0].iqm_interval.low < cells[0].iqm);
  BOOST_TEST(cells[0].iqm_interval.high > cells[0].iqm);
  BOOST_TEST(std::isnan(cells[1].iqm));
  BOOST_TEST(std::isnan(cells[1].iqm_interval.low));
  const auto again = cells_of(rows);
  BOOST_TEST(again[0].iqm_interval.low == cells[0].iqm_interval.low);
  const auto json = to_json(rows, cells);
  BOOST_TEST(json[0].at("iqm").get<double>() == cells[0].iqm);
  BOOST_TEST(json[0].at("iqm_ci_high").get<double>() == cells[0].iqm_interval.high);
  BOOST_TEST(json[10].at("iqm").is_null());
  BOOST_TEST(json[10].at("p_holm").get<double>() == cells[1].p_holm);
  BOOST_TEST(json[0].at("p_holm").is_null());
  // Over all networks: the rules that have as many runs on each.
  BOOST_TEST(overall_table(cells).rows.empty());
  add(rows, "backprop", "b", Doubles(10, .5));
  add(rows, "fa", "b", Doubles(10, .6));
  const auto overall = overall_table(cells_of(rows));
  BOOST_REQUIRE(overall.rows.size() == 1U);
  BOOST_TEST(overall.rows[0][0] == "backprop");
  BOOST_TEST(overall.rows[0][1] == "20");
  Doubles all(10, .5);
  all.insert(all.end(), ten.begin(), ten.end());
  BOOST_TEST(overall.rows[0][2] == percent(interquartile_mean(all)));
  BOOST_TEST(overall.rows[0][4] == "–");
}

BOOST_AUTO_TEST_CASE(the_tables) {
  const Table table = results_table(two_networks());
  const std::vector<std::string> header{"rule",        "network",       "runs", "test %",       "95 % interval",
                                        "vs backprop", "95 % interval", "p",    "last epoch %", "seconds"};
  BOOST_TEST(table.header == header, boost::test_tools::per_element());
  for (const auto& row : table.rows) BOOST_TEST(row.size() == header.size());
  BOOST_TEST(table.words == 3U);
  BOOST_TEST(table.rows[0][7] == "–");
  BOOST_TEST(table.rows[1][7] == p_text(2 * paired_t_test(worse, reference)));
  BOOST_TEST(holds(table.note, "Holm's correction"));
  BOOST_TEST(holds(table.note, "3 seeds cannot tell alike from backprop on a;"));
  BOOST_TEST(!holds(table.note, "P(above)"));
  const Table robust = results_table(two_networks(), true);
  BOOST_TEST(robust.header[8] == "P(above)");
  BOOST_TEST(robust.rows[1][8] == "0.00");
  BOOST_TEST(robust.header.size() == header.size() + 1);  // too few runs for interquartile means
  std::vector<ResultRow> rows;
  add(rows, "fa", "a", Doubles(10, .5));
  const Table many = results_table(cells_of(rows), true);
  BOOST_TEST(many.header[8] == "IQM %");
  BOOST_TEST(many.rows[0][8] == "50.00");
  BOOST_TEST(many.rows[0][9] == "[50.00, 50.00]");
}

BOOST_AUTO_TEST_CASE(words_for_differences) {
  const Interval down{-1, -2, -.1, 3}, up{1, .1, 2, 3};
  BOOST_TEST((verdict(down, .049) == Verdict::below));
  BOOST_TEST((verdict(up, .049) == Verdict::above));
  BOOST_TEST((verdict(up, .05) == Verdict::open));  // whatever the interval
  BOOST_TEST((verdict(up, quiet_nan) == Verdict::open));
  BOOST_TEST((verdict({quiet_nan, quiet_nan, quiet_nan, 0}, quiet_nan) == Verdict::none));
  BOOST_TEST(p_text(.04399) == "0.044");
  BOOST_TEST(p_text(.0495) == "<0.050");
  BOOST_TEST(p_text(.04999) == "<0.050");
  BOOST_TEST(p_text(.05) == "0.050");
  BOOST_TEST(p_text(.0494) == "0.049");
  BOOST_TEST(p_text(0) == "<0.001");
  BOOST_TEST(p_text(.001) == "0.001");
  BOOST_TEST(p_text(1) == "1.000");
  BOOST_TEST(p_text(quiet_nan) == "–");
}
