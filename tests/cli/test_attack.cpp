// `strata attack` on finished runs: its tables, its file, the same for any number of threads, and what it refuses.
#include <boost/test/unit_test.hpp>

#include "framework/io/analysis_file.hpp"
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
  const Outcome o = call(in, "attack" + all_runs(in / "o") + " --out found.h5" + some + surrogate);
  BOOST_TEST(o.code == 0, o.err);
  for (const char* part :
       {"backprop on mlp and clusters, seed 0", "worst case", "among clean", "apgd-margin", "square", "gaussian",
        "ok     nothing is lost at epsilon 0", "left out: feedback: the rule has no feedback path",
        "apgd-margin: the decision has no gradient", "within an L2 distance of",
        "Worst case over all attacks, in %, mean over seeds"}) {
    BOOST_TEST(contains(o.out, part), part << " is not in\n" << o.out);
  }
  const AnalysisRecord record = read_analysis_file(in / "found.h5");
  BOOST_REQUIRE(record.groups.size() == 1U);
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
  check_refused(in, run + " --norm l1", {"'l1'", "linf, l2"});
  check_refused(in, "attack " + runs_in(in / "bare").front().string(), {"holds no weights"});
  check_refused(in, "attack nothing.h5", {"nothing.h5"});
  write(in / "there.h5", "mine");
  check_refused(in, run + " --out there.h5", {"there.h5", "left as it is"});
  BOOST_TEST(content(in / "there.h5") == "mine");
}
