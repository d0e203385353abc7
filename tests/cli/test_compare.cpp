// A comparison: the table, summary.csv, summary.h5 and --json agree with the run files; config files and networks.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "framework/io/hdf5.hpp"
#include "framework/io/run_file.hpp"
#include "tests/cli/program.hpp"
#include "tests/cli/refused.hpp"

using namespace strata::testing;
using Json = nlohmann::ordered_json;

namespace {

const std::string tiny = " --dataset clusters --hidden 16x2";
constexpr const char* header =
    "rule,network,dataset,seed,status,epochs,best_epoch,train_loss,val_accuracy,test_accuracy,test_accuracy_last,"
    "seconds,file";

Outcome run(const Scratch& in, const std::string& line) {
  Outcome o = call(in, line);
  BOOST_TEST_CONTEXT(line) { BOOST_REQUIRE_MESSAGE(o.code == 0, "exit " << o.code << ": " << o.err); }
  return o;
}

/// The resolved configuration that a run file keeps.
Json config_of(const fs::path& file) {
  return Json::parse(strata::read_run_file(file).provenance.at("config").get<std::string>());
}

double test_accuracy(const fs::path& file) {
  const auto record = strata::read_run_file(file);
  return record.training.at(static_cast<std::size_t>(record.best_epoch)).test_accuracy;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_default_rules_on_two_seeds) {
  const Scratch in;
  const Outcome o = run(in, "compare" + tiny + " --seeds 2 --epochs 2 --out out");
  const Words table = lines(o.out);
  BOOST_REQUIRE(table.size() > 6U);
  for (const std::string title :
       {"rule", "runs", "test %", "95 % interval", "vs backprop", " p ", "last epoch %", "seconds"}) {
    BOOST_TEST(contains(table[0], title));
  }
  const Words rules = {"backprop", "frozen", "fa", "dfa", "dtp"};
  for (std::size_t i = 0; i < rules.size(); ++i) {
    BOOST_TEST(words(table[i + 1]).at(0) == rules[i]);
    BOOST_TEST(words(table[i + 1]).at(1) == "2");
  }
  BOOST_TEST(contains(o.err, "epoch 2/2"));
  BOOST_TEST(!contains(o.err, "\033"));

  const auto files = run_files(in / "out");
  BOOST_TEST(files.size() == 10U);
  const Words csv = lines(content(in / "out/summary.csv"));
  BOOST_REQUIRE(csv.size() == 11U);
  BOOST_TEST((csv[0] == header || csv[0].starts_with(std::string(header) + ",")), csv[0]);
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string name = "runs/" + files[i].filename().string();
    BOOST_TEST(contains(csv[i + 1], "," + name), csv[i + 1]);
    BOOST_TEST(contains(csv[i + 1], ",mlp,clusters,"), csv[i + 1]);
    BOOST_TEST(contains(csv[i + 1], ",complete,2,"), csv[i + 1]);
  }
  const auto summary = strata::h5::open_file(in / "out/summary.h5");
  BOOST_TEST(summary.text("schema") == "strata-summary");
  const Words labels = summary.strings("rule");
  BOOST_TEST(std::is_permutation(labels.begin(), labels.end(), rules.begin(), rules.end()));
  BOOST_TEST((summary.integers("seed") == std::vector<std::int32_t>{0, 1}));

