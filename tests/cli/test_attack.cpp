// `strata attack` on finished runs: its tables, its file, the same for any number of threads, and what it refuses.
#include <boost/test/unit_test.hpp>

#include "framework/io/analysis_file.hpp"
#include "framework/io/run_file.hpp"
#include "tests/cli/refused.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

const std::string quick = " --hidden 8 --epochs 3 --dataset clusters --snapshots none --quiet";
const std::string some = " --epsilon 0,0.3,1 --steps 10 --queries 50 --draws 3 --examples 60";

std::vector<fs::path> runs_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder / "runs")) {
    if (entry.path().extension() == ".h5") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string all_runs(const fs::path& folder) {
  std::string all;
  for (const fs::path& file : runs_in(folder)) all += " " + file.string();
  return all;
}

}  // namespace

BOOST_AUTO_TEST_CASE(rules_side_by_side) {
  const Scratch in;
  BOOST_REQUIRE(
      call(in, "compare --rules backprop,fa,forward_forward,equilibrium_prop --seeds 2 --out o" + quick).code == 0);
  const std::string surrogate = " --surrogate " + runs_in(in / "o").front().string();
  const Outcome o = call(in, "attack" + all_runs(in / "o") + " --out found.h5 --keep 3" + some + surrogate);
  BOOST_TEST(o.code == 0, o.err);
  for (const char* part :
       {"backprop on mlp and clusters, seed 0", "worst case", "among clean", "apgd-margin", "square", "gaussian",
        "ok     nothing is lost at epsilon 0", "left out: feedback: the rule has no feedback path",
        "apgd-margin: the decision has no gradient", "within an L2 distance of",
        "Worst case over all attacks, in %, mean over seeds"}) {
    BOOST_TEST(contains(o.out, part), part << " is not in\n" << o.out);
  }
  const AnalysisRecord record = read_analysis_file(in / "found.h5");
  BOOST_REQUIRE(record.groups.size() == 2U);
  BOOST_TEST(record.groups.back().name == "adversarial");
  BOOST_TEST(record.groups.back().axis("example").size() == 3U);
  const DataGroup& group = record.groups.front();
  BOOST_TEST(group.name == "robustness");
  BOOST_TEST(group.axis("run").size() == 8U);
  BOOST_TEST(group.axis("attack").size() == 10U);
  const auto& worst = group.doubles("worst");
  const auto& clean = group.doubles("clean");
  for (std::size_t r = 0; r < 8; ++r) {
    BOOST_TEST(worst[3 * r] == clean[r]);
    BOOST_TEST(worst[3 * r + 2] <= worst[3 * r]);
  }
  // Again, on one thread and on three.
  for (const char* threads : {" --threads 1", " --threads 3"}) {
    const Outcome again = call(in, "attack" + all_runs(in / "o") + some + surrogate + threads);
    BOOST_TEST(again.out == o.out.substr(0, o.out.rfind("\nfound.h5")), threads);
  }
  // Under the other norm.
  const Outcome l2 =
      call(in, "attack " + runs_in(in / "o").front().string() + " --norm l2 --attacks pgd,square" + some);
  BOOST_TEST(l2.code == 0, l2.err);
  BOOST_TEST(contains(l2.out, "asked under linf alone"), l2.out);
}

