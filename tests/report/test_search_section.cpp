// The report's section on a search for hyper-parameters: there where a search was, and only there.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "experiments/report/figure.hpp"
#include "framework/core/types.hpp"
#include "tests/cli/program.hpp"

using namespace strata::testing;
using strata::report::Study;

namespace {

const std::string tiny = "--dataset clusters --hidden 10x2 --quiet ";

void make(const Scratch& in, const std::string& line) {
  const Outcome o = call(in, line);
  BOOST_REQUIRE_MESSAGE(o.code == 0, line << ": exit " << o.code << ": " << o.err);
}

strata::cli::TunedCell searched(const std::string& rule, const std::string& network,
                                const std::vector<double>& scores) {
  strata::cli::TunedCell cell;
  cell.rule = rule;
  cell.network = network;
  for (const double score : scores) {
    strata::cli::Trial trial;
    trial.number = static_cast<int>(cell.trials.size());
    trial.rung = 0;
    trial.status = std::isnan(score) ? "diverged" : "complete";
    trial.score = std::isnan(score) ? 0.99 : score;  // before it diverged; counts with nothing all the same
    cell.trials.push_back(trial);
  }
  return cell;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_search_ahead_of_a_comparison) {
  const Scratch in;
  make(in, "compare --rules backprop,fa --tune 4 --reduction 2 --epochs 4 --seeds 1 --snapshots none --out o " + tiny);
  const Outcome o = call(in, "report o");
  BOOST_TEST(o.code == 0, o.err);
  BOOST_TEST(o.err == "");
  const std::string page = content(in / "o/report.html");
  for (const char* part :
       {"<h2 id=\"search\">Search for hyper-parameters</h2>", "<a href=\"#search\">", "lower bound",
        "feedback-scale=", "<th class=\"n\">multiply-adds</th>", "\"search\":[{\"rule\":\"backprop\""}) {
    BOOST_TEST(contains(page, part), part);
  }
  BOOST_TEST(!contains(page, "are trials of a search"));
  BOOST_TEST(!contains(page, "still climbs"));  // under halving every line does
  BOOST_TEST(contains(page, "id=\"final-accuracy\""));
  const std::string svg = content(in / "o/report/search.svg");
  BOOST_TEST(count(svg, "class=\"band ") == 2U);
  BOOST_TEST(count(svg, "class=\"line ") == 2U + 2U);  // and the legend's
  BOOST_TEST(!contains(svg, "nan"));

  // One rule of it.
  BOOST_TEST(call(in, "report o --rules fa --out fa.html").code == 0);
  BOOST_TEST(count(content(in / "fa/search.svg"), "class=\"band ") == 1U);

  // Damaged, or another file: named, and the rest is there.
  const std::string bytes = content(in / "o/search/trials.h5");
  for (const std::string& bad :
       {bytes.substr(0, bytes.size() / 2), std::string("x"), content(run_files(in / "o")[0])}) {
    write(in / "o/search/trials.h5", bad);
    const Outcome named = call(in, "report o");
    BOOST_TEST(named.code == 3);
    BOOST_TEST(lines(named.err).size() == 1U, named.err);
    BOOST_TEST(contains(named.err, "left out: o/search/trials.h5"), named.err);
    const std::string rest = content(in / "o/report.html");
    BOOST_TEST(!contains(rest, "id=\"search\""));
    BOOST_TEST(contains(rest, "id=\"learning-curves\""));
    BOOST_TEST(contains(rest, "o/search/trials.h5"));
  }
  // None.
  fs::remove_all(in / "o/search");
  BOOST_TEST(call(in, "report o").code == 0);
  BOOST_TEST(!contains(content(in / "o/report.html"), "id=\"search\""));
}

BOOST_AUTO_TEST_CASE(a_search_alone) {
  const Scratch in;
  make(in, "tune --rules backprop,fa --trials 4 --method random --epochs 2 --out t " + tiny);
  const Outcome o = call(in, "report t");
  BOOST_TEST(o.code == 0, o.err);
  const std::string page = content(in / "t/report.html");
  for (const char* part : {"<h2 id=\"search\">", "are trials of a search", "id=\"learning-curves\"", "8 runs"}) {
    BOOST_TEST(contains(page, part), part);
  }
  BOOST_TEST(!contains(page, "lower bound"));  // all trained to the end
  BOOST_TEST(contains(page, "still climbs"));
  // No trial sees the test set.
  BOOST_TEST(!contains(page, "id=\"final-accuracy\""));
  BOOST_TEST(!contains(page, "on the test set"));
}

BOOST_AUTO_TEST_CASE(the_curves_of_a_search) {
  Study study;
  study.rules = {"backprop", "fa"};
  study.networks = {"mlp"};
  BOOST_TEST(!search_curves(study).has_value());
  BOOST_TEST(search_table(study).rows.empty());
  // A rule that no run has is drawn too, after those in the study; what diverged is counted.
  study.search = {searched("backprop", "mlp", {.5, .9, .7}), searched("fa", "mlp", {.5, strata::quiet_nan}),
                  searched("dfa", "mlp", {.3})};
  study.search[0].best = 1;
  study.search[0].trials[1].options = {{"lr", "0.1"}};
  const auto figure = search_curves(study);
  BOOST_REQUIRE(figure.has_value());
  BOOST_TEST(contains(figure->sentence, " 1 trial that diverged or failed counts as 0 %."), figure->sentence);
  BOOST_TEST(!contains(figure->sentence, "lower bound"), figure->sentence);
  const std::string svg = figure->svg.element();
  BOOST_TEST(count(svg, "class=\"line l0\"") == 2U);
  BOOST_TEST(count(svg, "class=\"line l1\"") == 2U);
  BOOST_TEST(count(svg, "class=\"line l2\"") == 1U);  // the legend's: one trial is a dot
  BOOST_TEST(count(svg, "<circle ") == 1U);
  BOOST_TEST(!contains(svg, ">100</text>"));  // the axis ends at backprop's 90 % and a little
  const auto table = search_table(study);
  BOOST_REQUIRE(table.rows.size() == 3U);
  BOOST_TEST((table.rows[0][0] == "backprop" && table.rows[0][2] == "90.00" && table.rows[0].back() == "lr=0.1"));
  BOOST_TEST(table.rows[1].size() == 3U);
  BOOST_TEST(contains(table.rows[1][2], "no setting was chosen of 2 trials"), table.rows[1][2]);
  // Trials that were not trained are none; halving is told by its rungs.
  study.search.resize(1);
  study.search[0].trials[0].rung = 1;
  study.search[0].trials[2].status = "waiting";
  BOOST_TEST(contains(search_curves(study)->sentence, "lower bound"));
  for (auto& trial : study.search[0].trials) trial.status = "waiting";
  BOOST_TEST(!search_curves(study).has_value());
}

// More rules than colours: a panel each, with a line a network, and backprop's for comparison. Many trials are thinned.
BOOST_AUTO_TEST_CASE(many_rules_and_many_trials) {
  Study study;
  std::vector<double> scores(5000);
  for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = static_cast<double>(i) / 5000;
  for (const char* rule : {"backprop", "a", "b", "c", "d", "e", "f", "g", "h"}) {
    study.search.push_back(searched(rule, "mlp", {.2, .4, .6}));
  }
  study.search.push_back(searched("h", "deep", scores));
  const std::string svg = search_curves(study)->svg.element();
  BOOST_TEST(count(svg, "class=\"axis\"") == 9U * 2U);
  BOOST_TEST(count(svg, "class=\"band b0\"") == 9U);
  BOOST_TEST(count(svg, "class=\"band b1\"") == 1U);
  BOOST_TEST(contains(svg, "backprop, for comparison"));
  BOOST_TEST(svg.size() < 60'000U);
}
