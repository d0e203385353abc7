// Claim C6 on made-up runs: who is below backprop, how fast, and from which depth on no better than frozen.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <deque>

#include "experiments/cli/claim_accuracy.hpp"
#include "framework/core/errors.hpp"

using namespace strata;
using namespace strata::cli;

namespace {

using Doubles = std::vector<double>;

/// Validation accuracies from epoch 0 on; 100 multiply-adds an epoch.
RunRecord history(const Doubles& validation, int hidden = 3) {
  RunRecord run;
  for (std::size_t e = 0; e < validation.size(); ++e) {
    EpochMetrics row{};
    row.epoch = static_cast<int>(e);
    row.validation_accuracy = validation[e];
    row.train_multiply_adds = e == 0 ? 0 : 100;
    run.training.push_back(row);
  }
  for (int l = 1; l <= hidden + 1; ++l) run.layer_depth.push_back(l);
  return run;
}

struct Runs {
  std::vector<ResultRow> rows;
  std::deque<RunRecord> kept;
  std::vector<const RunRecord*> records;

  /// Test accuracies of seeds 0, 1, …; NaN: diverged.
  void add(const std::string& rule, const std::string& network, int hidden, const Doubles& accuracies) {
    for (std::size_t seed = 0; seed < accuracies.size(); ++seed) {
      ResultRow row;
      row.summary.rule = rule;
      row.summary.network = network;
      row.summary.seed = static_cast<int>(seed);
      const bool complete = !std::isnan(accuracies[seed]);
      row.summary.status = complete ? "complete" : "diverged";
      row.summary.test_accuracy = row.summary.test_accuracy_last = accuracies[seed];
      rows.push_back(row);
      kept.push_back(history({.1, .8, accuracies[seed]}, hidden));
      records.push_back(complete ? &kept.back() : nullptr);
    }
  }
};

void check_says(const std::string& text, const std::string& part) {
  BOOST_TEST((text.find(part) != std::string::npos), "'" << part << "' is not in:\n" << text);
}

/// The line of the text that begins with these words, its columns one space apart.
std::string line_of(const std::string& text, const std::string& words) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    std::string joined;
    for (std::string word; in >> word;) joined += cat(joined.empty() ? "" : " ", word);
    if (joined.starts_with(words)) return joined;
  }
  return cat("no line begins with ", words, " in:\n", text);
}

const Doubles good{.88, .881, .879, .8805}, poor{.80, .802, .799, .80}, alike{.8802, .8809, .8791, .8807};

Runs grid() {
  Runs runs;
  for (const auto& [network, hidden] :
       std::vector<std::pair<std::string, int>>{{"net3", 3}, {"net3_skip", 3}, {"net8", 8}, {"net8_skip", 8}}) {
    runs.add("backprop", network, hidden, good);
    runs.add("frozen", network, hidden, poor);
    runs.add("near", network, hidden, alike);  // as backprop, everywhere
    runs.add("fades", network, hidden, hidden == 3 ? Doubles{.84, .842, .839, .8405} : Doubles{.80, .803, .799, .801});
  }
  runs.add("chain", "net3", 3, {.85, .851, quiet_nan, .85});
  return runs;
}

}  // namespace

BOOST_AUTO_TEST_CASE(speed_is_linear_between_epochs) {
  const auto speed = speed_to(history({.1, .5, .8, .9}), .85);
  BOOST_TEST(speed.epochs == 2.5, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(speed.multiply_adds == 250, boost::test_tools::tolerance(1e-12));
  const auto exactly = speed_to(history({.1, .85, .9}), .85);
  BOOST_TEST(exactly.epochs == 1);
  BOOST_TEST(exactly.multiply_adds == 100);
  const auto first = speed_to(history({.1, .9}), .5);
  BOOST_TEST(first.epochs == .5, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(speed_to(history({.9, .95}), .85).epochs == 0);
  BOOST_TEST(speed_to(history({.9, .95}), .85).multiply_adds == 0);
  BOOST_TEST(std::isnan(speed_to(history({.1, .8}), .85).epochs));
  BOOST_TEST(std::isnan(speed_to(history({}), .85).multiply_adds));
  // A dip does not take back what was reached.
  BOOST_TEST(speed_to(history({.1, .9, .2}), .85).epochs < 1);
}

BOOST_AUTO_TEST_CASE(each_rule_stands_beside_backprop_and_frozen) {
  const Runs runs = grid();
  const std::string text = accuracy_claim(runs.rows, runs.records);
  check_says(line_of(text, "fades net3 "), "below");
  check_says(line_of(text, "fades net3 "), "above");  // frozen
  check_says(line_of(text, "near net3 "), "within 1 point");
  check_says(line_of(text, "frozen net3 "), "below");
  check_says(line_of(text, "chain net3 "), "85.03");  // of three seeds
  check_says(line_of(text, "near net3 "), "1.6");     // (85 − 80) / (88 − 80) of the second epoch
  check_says(line_of(text, "fades net3 "), "–");      // never
  check_says(text,
             "C6, rules other than backprop and frozen: 9 cases: 5 below backprop, 0 above it, 4 not told from it; 4 "
             "within 1 point.");
  check_says(text, "net8_skip: 2 cases: 1 below backprop, 0 above it, 1 not told from it; 1 within 1 point\n");
}

BOOST_AUTO_TEST_CASE(the_depth_at_which_a_rule_stops_beating_frozen) {
  const Runs runs = grid();
  const std::string text = accuracy_claim(runs.rows, runs.records);
  BOOST_TEST(line_of(text, "near plain") == "near plain 3, 8 – – –");
  BOOST_TEST(line_of(text, "fades plain") == "fades plain 3 8 – 8");
  BOOST_TEST(line_of(text, "fades with skips") == "fades with skips 3 8 – 8");
  BOOST_TEST(line_of(text, "chain plain") == "chain plain 3 – – –");
}

BOOST_AUTO_TEST_CASE(not_told_from_frozen_is_not_no_better) {
  const Doubles wild{.70, .95, .81, .79};
  Runs runs;
  for (const int hidden : {3, 8, 20}) {
    const std::string network = cat("net", hidden);
    runs.add("backprop", network, hidden, good);
    runs.add("frozen", network, hidden, poor);
    runs.add("never", network, hidden, wild);
    runs.add("between", network, hidden, hidden == 3 ? alike : hidden == 8 ? wild : poor);
    runs.add("again", network, hidden, hidden == 20 ? alike : wild);
  }
  const std::string text = accuracy_claim(runs.rows, runs.records);
  BOOST_TEST(line_of(text, "never plain") == "never plain – – 3, 8, 20 open");
  BOOST_TEST(line_of(text, "between plain") == "between plain 3 20 8 8 or 20");
  BOOST_TEST(line_of(text, "again plain") == "again plain 20 – 3, 8 –");
}

BOOST_AUTO_TEST_CASE(nothing_to_compare) {
  check_says(accuracy_claim({}, {}), "C6: undecided");
  Runs runs;
  runs.add("backprop", "net3", 3, good);
  runs.add("frozen", "net3", 3, poor);
  check_says(accuracy_claim(runs.rows, runs.records), "C6: undecided");  // no alternative
  runs.add("near", "net8", 8, alike);
  check_says(accuracy_claim(runs.rows, runs.records), "C6: undecided");  // nor one on the same network
  runs.add("near", "net3", 3, {.88});
  check_says(accuracy_claim(runs.rows, runs.records), "1 not told from it");
}
