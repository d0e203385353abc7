// What is said and drawn of nets under attack, on made-up runs: the table, claim C5, and the pictures.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <sstream>

#include "experiments/cli/claim_robustness.hpp"
#include "experiments/cli/findings_robustness.hpp"
#include "experiments/report/figure.hpp"
#include "framework/core/errors.hpp"

using namespace strata;
using namespace strata::cli;

namespace {

using Doubles = std::vector<double>;
using Integers = std::vector<std::int32_t>;
using Names = std::vector<std::string>;

/// Shares after epochs 1 and 2; at ε = 0 what is clean stays right.
struct Fares {
  Doubles clean, gradient, feedback, square;  ///< by snapshot; the last three at ε = .1, twice that is lost at .2
  Doubles hierarchy{.5, .5};
  bool masked = false;  ///< a check failed at the last snapshot
};

DataGroup robustness(const Fares& f) {
  DataGroup group{"robustness", {}, {}, {{"norm", std::string("linf")}, {"examples", 200}}};
  group.axes = {{"snapshot", Integers{1, 2}, ""},
                {"attack", Names{"pgd", "feedback", "square"}, ""},
                {"epsilon", Doubles{0, .1, .2}, ""},
                {"check", Names{"masked or not", "another"}, ""}};
  Doubles accuracy, worst;
  for (std::size_t s = 0; s < 2; ++s) {
    const auto at = [&](double left, int e) { return std::max(0.0, f.clean[s] - e * (f.clean[s] - left)); };
    for (const Doubles* of : {&f.gradient, &f.feedback, &f.square}) {
      for (int e = 0; e < 3; ++e) accuracy.push_back(of->empty() ? quiet_nan : at((*of)[s], e));
    }
    for (int e = 0; e < 3; ++e)
      worst.push_back(at(f.gradient.empty() ? f.square[s] : std::min(f.gradient[s], f.square[s]), e));
  }
  group.arrays = {{"clean", {"snapshot"}, f.clean, "", ""},
                  {"accuracy", {"snapshot", "attack", "epsilon"}, accuracy, "", ""},
                  {"worst", {"snapshot", "epsilon"}, worst, "", ""},
                  {"passed", {"snapshot", "check"}, Integers{1, 1, f.masked ? 0 : 1, -1}, "", ""}};
  return group;
}

DataGroup hierarchy(const Doubles& share) {
  DataGroup group{"hierarchy", {}, {}, {}};
  group.axes = {{"snapshot", Integers{1, 2}, ""},
                {"scaling", Names{"raw", "scaled", "unit"}, ""},
                {"with_input", Integers{0, 1}, ""},
                {"layer", Names{"h1"}, ""}};
  Doubles values;
  for (const double v : share) values.insert(values.end(), 6, v);
  group.arrays = {
      {"targets", {"snapshot", "layer"}, Integers{4, 4}, "", ""},
      {"prior_fraction", {"snapshot", "scaling", "with_input", "layer"}, values, "", ""},
      {"prior_fraction_null_layer_size", {"snapshot", "scaling", "with_input", "layer"}, Doubles(12, .5), "", ""}};
  return group;
}

/// Two images of 2 × 3, which pgd made at three radii.
DataGroup adversarial() {
  DataGroup group{"adversarial", {}, {}, {{"channels", 1}, {"height", 2}, {"width", 3}}};
  group.axes = {{"snapshot", Integers{1, 2}, ""},
                {"example", Integers{7, 9}, ""},
                {"attack", Names{"square", "pgd"}, ""},
                {"epsilon", Doubles{0, .1, .2}, ""},
                {"feature", Integers{0, 1, 2, 3, 4, 5}, ""}};
  Integers decided(2 * 2 * 2 * 3, 4);
  decided.back() = 5;
  group.arrays = {{"x", {"snapshot", "example", "attack", "epsilon", "feature"}, std::vector<float>(144, .5F), "", ""},
                  {"decided", {"snapshot", "example", "attack", "epsilon"}, decided, "", ""},
                  {"clean", {"example", "feature"}, std::vector<float>{0, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 1}, "", ""},
                  {"label", {"example"}, Integers{4, 4}, "", ""}};
  return group;
}

/// Seeds 0, 1, 2, each a little better than the one before; a study is of these too.
struct Runs {
  report::Study study;

