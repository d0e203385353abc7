// --snapshots: the analysis at chosen epochs, in the run's file.
#include <boost/test/unit_test.hpp>

#include "framework/io/run_file.hpp"
#include "tests/cli/program.hpp"

using namespace strata::testing;
using strata::DataGroup;
using strata::read_run_file;

namespace {

const std::string tiny = "run --dataset clusters --hidden 12x3 --quiet ";

std::vector<std::int32_t> epochs_of(const DataGroup& group) {
  return std::get<std::vector<std::int32_t>>(group.axis("snapshot").labels);
}

/// The groups of a run's analysis as "name: epochs".
Words snapshots(const fs::path& file) {
  Words all;
  for (const DataGroup& group : read_run_file(file).analysis) {
    std::string text = group.name + ":";
    for (const std::int32_t epoch : epochs_of(group)) text.append(1, ' ').append(std::to_string(epoch));
    all.push_back(text);
  }
  return all;
}

Words everywhere(const std::string& epochs) {
  return {"gradient: " + epochs, "hierarchy: " + epochs, "attribution: " + epochs, "similarity: " + epochs};
}

void run(const Scratch& in, const std::string& options) {
  const Outcome o = call(in, tiny + options);
  BOOST_TEST_CONTEXT(options) { BOOST_REQUIRE_MESSAGE(o.code == 0, "exit " << o.code << ": " << o.err); }
}

}  // namespace

BOOST_AUTO_TEST_CASE(at_the_epochs_that_were_asked_for) {
  const Scratch in;
  run(in, "--epochs 3 --out default");
  BOOST_TEST(snapshots(only_run(in / "default")) == everywhere("0 3"), boost::test_tools::per_element());
  run(in, "--epochs 3 --snapshots last,1,2,1 --out some");
  BOOST_TEST(snapshots(only_run(in / "some")) == everywhere("1 2 3"), boost::test_tools::per_element());
  run(in, "--epochs 3 --snapshots none --out none");
  BOOST_TEST(snapshots(only_run(in / "none")).empty());
}

BOOST_AUTO_TEST_CASE(an_extended_run_keeps_no_earlier_last) {
  const Scratch in;
  run(in, "--epochs 2 --out extended");
  run(in, "--epochs 4 --out extended");
  BOOST_TEST(snapshots(only_run(in / "extended")) == everywhere("0 4"), boost::test_tools::per_element());
  run(in, "--epochs 4 --out at_once");
  BOOST_TEST(difference(only_run(in / "extended"), only_run(in / "at_once")) == "");
}

BOOST_AUTO_TEST_CASE(they_change_nothing_of_the_training) {
  const Scratch in;
  run(in, "--epochs 2 --snapshots none --rule dtp --dropout .2 --out none");
  run(in, "--epochs 2 --snapshots 0,1,2 --rule dtp --dropout .2 --out all");
  auto without = data_of(only_run(in / "none")), with = data_of(only_run(in / "all"));
  for (const char* name : {"gradient", "hierarchy", "attribution", "similarity"}) {
    BOOST_TEST(with.erase(std::string("analysis ") + name) == 1U);
  }
  BOOST_TEST((with == without));
}

BOOST_AUTO_TEST_CASE(a_skip_splits_influence_and_more_draws_make_a_null) {
  const Scratch in;
  run(in, "--epochs 1 --skip 1:3 --permuted 3 --neurons all --ablate --k 3 --examples 20 --out out");
  const auto record = read_run_file(only_run(in / "out"));
  const DataGroup& hierarchy = record.analysis[1];
  BOOST_REQUIRE(hierarchy.name == "hierarchy");
  // At h3, with a skip from h1: some of h1's influence comes through it.
  const std::size_t scaled = 1, h3 = 2;
  BOOST_TEST(hierarchy.at("skip_share", {1, scaled, 0, h3, 1}) > 0);
  BOOST_TEST(hierarchy.at("skip_share", {1, scaled, 0, h3, 0}) == 0);
  BOOST_TEST(hierarchy.at("prior_fraction_null_permuted_p", {1, scaled, 0, h3}) >= 0.25);
  const DataGroup& attribution = record.analysis[2];
  BOOST_TEST(attribution.axis("rank").size() == 3U);
  BOOST_TEST(attribution.axis("query").size() == 12U * 3 + read_run_file(only_run(in / "out")).layer_units.back());
  BOOST_TEST(attribution.doubles("topk_ablation").size() == attribution.doubles("topk_score").size());
}