BOOST_AUTO_TEST_CASE(nets_of_a_comparison_as_they_learn) {
  const Scratch in;
  BOOST_REQUIRE(call(in, "run --seed 9 --out s" + quick).code == 0);
  const std::string learn =
      "compare --rules backprop,fa,equilibrium_prop --seeds 2 --hidden 8 --epochs 3 --dataset clusters --quiet ";
  const std::string attacks =
      "--snapshots 1,last --attacks pgd,feedback,transfer,square --attack-epsilon 0,0.3,1 --attack-steps 10 "
      "--attack-queries 20 --attack-examples 50 --attack-keep 2 --claim c5 --attack-surrogate " +
      only_run(in / "s").string();
  const Outcome o = call(in, learn + attacks + " --threads 1 --out o");
  BOOST_TEST(o.code == 0, o.err);
  for (const char* part :
       {"share of 50 validation examples", "After the last epoch, at ε = 0.3", "C5 at the same accuracy"}) {
    BOOST_TEST(contains(o.out, part), part << " is not in\n" << o.out);
  }
  for (const fs::path& file : runs_in(in / "o")) {
    const RunRecord run = read_run_file(file);
    const auto group = [&](const std::string& name) {
      const auto at = std::find_if(run.analysis.begin(), run.analysis.end(), [&](auto& g) { return g.name == name; });
      BOOST_REQUIRE(at != run.analysis.end());
      return *at;
    };
    const DataGroup robustness = group("robustness"), adversarial = group("adversarial");
    BOOST_TEST(
        std::get<std::vector<std::int32_t>>(robustness.axis("snapshot").labels) == (std::vector<std::int32_t>{1, 3}),
        boost::test_tools::per_element());
    // Equilibrium propagation's decision has no gradient; backprop's has no path but that.
    const auto& names = std::get<Words>(robustness.axis("attack").labels);
    BOOST_TEST(names.size() == (run.rule == "equilibrium_prop" ? 2U : 4U));
    // At ε = 0 the kept are the examples themselves, and elsewhere not farther than that.
    const auto& clean = std::get<std::vector<float>>(adversarial.array("clean").values);
    const auto& x = std::get<std::vector<float>>(adversarial.array("x").values);
    BOOST_REQUIRE(x.size() == 2 * 2 * names.size() * 3 * 16);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::size_t feature = i % 16, e = i / 16 % 3, example = i / (16 * 3 * names.size()) % 2;
      const double away = std::abs(static_cast<double>(x[i]) - clean[example * 16 + feature]);
      BOOST_TEST(away <= (e == 0 ? 0 : e == 1 ? 0.3 : 1) + 1e-6);
    }
  }
  // The same on three threads, attacked or not trained the same, and attacked otherwise another run.
  BOOST_TEST(call(in, learn + attacks + " --threads 3 --out again").code == 0);
  const auto files = runs_in(in / "o"), again = runs_in(in / "again");
  BOOST_REQUIRE(files.size() == again.size());
  for (std::size_t i = 0; i < files.size(); ++i) BOOST_TEST(difference(files[i], again[i]) == "");
  BOOST_TEST(call(in, learn + "--snapshots 1,last --out plain").code == 0);
  const auto plain = runs_in(in / "plain");
  for (std::size_t i = 0; i < files.size(); ++i) {
    BOOST_TEST(files[i].filename() != plain[i].filename());
    BOOST_TEST(
        (read_run_file(files[i]).training.back().test_loss == read_run_file(plain[i]).training.back().test_loss));
  }
  const std::string run = "run --dataset clusters --out never ";
  check_refused(in, run + "--attacks pdg", {"--attacks", "did you mean 'pgd'"});
  check_refused(in, run + "--attack-steps 5", {"--attack-steps", "without --attacks"});
  check_refused(in, run + "--attacks pgd --attack-epsilon 0,-1", {"--attack-epsilon", "-1"});
  check_refused(in, run + "--attacks pgd --attack-steps 0", {"--attack-steps", "0"});
  check_refused(in, run + "--attacks pgd --snapshots none", {"--attacks", "--snapshots"});
  check_refused(in, run + "--attacks transfer", {"--attack-surrogate"});
  check_refused(in, run + "--attacks pgd --attack-examples 5000", {"--attack-examples", "1 to 200"});
  check_refused(in, run + "--attacks pgd --attack-keep 500 --attack-examples all", {"--attack-keep", "0 to 200"});
  check_refused(in, run + "--attacks pgd --attack-surrogate nothing.h5", {"nothing.h5"});
}

BOOST_AUTO_TEST_CASE(what_it_refuses) {
  const Scratch in;
  BOOST_REQUIRE(call(in, "run --rule backprop --out o" + quick).code == 0);
  BOOST_REQUIRE(call(in, "run --rule backprop --out bare --save-weights none" + quick).code == 0);
  const std::string run = "attack " + runs_in(in / "o").front().string();
  check_refused(in, "attack", {"expected one run file or more"});
  check_refused(in, run + " --epsilon 0,-0.1", {"--epsilon", "-0.1", "0 or larger"});
  check_refused(in, run + " --epsilon nan", {"--epsilon", "nan"});
  check_refused(in, run + " --epsilon 0.1,0.05", {"--epsilon", "ascending"});
  check_refused(in, run + " --steps 0", {"--steps", "0"});
  check_refused(in, run + " --restarts 0", {"--restarts", "0"});
  check_refused(in, run + " --attacks pdg", {"--attacks", "'pdg'", "did you mean 'pgd'"});
  check_refused(in, run + " --attacks pgd,pgd", {"--attacks", "twice"});
  check_refused(in, run + " --attacks deepfool", {"--attacks", "besides deepfool"});
  check_refused(in, run + " --attacks transfer", {"--attacks", "no --surrogate"});
  check_refused(in, run + " --keep 2", {"--keep", "without --out"});
  check_refused(in, run + " --keep 90 --examples 50 --out k.h5", {"--keep 90", "0 to 50"});
  check_refused(in, run + " --norm l1", {"'l1'", "linf, l2"});
  check_refused(in, "attack " + runs_in(in / "bare").front().string(), {"holds no weights"});
  check_refused(in, "attack nothing.h5", {"nothing.h5"});
  write(in / "there.h5", "mine");
  check_refused(in, run + " --out there.h5", {"there.h5", "left as it is"});
  BOOST_TEST(content(in / "there.h5") == "mine");
}