  explicit Runs(const Names& networks) { study.networks = networks; }
  void add(const std::string& rule, const std::string& network, const Fares& fares, double norm = 10) {
    add_missing(study.rules, rule);
    for (int seed = 0; seed < 3; ++seed) {
      RunRecord run;
      run.rule = rule;
      run.network = network;
      run.seed = seed;
      run.status = "complete";
      Fares own = fares;
      for (Doubles* of : {&own.clean, &own.gradient, &own.feedback, &own.square}) {
        for (double& v : *of) v += .01 * seed;
      }
      own.hierarchy[1] += .01 * seed;
      run.analysis = {hierarchy(own.hierarchy), robustness(own), adversarial()};
      for (const int epoch : {1, 2}) {
        LayerMetrics row;
        row.epoch = epoch;
        row.weight_norm = {norm * 0.6, norm * 0.8};
        run.layer_metrics.push_back(row);
      }
      StoredRun stored;
      stored.record = std::move(run);
      study.runs.push_back(std::move(stored));
    }
  }
  /// Once all are there.
  std::vector<AnalysedRuns>& gathered() {
    std::vector<const RunRecord*> all;
    for (const StoredRun& run : study.runs) all.push_back(&run.record);
    study.series = analysed_runs(all);
    return study.series;
  }
};

void check_says(const std::string& text, const std::string& part) {
  BOOST_TEST((text.find(part) != std::string::npos), "'" << part << "' is not in:\n" << text);
}

/// The n-th line that begins with these words, its columns one space apart.
std::string line_of(const std::string& text, const std::string& words, int n = 0) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream in(line);
    std::string plain;
    for (std::string word; in >> word;) plain += (plain.empty() ? "" : " ") + word;
    if (plain.starts_with(words + " ") && n-- == 0) return plain;
  }
  return "";
}

