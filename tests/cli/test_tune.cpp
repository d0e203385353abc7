// The search for hyper-parameters: the same effort for every rule, the same outcome for any number of threads and however
// often it is stopped, nothing of the test set, and one line for whatever cannot be.
#include <signal.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <thread>

#include "framework/io/run_file.hpp"
#include "tests/cli/program.hpp"
#include "tests/cli/refused.hpp"

using namespace strata::testing;
using nlohmann::json;

namespace {

const std::string grid = "--dataset clusters --hidden 12x2 --batch 32 --epochs 9 ";

json tuned(const fs::path& folder) { return json::parse(content(folder / "tuned.json")); }

// What was chosen, times aside.
json chosen(const fs::path& folder) {
  json all = tuned(folder).at("tuned");
  for (json& t : all) t.erase("seconds");
  return all;
}

// Validation accuracy of a run, the highest of epochs 0 … last.
double score(const strata::RunRecord& run, int last) {
  double best = 0;
  for (const auto& row : run.training) {
    if (row.epoch <= last) best = std::max(best, row.validation_accuracy);
  }
  return best;
}

}  // namespace

BOOST_AUTO_TEST_CASE(halving_by_hand) {
  const Scratch in;
  const Outcome o = call(in, "tune " + grid + "--rules fa --trials 9 --out s --threads 1");
  BOOST_REQUIRE_MESSAGE(o.code == 0, o.err);
  // 9 trials for one epoch, the best 3 for three, the best of those for nine.
  std::vector<strata::RunRecord> runs;
  for (const fs::path& file : run_files(in / "s")) runs.push_back(strata::read_run_file(file));
  BOOST_REQUIRE(runs.size() == 9U);
  std::sort(runs.begin(), runs.end(), [](const auto& a, const auto& b) { return a.seed < b.seed; });
  std::vector<std::size_t> left(9);
  for (std::size_t i = 0; i < 9; ++i) {
    left[i] = i;
    BOOST_TEST(runs[i].seed == 1'000'000'000 + static_cast<int>(i));
    for (const auto& row : runs[i].training) BOOST_TEST(std::isnan(row.test_accuracy));
  }
  int last = 1;
  for (const std::size_t keep : {9U, 3U, 1U}) {
    std::stable_sort(left.begin(), left.end(),
                     [&](std::size_t a, std::size_t b) { return score(runs[a], last / 3) > score(runs[b], last / 3); });
    if (last > 1) left.resize(keep);
    for (const std::size_t i : left)
      BOOST_TEST(runs[i].training.back().epoch >= last, "trial " << i << ", rung of " << last);
    std::sort(left.begin(), left.end());
    last *= 3;
  }
  BOOST_TEST(std::count_if(runs.begin(), runs.end(), [](const auto& r) { return r.training.back().epoch == 1; }) == 6);
  BOOST_TEST(std::count_if(runs.begin(), runs.end(), [](const auto& r) { return r.training.back().epoch == 3; }) == 2);
  const json t = tuned(in / "s").at("tuned").at(0);
  BOOST_TEST(t.at("trial").get<std::size_t>() == left.front());
  BOOST_TEST(t.at("validation_accuracy").get<double>() == score(runs[left.front()], 9));
  // The setting is what that run's configuration says.
  const json config = json::parse(runs[left.front()].provenance.at("config").get<std::string>());
  BOOST_TEST(config.at("rule").at("optimizers").at("forward").at("lr").get<double>() ==
             std::stod(t.at("options").at("lr").get<std::string>()));
  // No checkpoint is left, and 9 · 1 + 3 · 2 + 1 · 6 epochs were paid for.
  BOOST_TEST(run_files(in / "s", ".checkpoint").empty());
  const json one = tuned(in / "s").at("tuned").at(0).at("multiply_adds");
  BOOST_REQUIRE(call(in, "tune " + grid + "--rules fa --trials 1 --method random --out one").code == 0);
  const double epoch = tuned(in / "one").at("tuned").at(0).at("multiply_adds").get<double>() / 9;
  BOOST_TEST(one.get<double>() == 21 * epoch, boost::test_tools::tolerance(1e-12));
}

BOOST_AUTO_TEST_CASE(threads_and_company_change_nothing) {
  const Scratch in;
  BOOST_REQUIRE(call(in, "tune " + grid + "--rules backprop,dtp --trials 4 --reduction 2 --out one --threads 1").code ==
                0);
  BOOST_REQUIRE(
      call(in, "tune " + grid + "--rules backprop,dtp --trials 4 --reduction 2 --out three --threads 3").code == 0);
  BOOST_TEST(chosen(in / "one") == chosen(in / "three"));
  for (const fs::path& file : run_files(in / "one")) {
    BOOST_TEST(difference(file, in / "three" / "runs" / file.filename()) == "", file.filename());
  }
  // A rule alone draws and chooses what it does in company; a second search into the folder keeps the first one's result.
  BOOST_REQUIRE(call(in, "tune " + grid + "--rules dtp --trials 4 --reduction 2 --out two").code == 0);
  BOOST_REQUIRE(call(in, "tune " + grid + "--rules backprop --trials 4 --reduction 2 --out two").code == 0);
  json both = chosen(in / "two");
  std::reverse(both.begin(), both.end());
  BOOST_TEST((both == chosen(in / "one") || chosen(in / "two") == chosen(in / "one")));
}

BOOST_AUTO_TEST_CASE(killed_and_started_again) {
  const Scratch in;
  const std::string search =
      "tune --dataset clusters --hidden 60x3 --batch 16 --epochs 9 --rules fa,dtp --trials 9 --threads 2 --out ";
  BOOST_REQUIRE(call(in, search + "undisturbed").code == 0);
  int kills = 0;
  for (int i = 0;; ++i) {
    const auto finished = fs::exists(in / "out" / "runs") ? run_files(in / "out") : std::vector<fs::path>();
    std::map<fs::path, std::string> before;
    for (const fs::path& file : finished) before[file] = content(file);
    Running program(in.path(), words(search + "out"));
    // Later each time, so that the search ends; no moment is better than another.
    std::this_thread::sleep_for(std::chrono::milliseconds(150 * (i + 1)));
    program.signal(SIGKILL);
    const Outcome o = program.wait();
    for (const auto& [file, bytes] : before) {
      BOOST_REQUIRE(fs::exists(file));
      // A finished trial that went on to the next rung is written anew, with more epochs.
      if (content(file) != bytes) strata::validate_run_file(file);
    }
    if (!o.killed) {
      BOOST_TEST(o.code == 0, o.err);
      break;
    }
    ++kills;
  }
  BOOST_TEST(kills > 0);
  BOOST_TEST(chosen(in / "out") == chosen(in / "undisturbed"));
  for (const fs::path& file : run_files(in / "out")) {
    BOOST_TEST(difference(file, in / "undisturbed" / "runs" / file.filename()) == "", file.filename());
  }
}

BOOST_AUTO_TEST_CASE(a_search_ahead_of_a_comparison) {
  const Scratch in;
  const Outcome o =
      call(in, "compare " + grid + "--rules backprop,fa --tune 4 --method random --seeds 2 --out c --json");
  BOOST_REQUIRE_MESSAGE(o.code == 0, o.err);
  const json rows = json::parse(o.out);
  BOOST_REQUIRE(rows.size() == 4U);
  const json found = tuned(in / "c" / "search").at("tuned");
  for (const json& row : rows) {
    BOOST_TEST(row.at("tuned").at("trials") == 4);
    BOOST_TEST(std::isfinite(row.at("test_accuracy").get<double>()));
    const auto run = strata::read_run_file(in / "c" / row.at("file").get<std::string>());
    const json config = json::parse(run.provenance.at("config").get<std::string>());
    const json& t = found.at(row.at("rule") == "backprop" ? 0 : 1);
    BOOST_TEST(t.at("rule") == row.at("rule"));
    BOOST_TEST(config.at("rule").at("optimizers").at("forward").at("lr").get<double>() ==
               std::stod(t.at("options").at("lr").get<std::string>()));
    BOOST_TEST(run.provenance.at("tuned").get<std::string>().starts_with("trial "));
    BOOST_TEST(run.seed < 2);
  }
  // The same from the file, and again: nothing is trained twice.
  const Outcome again =
      call(in, "compare " + grid + "--rules backprop,fa --tuned c/search/tuned.json --seeds 2 --out c --json");
  BOOST_TEST(again.code == 0, again.err);
  BOOST_TEST(json::parse(again.out) == rows);
  // What is given wins.
  const Outcome given =
      call(in, "compare " + grid + "--rules fa --fa.lr 0.125 --tuned c/search/tuned.json --seeds 1 --out g");
  BOOST_REQUIRE_MESSAGE(given.code == 0, given.err);
  const auto run = strata::read_run_file(run_files(in / "g").front());
  BOOST_TEST(run.provenance.at("config").get<std::string>().find("\"lr\":0.125") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(equal_cost_instead_of_equal_trials) {
  const Scratch in;
  const Outcome plan = call(in, "tune " + grid + "--rules backprop,dtp --multiply-adds 1e8 --method random --dry-run");
  BOOST_REQUIRE_MESSAGE(plan.code == 0, plan.err);
  BOOST_TEST(!fs::exists(in / "strata-tuned"));
  const Outcome o = call(in, "tune " + grid + "--rules backprop,dtp --multiply-adds 1e8 --method random --out s");
  BOOST_REQUIRE_MESSAGE(o.code == 0, o.err);
  const json found = tuned(in / "s").at("tuned");
  for (const json& t : found) {
    const double spent = t.at("multiply_adds").get<double>();
    const double trial = spent / t.at("trials").get<double>();
    BOOST_TEST(spent <= 1e8);
    BOOST_TEST(spent + trial > 1e8);
  }
  BOOST_TEST(found.at(0).at("trials").get<int>() > found.at(1).at("trials").get<int>());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_searched_is_one_line_and_leaves_nothing) {
  const Scratch in;
  const std::string fa = "tune " + grid + "--rules fa --out n ";
  check_refused(in, fa + "--trials 0", {"--trials 0"});
  check_refused(in, fa + "--trials 5 --rungs 3", {"expected 9 or more"});
  check_refused(in, fa + "--trials 999 --rungs 5", {"expected 3 or fewer"});
  check_refused(in, fa + "--multiply-adds 1000", {"one trial of 9 epochs takes"});
  check_refused(in, fa + "--trials 3 --multiply-adds 1e9", {"expected one of them"});
  check_refused(in, fa + "--search fa.lrr=log:1:2", {"did you mean 'lr'"});
  check_refused(in, fa + "--search fa.lr=log:2:1", {"expected the lower end first"});
  check_refused(in, fa + "--search dfa.lr=log:1:2", {"not tuned here"});
  check_refused(in, fa + "--search lr", {"expected RULE.OPTION=RANGE"});
  check_refused(in, fa + "--search fa.lr=log:1:2,fa.lr=log:1:3", {"there twice"});
  check_refused(in, fa + "--fa.lr 1 --fa.feedback-scale 1", {"nothing is left to search for"});
  check_refused(in, fa + "--schedule cosine", {"--method random"});
  check_refused(in, fa + "--method hyperband", {"known: halving, random"});
  check_refused(in, fa + "--method random --rungs 2", {"random search has none"});
  check_refused(in, "compare " + grid + "--rules fa --rungs 2 --out n", {"no effect without --tune"});
  check_refused(in, "compare " + grid + "--rules fa --tuned none.json --out n", {"no such file"});
  BOOST_TEST(!fs::exists(in / "n"));

  BOOST_REQUIRE(call(in, "tune " + grid + "--rules fa --trials 2 --method random --out s").code == 0);
  const std::string before = content(in / "s" / "tuned.json");
  const std::string with = "--tuned s/tuned.json --out n ";
  check_refused(in, "compare " + grid + "--rules fa,dfa " + with, {"has no setting of rule dfa on mlp; it has fa"});
  check_refused(in, "compare --dataset clusters --hidden 13x2 --rules fa " + with, {"another graph"});
  std::string elsewhere = before;
  const std::string checksum = tuned(in / "s").at("dataset").at("checksum").get<std::string>();
  elsewhere.replace(elsewhere.find(checksum), checksum.size(), "0123456789abcdef");
  std::ofstream(in / "elsewhere.json") << elsewhere;
  check_refused(in, "compare " + grid + "--rules fa --tuned elsewhere.json --out n",
                {"is of the data set clusters (checksum 0123456789abcdef), not of clusters"});
  std::ofstream(in / "other.json") << "{\"schema\": \"strata-graph\"}";
  check_refused(in, "compare " + grid + "--rules fa --tuned other.json --out n", {"is no file of tuned settings"});
  std::ofstream(in / "broken.json") << before.substr(0, before.size() / 2);
  check_refused(in, "compare " + grid + "--rules fa --tuned broken.json --out n", {"broken.json"});
  check_refused(
      in, "tune --dataset clusters --hidden 12x2 --batch 32 --epochs 8 --rules fa --trials 2 --method random --out s",
      {"holds another search (--epochs 9)"});
  check_refused(in, "tune " + grid + "--rules fa --trials 3 --out s", {"holds another search (random)"});
  BOOST_TEST((content(in / "s" / "tuned.json") == before));
  BOOST_TEST(!fs::exists(in / "n"));
}
