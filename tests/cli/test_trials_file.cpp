// The file of a search's trials: read back as it was written, and one line for a file that is none, or says what cannot be.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "experiments/cli/run_reader.hpp"
#include "experiments/cli/trials_file.hpp"
#include "framework/core/errors.hpp"
#include "framework/io/data_group.hpp"
#include "framework/io/replace_file.hpp"
#include "tests/support/folder.hpp"

using namespace strata;
using namespace strata::cli;
namespace fs = std::filesystem;

namespace {

using Doubles = std::vector<double>;

Trial trial(int number, int rung, const std::string& status, const Doubles& validation, double score,
            const std::map<std::string, std::string>& options) {
  Trial t;
  t.number = number;
  t.options = options;
  t.seed = 1'000'000'000 + number;
  t.rung = rung;
  t.status = status;
  t.validation = validation;
  t.score = score;
  t.seconds = 0.5 + number;
  t.multiply_adds = 1e9 * (1 + number);
  return t;
}

/// Two rules on two networks: one cell without trials, one that is not at its end, one where a trial failed.
Tuning sample() {
  TunedCell fa;
  fa.rule = "fa";
  fa.network = "plain";
  fa.space = {log_uniform("lr", 1e-5, 1e-1), choice("optimizer", {"adam", "sgd", "rmsprop"})};
  fa.trials = {trial(0, 0, "complete", {.1, .5}, .5, {{"lr", "0.001"}, {"optimizer", "rmsprop"}}),
               trial(1, 1, "complete", {.1, .7, .9, .8}, .9, {{"lr", "1.234e-05"}, {"optimizer", "adam"}}),
               trial(2, 0, "diverged", {.1}, .1, {{"lr", "0.1"}, {"optimizer", "sgd"}})};
  fa.best = 1;
  TunedCell dtp = fa;
  dtp.rule = "dtp";
  dtp.space = {log_uniform("lr", 1e-5, 1e-1), uniform("steps", 1, 2e6)};
  dtp.trials = {trial(0, -1, "failed", {}, quiet_nan, {{"lr", "0.5"}, {"steps", "1234567"}}),
                trial(1, -1, "waiting", {}, quiet_nan, {{"lr", "0.25"}, {"steps", "3"}})};
  dtp.best = -1;
  TunedCell skip = fa;
  skip.network = "skip";
  skip.trials.resize(1);
  skip.best = 0;
  TunedCell unsupported;
  unsupported.rule = "dtp";
  unsupported.network = "skip";
  unsupported.unsupported = "needs a chain";
  Tuning tuning;
  tuning.cells = {fa, dtp, skip, unsupported};
  return tuning;
}

/// "" if the file is refused with a DataError of one line that names it and has `part`.
std::string not_refused(const fs::path& file, const std::string& part) {
  try {
    read_trials_file(file);
    return "read";
  } catch (const DataError& e) {
    const std::string what = e.what();
    const bool good = what.find('\n') == std::string::npos && what.find(file.string()) != std::string::npos &&
                      what.find(part) != std::string::npos;
    return good ? "" : what;
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(read_as_written) {
  const testing::Folder in;
  const Tuning written = sample();
  write_trials_file(in / "trials.h5", written, "strata tune");
  const Tuning read = RunReader().read_trials(in / "trials.h5");
  BOOST_REQUIRE(read.cells.size() == 3U);  // the one without trials is left out
  for (std::size_t c = 0; c < 3; ++c) {
    const TunedCell &a = written.cells[c], &b = read.cells[c];
    BOOST_TEST_CONTEXT(a.rule << " on " << a.network) {
      BOOST_TEST(b.rule == a.rule);
      BOOST_TEST(b.network == a.network);
      BOOST_TEST(b.best == a.best);
      BOOST_REQUIRE(b.trials.size() == a.trials.size());
      double seconds = 0, cost = 0;
      for (std::size_t t = 0; t < a.trials.size(); ++t) {
        const Trial &x = a.trials[t], &y = b.trials[t];
        BOOST_TEST(y.number == x.number);
        BOOST_TEST(y.seed == x.seed);
        BOOST_TEST(y.rung == x.rung);
        BOOST_TEST(y.status == x.status);
        BOOST_TEST((y.options == x.options));
        BOOST_TEST(y.validation == x.validation, boost::test_tools::per_element());
        BOOST_TEST((y.score == x.score || (std::isnan(y.score) && std::isnan(x.score))));
        BOOST_TEST(y.seconds == x.seconds);
        BOOST_TEST(y.multiply_adds == x.multiply_adds);
        seconds += x.seconds;
        cost += x.multiply_adds;
      }
      BOOST_TEST(b.seconds == seconds);
      BOOST_TEST(b.multiply_adds == cost);
    }
  }
  BOOST_TEST(RunReader().describe(in / "trials.h5") == "search, 6 trials, 3 pairs of rule and network");
}

BOOST_AUTO_TEST_CASE(files_that_are_none) {
  const testing::Folder in;
  BOOST_TEST(not_refused(in / "none.h5", "") == "");
  replace_file(in / "text.h5", "trial,score\n");
  BOOST_TEST(not_refused(in / "text.h5", "") == "");
  write_trials_file(in / "trials.h5", sample(), "");
  const auto root = h5::open_file(in / "trials.h5");
  const auto good = read_data_group(root, "trials");
  const auto rewritten = [&](const std::string& schema, int version, const DataGroup& group) {
    const auto file = h5::new_file();
    file.set("schema", schema);
    file.set("schema_version", version);
    write_data_group(file, group);
    replace_file(in / "other.h5", file.image());
    return in / "other.h5";
  };
  BOOST_TEST(not_refused(rewritten(trials_schema, trials_schema_version, good), "") == "read");
  BOOST_TEST(not_refused(rewritten("strata-run", 1, good), "strata-trials") == "");
  BOOST_TEST(not_refused(rewritten(trials_schema, 1, good), "schema_version 1") == "");

  using Change = std::function<void(DataGroup&)>;
  const auto array = [](DataGroup& g, const std::string& name) -> DataArray& {
    return *std::find_if(g.arrays.begin(), g.arrays.end(), [&](auto& a) { return a.name == name; });
  };
  const auto set = [&](const std::string& name, auto value) {
    return Change([=](DataGroup& g) { std::get<std::vector<decltype(value)>>(array(g, name).values).front() = value; });
  };
  const std::vector<std::pair<std::string, Change>> faults{
      {"/trials/chosen: is 3; expected -1 to 2", set("chosen", std::int32_t{3})},
      {"/trials/status: is 3; expected -1 to 2", set("status", std::int32_t{3})},
      {"/trials/rung: is -2", set("rung", std::int32_t{-2})},
      {"/trials/score: is 1.5", set("score", 1.5)},
      {"/trials/score: is -inf", set("score", -std::numeric_limits<double>::infinity())},
      {"no choice number 7 of fa.optimizer", [&](DataGroup& g) { std::get<Doubles>(array(g, "value").values)[1] = 7; }},
      {"/trials/chosen: is 2; fa has 1 trials",
       [&](DataGroup& g) { std::get<std::vector<std::int32_t>>(array(g, "chosen").values)[1] = 2; }},
      {"/trials/score: expected the axes rule, network, trial",
       [&](DataGroup& g) {
         array(g, "score").axes = {"network", "rule", "trial"};
       }},
      {"/trials/seed: expected whole numbers",
       [&](DataGroup& g) { array(g, "seed").values = Doubles(2 * 2 * 3, 1e9); }},
      {"'rung'", [&](DataGroup& g) { array(g, "rung").name = "wrung"; }},
      {"/trials/rule: expected names", [](DataGroup& g) {
         g.axes[0].labels = std::vector<std::int32_t>{1, 2};
       }}};
  for (const auto& [part, change] : faults) {
    DataGroup changed = good;
    change(changed);
    BOOST_TEST(not_refused(rewritten(trials_schema, trials_schema_version, changed), part) == "", part);
  }
  // The child meets a damaged file first.
  const std::string bytes = testing::content(in / "trials.h5");
  replace_file(in / "short.h5", bytes.substr(0, bytes.size() / 2));
  BOOST_CHECK_THROW(RunReader().read_trials(in / "short.h5"), DataError);
}
