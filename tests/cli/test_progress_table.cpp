// The live table as text: which columns and rows there are, and that it fits.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "experiments/cli/progress_table.hpp"
#include "experiments/cli/text.hpp"

using namespace strata::cli;

namespace {

using Lines = std::vector<std::string>;

ProgressState three_runs() {
  ProgressState s;
  s.rows = {{"backprop", "mlp", 0, 4, 10, 0.34125, 0.871, 32},
            {"weight_mirror", "deep", 12, 1, 10},
            {"fa", "mlp", 3, 10, 10, 1.5, 1, 0}};
  s.ended = 7;
  s.runs = 15;
  s.fraction = 0.5;
  s.elapsed = 80;
  s.left = 3661;
  return s;
}

std::string without_escapes(const std::string& line) {
  std::string out;
  bool escape = false;
  for (const char c : line) {
    if (c == '\033') escape = true;
    if (!escape) out += c;
    if (c == 'm') escape = false;
  }
  return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(all_of_it) {
  const Lines expected = {
      "rule           seed  epoch    loss   val %  left",
      "backprop          0   4/10  0.3412   87.10  32 s",
      "weight_mirror    12   1/10       –       –     –",
      "fa                3  10/10  1.5000  100.00   0 s",
      "████████████░░░░░░░░░░░░ 7/15 runs, 50 %, 1:01:01 left, 1:20 so far",
  };
  const Lines table = progress_table(three_runs(), 80, 24, false);
  BOOST_TEST(table == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(several_networks) {
  ProgressState s = three_runs();
  s.networks = true;
  const Lines table = progress_table(s, 80, 24, false);
  BOOST_TEST(table.at(0) == "rule           network  seed  epoch    loss   val %  left");
  BOOST_TEST(table.at(2) == "weight_mirror  deep       12   1/10       –       –     –");
}

BOOST_AUTO_TEST_CASE(nothing_known_yet) {
  const ProgressState s{.rows = {}, .ended = 0, .runs = 4};
  BOOST_TEST(progress_table(s, 80, 24, false) == Lines{"░░░░░░░░░░░░░░░░░░░░░░░░ 0/4 runs, 0 %, 0 s so far"});
}

BOOST_AUTO_TEST_CASE(it_fits_any_terminal) {
  ProgressState s = three_runs();
  s.networks = true;
  for (int i = 0; i < 5; ++i) {
    for (std::size_t width = 0; width < 90; ++width) {
      for (std::size_t height = 0; height < 12; ++height) {
        const Lines table = progress_table(s, width, height, false);
        BOOST_TEST_REQUIRE(table.size() >= 1U);
        BOOST_TEST_REQUIRE(table.size() <= std::max<std::size_t>(height, 2) - 1);
        for (const std::string& line : table)
          BOOST_TEST_REQUIRE(columns_of(line) <= std::max<std::size_t>(width, 2) - 1);
        if (width > 3) BOOST_TEST_REQUIRE(columns_of(table.back()) <= width - 3);  // ^C is echoed there
        const Lines coloured = progress_table(s, width, height, true);
        BOOST_TEST_REQUIRE(coloured.size() == table.size());
        for (std::size_t l = 0; l < table.size(); ++l) BOOST_TEST_REQUIRE(without_escapes(coloured[l]) == table[l]);
      }
    }
    const auto more = s.rows;
    s.rows.insert(s.rows.end(), more.begin(), more.end());
  }
}

BOOST_AUTO_TEST_CASE(narrow_terminals_lose_the_columns_that_matter_least) {
  ProgressState s = three_runs();
  s.networks = true;
  const auto header = [&](std::size_t width) { return progress_table(s, width, 24, false).at(0); };
  BOOST_TEST(header(58) == "rule           network  seed  epoch    loss   val %  left");
  BOOST_TEST(header(57) == "rule           network  seed  epoch   val %  left");
  BOOST_TEST(header(49) == "rule           seed  epoch   val %  left");
  BOOST_TEST(header(40) == "rule           epoch   val %  left");
  BOOST_TEST(header(34) == "rule           epoch   val %");
  BOOST_TEST(header(28) == "rule           epoch");
  BOOST_TEST(header(20) == "rule");
  BOOST_TEST(header(4) == "rul");
  BOOST_TEST(progress_table(s, 30, 24, false).back() == "7/15 runs, 50 %, 1:01:01 le");
}

BOOST_AUTO_TEST_CASE(low_terminals_lose_rows) {
  ProgressState s = three_runs();
  const auto first_of = [&](std::size_t height) {
    Lines words;
    for (const std::string& line : progress_table(s, 80, height, false))
      words.push_back(line.substr(0, line.find("  ")));
    words.back() = "bar";
    return words;
  };
  BOOST_TEST(first_of(6) == (Lines{"rule", "backprop", "weight_mirror", "fa", "bar"}));
  BOOST_TEST(first_of(5) == (Lines{"rule", "backprop", "… and 2 more", "bar"}));
  BOOST_TEST(first_of(4) == (Lines{"rule", "backprop", "bar"}));
  BOOST_TEST(first_of(3) == Lines{"bar"});
  BOOST_TEST(first_of(0) == Lines{"bar"});
}

BOOST_AUTO_TEST_CASE(colour) {
  for (const std::string& line : progress_table(three_runs(), 80, 24, true)) {
    const auto opened = line.find("\033["), closed = line.rfind("\033[0m");
    if (opened != std::string::npos) BOOST_TEST(closed > opened);
  }
  BOOST_TEST(progress_table(three_runs(), 80, 24, true).at(0).starts_with("\033[1mrule"));
  BOOST_TEST(progress_table(three_runs(), 80, 24, true).back().starts_with("\033[36m█"));
}

BOOST_AUTO_TEST_CASE(fractions_beyond_the_ends) {
  ProgressState s{.rows = {}, .ended = 2, .runs = 2};
  s.fraction = 1.0000001;
  BOOST_TEST(progress_words(s) == "2/2 runs, 100 %");
  s.fraction = std::nan("");
  BOOST_TEST(!progress_table(s, 80, 24, false).empty());
}