Runs two_networks() {
  Runs runs({"net", "net_skip"});
  for (const char* network : {"net", "net_skip"}) {
    const double less = std::string(network) == "net" ? 0 : .15;
    runs.add("backprop", network, {{.8, .9}, {.5, .5}, {.5, .5}, {.7, .7}});
    runs.add("fa", network, {{.7, .8}, {.6, .7 - less}, {.75, .8}, {.7, .7}, {.6, .7}}, 12);
    runs.add("ep", network, {{.7, .8}, {}, {}, {.4, .3}, {.3, .3}, true}, 8);
    runs.add("frozen", network, {{.4, .5}, {.1, .1}, {}, {.4, .4}, {.2, .2}}, 11);
  }
  return runs;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_net_at_a_snapshot) {
  Runs runs = two_networks();
  const RunRecord& fa = *runs.gathered()[1].runs[0];
  const auto last = attacked_last(fa);
  BOOST_REQUIRE(last.has_value());
  BOOST_TEST(last->epoch() == 2);
  BOOST_TEST(last->clean() == .8);
  BOOST_TEST(last->worst(1) == .7, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(last->least(Path::feedback, 2) == .8);
  BOOST_TEST(std::isnan(last->least(Path::transfer, 1)));
  BOOST_TEST(last->failed().empty());
  BOOST_TEST(attacked_at(fa, .71)->epoch() == 1);
  BOOST_TEST(attacked_at(fa, .99)->epoch() == 2);
  BOOST_TEST(!attacked_last(RunRecord{}).has_value());
  BOOST_TEST(!attacked_at(RunRecord{}, .5).has_value());
}

BOOST_AUTO_TEST_CASE(the_table) {
  Runs runs = two_networks();
  // One attacked otherwise is left out.
  auto& notes = runs.study.runs[3].record.analysis[1].notes;
  notes[1].second = 100;
  const Table table = robustness_table(runs.gathered());
  const std::string text = text_of(table);
  BOOST_TEST(line_of(text, "backprop net") == "backprop net 91.0 51.0 [48.5, 53.5] 11.0 [8.5, 13.5]");
  BOOST_TEST(line_of(text, "fa net").starts_with("fa net 81.5 71.5"));  // of two seeds
  check_says(text, "200 validation examples");
  check_says(text, "Check FAILED for ep on net, in 3 of 3 runs: masked or not");
  BOOST_TEST(robustness_table({}).rows.empty());
}

BOOST_AUTO_TEST_CASE(the_claim) {
  Runs runs = two_networks();
  const std::string text = robustness_claim(runs.gathered());
  check_says(text, "After the last epoch, at ε = 0.1");
  // Rule, network, epoch, clean, worst, interval, difference, interval, p, in words, by path, hierarchy, raw, weights.
  BOOST_TEST(line_of(text, "fa net") ==
             "fa net 2.0 81.0 71.0 [68.5, 73.5] +20.0 [+20.0, +20.0] <0.001 harder 71.0 81.0 – 71.0 0.710 0.710 12.0");
  BOOST_TEST(line_of(text, "ep net").find("easier – – – 31.0 ") != std::string::npos);
  // At the accuracy that all but frozen have: backprop after its first epoch.
  check_says(text, "nearest to 81.0 %");
  BOOST_TEST(line_of(text, "backprop net", 1).starts_with("backprop net 1.0 81.0 51.0"));
  BOOST_TEST(line_of(text, "fa net_skip", 2) == "fa net_skip -15.0 [-15.0, -15.0] <0.001 easier");
  // Worst .71, .51, .31, .11 by hierarchy .71, .51, .31, .21, and over seeds both rise.
  BOOST_TEST(line_of(text, "net last epoch scaled").starts_with("net last epoch scaled 4 +1.00 – "));
  BOOST_TEST(line_of(text, "net last epoch scaled").ends_with("+1.00 –"));
  check_says(text, "C5 after the last epoch: 2 harder to fool than backprop, 2 easier, 0 not told from it.");
  BOOST_TEST(robustness_claim({}) == "C5: undecided: no run was finished and attacked (--attacks)\n");
  Runs alone({"net"});
  alone.add("fa", "net", {{.7, .8}, {.6, .7}, {.7, .8}, {.7, .7}});
  check_says(robustness_claim(alone.gathered()), "no rule was attacked beside backprop");
}

BOOST_AUTO_TEST_CASE(pictures) {
  Runs runs = two_networks();
  runs.gathered();
  const auto curves = report::robustness_curves(runs.study);
  BOOST_REQUIRE(curves.has_value());
  check_says(curves->svg.element(), "net_skip");
  const auto paths = report::robustness_by_path(runs.study);
  BOOST_REQUIRE(paths.has_value());
  check_says(paths->svg.element(), "along the rule's feedback path");
  BOOST_TEST(paths->svg.element().find("carried over") == std::string::npos);
  check_says(paths->sentence, "fa on net_skip at ε = 0.2: 81.0 % stay right along the feedback path");
  const auto scatter = report::robustness_and_hierarchy(runs.study);
  BOOST_REQUIRE(scatter.has_value());
  check_says(scatter->svg.element(), ">frozen</text>");
  const auto images = report::adversarial_images(runs.study);
  BOOST_REQUIRE(images.has_value());
  const std::string svg = images->svg.element();
  // Four rules on one network, two examples at three radii; one decision of each rule is wrong.
  std::size_t drawn = 0, wrong = 0;
  for (std::size_t at = svg.find("<image"); at != std::string::npos; at = svg.find("<image", at + 1)) ++drawn;
  for (std::size_t at = svg.find("✗"); at != std::string::npos; at = svg.find("✗", at + 1)) ++wrong;
  BOOST_TEST(drawn == 24U);
  BOOST_TEST(wrong == 4U);
  check_says(images->sentence, "What pgd made");
  // Nothing to show, nothing drawn.
  const report::Study none;
  BOOST_TEST(!report::robustness_curves(none).has_value());
  BOOST_TEST(!report::robustness_by_path(none).has_value());
  BOOST_TEST(!report::robustness_and_hierarchy(none).has_value());
  BOOST_TEST(!report::adversarial_images(none).has_value());
}