  // Again as JSON: nothing is trained, and nothing but JSON is on stdout.
  const Outcome again = run(in, "compare" + tiny + " --seeds 2 --epochs 2 --out out --json");
  BOOST_TEST(again.err == "");
  const Json rows = Json::parse(again.out);
  BOOST_REQUIRE(rows.size() == 10U);
  double fa = 0, backprop = 0;
  for (const Json& row : rows) {
    for (const std::string name : {"rule",
                                   "network",
                                   "dataset",
                                   "seed",
                                   "status",
                                   "epochs",
                                   "best_epoch",
                                   "train_loss",
                                   "val_accuracy",
                                   "test_accuracy",
                                   "test_accuracy_last",
                                   "seconds",
                                   "file",
                                   "mean",
                                   "ci_low",
                                   "ci_high",
                                   "diff_to_backprop",
                                   "p_to_backprop",
                                   "p_holm",
                                   "seeds_to_tell",
                                   "probability_of_improvement",
                                   "iqm"}) {
      BOOST_TEST(row.contains(name), name);
    }
    const fs::path file = in / fs::path("out") / row.at("file").get<std::string>();
    BOOST_TEST(row.at("test_accuracy").get<double>() == test_accuracy(file));
    if (row.at("rule") == "fa") fa += row.at("test_accuracy").get<double>() / 2;
    if (row.at("rule") == "backprop") backprop += row.at("test_accuracy").get<double>() / 2;
  }
  for (const Json& row : rows) {
    BOOST_TEST(row.at("diff_to_backprop").is_null() == (row.at("rule") == "backprop"));
    for (const char* name : {"p_to_backprop", "p_holm", "probability_of_improvement"}) {
      BOOST_TEST(row.at(name).is_null() == (row.at("rule") == "backprop"), name);
    }
    BOOST_TEST(row.at("iqm").is_null());  // of two runs it says nothing
    if (row.at("rule") != "fa") continue;
    BOOST_TEST(row.at("mean").get<double>() == fa, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(row.at("diff_to_backprop").get<double>() == fa - backprop, boost::test_tools::tolerance(1e-9));
    BOOST_TEST(row.at("ci_low").get<double>() <= fa);
    BOOST_TEST(row.at("ci_high").get<double>() >= fa);
  }
}

BOOST_AUTO_TEST_CASE(a_table_is_of_its_own_grid_and_collect_of_all) {
  const Scratch in;
  const std::string grid = "compare" + tiny + " --seeds 2 --epochs 2 --out out --rules ";
  const Outcome first = run(in, grid + "backprop,dfa");
  BOOST_TEST(run(in, "collect out").out == first.out);  // rules in the order of their names
  const Json collected = Json::parse(run(in, "collect --out out --json").out);
  BOOST_TEST((collected == Json::parse(run(in, grid + "backprop,dfa --json").out)));
  const Outcome second = run(in, grid + "frozen");
  BOOST_TEST(!contains(second.out, "dfa"));
  const Outcome all = run(in, "collect out");
  for (const std::string rule : {"backprop", "dfa", "frozen"}) BOOST_TEST(contains(all.out, rule + " "));
  BOOST_TEST(lines(content(in / "out/summary.csv")).size() == 7U);
  // Summaries that were lost are made again, from the run files alone.
  const std::string csv = content(in / "out/summary.csv");
  fs::remove(in / "out/summary.csv");
  fs::remove(in / "out/summary.h5");
  run(in, "collect out");
  BOOST_TEST(content(in / "out/summary.csv") == csv);
  BOOST_TEST(fs::exists(in / "out/summary.h5"));
  // Two configurations of one rule are told apart.
  run(in, grid + "frozen --lr .02");
  const Outcome both = run(in, "collect out");
  BOOST_TEST(contains(both.out, "frozen@"));
}

BOOST_AUTO_TEST_CASE(networks_of_a_config_file) {
  const Scratch in;
  write(in / "c.ini",
        "# a comparison\n"
        "dataset = clusters\n"
        "rules = backprop,dtp\n"
        "networks = mlp,deep\n"
        "hidden = 12\n"
        "activation = sigmoid\n"
        "epochs = 1\n"
        "seeds = 1\n"
        "out = from-file\n"
        "quiet = true\n"
        "[dtp]\n"
        "sigma = 0.4\n"
        "[fa]\n"  // not trained here: a file may serve many comparisons
        "lr = 0.5\n"
        "[network.deep]\n"
        "hidden = 16x3\n");
  const Outcome o = run(in, "compare --config c.ini --epochs 2 --seeds 2");
  BOOST_TEST(o.err == "");
  BOOST_TEST(contains(o.out, "deep"));
  const auto files = run_files(in / "from-file");
  BOOST_REQUIRE(files.size() == 8U);
  for (const fs::path& file : files) {
    const Json config = config_of(file);
    const bool deep = contains(file.filename(), "-deep-");
    BOOST_TEST(deep != contains(file.filename(), "-mlp-"));
    std::size_t dense = 0, sigmoids = 0;
    for (const Json& node : config.at("network").at("graph").at("nodes")) {
      dense += node.at("type") == "dense";
      sigmoids += node.at("type") == "sigmoid";
    }
    BOOST_TEST(dense == (deep ? 4U : 2U));
    BOOST_TEST(sigmoids == dense - 1);
    BOOST_TEST(config.at("epochs") == 2);  // the command line wins
    if (config.at("rule").at("name") == "dtp") BOOST_TEST(config.at("rule").at("options").at("sigma") == 0.4);
  }
  write(in / "r.ini", "dataset = clusters\nrule = dtp\n[dtp]\nsigma = 0.4\n[network.deep]\nhidden = 16x3\n");
  run(in, "run --config r.ini --dtp.sigma .2 --network deep --epochs 1 --out r");
  BOOST_TEST(config_of(only_run(in / "r")).at("rule").at("options").at("sigma") == 0.2);
}

BOOST_AUTO_TEST_CASE(rules_can_be_left_out) {
  const Scratch in;
  write(in / "c.ini",
        "dataset = clusters\nrules = backprop,fa,dfa\nexcept = fa\nhidden = 12\nepochs = 1\nseeds = 1\nquiet = true\n"
        "networks = mlp,deep\n[network.deep]\nhidden = 12x2\nexcept = dfa,frozen\n");
  const Outcome o = run(in, "compare --config c.ini --out o");
  BOOST_TEST(o.code == 0, o.err);
  BOOST_TEST(contains(o.out, "left out by 'except' of [network.deep]"));
  BOOST_TEST(run_files(in / "o").size() == 3U);
  BOOST_TEST(!contains(o.out, "\nfa "));
  write(in / "t.ini", "[network.deep]\nexcept = fa\n");
  const Outcome tuned =
      run(in, "tune --config t.ini --dataset clusters --networks mlp,deep --rules backprop,fa --trials 3 --dry-run");
  BOOST_TEST(contains(tuned.out, "unsupported: left out by 'except'"), tuned.err);
  write(in / "bad.ini", "networks = deep\n[network.deep]\nexcept = dfo\n");
  check_refused(in, "compare --config bad.ini --out p", {"'dfo'", "did you mean 'dfa'"});
  check_refused(in, "compare --rules fa --except fa --out p", {"--rules", "that --except does not name"});
  check_refused(in, "compare --except dfo --out p", {"'dfo'", "did you mean 'dfa'"});
}

BOOST_AUTO_TEST_CASE(graph_files_give_the_same_run) {
  const Scratch in;
  const std::string net = " --dataset clusters --hidden 12x3 --skip 1:3 --activation elu --normalize none";
  const Outcome graph = run(in, "run --print-graph" + net);
  BOOST_TEST(graph.err == "");
  const Json json = Json::parse(graph.out);
  BOOST_TEST(json.at("schema") == "strata-graph");
  BOOST_TEST(tree(in.path()).empty());
  write(in / "my net.json", graph.out);
  run(in, "run --epochs 2 --rule fa --out described" + net);
  Words from_file = words("run --dataset clusters --epochs 2 --rule fa --out read --network");
  from_file.emplace_back("my net.json");
  const Outcome o = call(in.path(), from_file);
  BOOST_REQUIRE_MESSAGE(o.code == 0, o.err);
  BOOST_TEST(only_run(in / "read").filename().string().starts_with("fa-my_net-s0-"));
  BOOST_TEST(difference(only_run(in / "described"), only_run(in / "read")) == "");
  BOOST_TEST((config_of(only_run(in / "read")).at("network").at("graph") == json));
}

// Rules start from the same weights for a seed, and from others for another.
BOOST_AUTO_TEST_CASE(rules_and_seeds_share_the_start) {
  const Scratch in;
  run(in, "compare" + tiny + " --epochs 1 --seeds 2 --rules backprop,fa,dtp --out out");
  std::map<int, std::set<double>> first;
  for (const fs::path& file : run_files(in / "out")) {
    const auto record = strata::read_run_file(file);
    first[record.seed].insert(record.training.at(0).train_loss);
  }
  BOOST_TEST(first.at(0).size() == 1U);
  BOOST_TEST(first.at(1).size() == 1U);
  BOOST_TEST(*first.at(0).begin() != *first.at(1).begin());
}
