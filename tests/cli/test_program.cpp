// The program around the training: version, lists, what goes to stdout and what to stderr, double precision.
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "framework/io/run_file.hpp"
#include "tests/cli/program.hpp"

using namespace strata::testing;

namespace {

const Words rules = {"backprop", "frozen", "fa", "dfa", "dtp"};
const std::string tiny = " --dataset clusters --hidden 8 --epochs 2 --out out";

Outcome run(const Scratch& in, const std::string& line, const Start& start = {}) {
  Outcome o = call(in, line, start);
  BOOST_TEST_CONTEXT(line) { BOOST_REQUIRE_MESSAGE(o.code == 0, "exit " << o.code << ": " << o.err); }
  return o;
}

}  // namespace

BOOST_AUTO_TEST_CASE(version) {
  const Scratch in;
  const Outcome o = run(in, "--version");
  BOOST_TEST(o.out.starts_with("strata 0."));
  BOOST_TEST(contains(o.out, "float32"));
  BOOST_TEST(lines(o.out).size() == 1U);
  BOOST_TEST(o.err == "");
}

BOOST_AUTO_TEST_CASE(lists) {
  const Scratch in;
  const std::vector<std::pair<std::string, Words>> holds = {
      {"rules", rules},
      {"datasets", {"fashion-mnist", "mnist", "cifar-10", "idx", "hdf5", "npy", "clusters"}},
      {"layers",
       {"dense", "conv2d", "max_pool", "batch_norm", "add", "concat", "flatten", "dropout", "tanh", "leaky_relu"}},
      {"optimizers", {"sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"}},
      {"losses", {"cross_entropy", "squared_error", "binary_cross_entropy"}},
      {"initializers", {"xavier_normal", "he_uniform", "orthogonal"}}};
  for (const auto& [what, names] : holds) {
    const Outcome plain = run(in, "list " + what);
    const Outcome markdown = run(in, "list --markdown " + what);
    const auto json = nlohmann::json::parse(run(in, "list " + what + " --json").out);
    BOOST_TEST(json.is_array());
    for (const std::string& name : names) {
      BOOST_TEST(contains("\n" + plain.out, "\n" + name), what << ": " << name);
      BOOST_TEST(contains(markdown.out, "| `" + name + "` |"), what << ": " << name);
      BOOST_TEST(contains(json.dump(), "\"" + name + "\""), what << ": " << name);
    }
    BOOST_TEST(lines(markdown.out).size() == json.size() + 2);
  }
  BOOST_TEST(contains(run(in, "list datasets").out, "--data FILE: x and y, and x_test and y_test for a test set"));
  BOOST_TEST(not_refused(call(in, "list"), {"expected one of", "rules"}) == "");
  BOOST_TEST(not_refused(call(in, "list rule"), {"'rule'", "did you mean 'rules'"}) == "");
  BOOST_TEST(not_refused(call(in, "list rules layers"), {"expected one of"}) == "");
  BOOST_TEST(not_refused(call(in, "list rules --json --markdown"), {"--markdown and --json"}) == "");
}

// The table of rules/README.md is what the program prints.
BOOST_AUTO_TEST_CASE(the_rules_readme_holds_the_table) {
  const Scratch in;
  const std::string page = content(STRATA_RULES_README);
  const std::string begin = "<!-- strata list rules --markdown -->\n", end = "<!-- end -->";
  const std::size_t from = page.find(begin), to = page.find(end);
  BOOST_REQUIRE(from != std::string::npos);
  BOOST_REQUIRE(to != std::string::npos);
  const std::string table = page.substr(from + begin.size(), to - from - begin.size());
  BOOST_TEST(table == run(in, "list rules --markdown").out);
}

BOOST_AUTO_TEST_CASE(results_and_progress_keep_apart) {
  const Scratch in;
  const Outcome loud = run(in, "run" + tiny);
  BOOST_TEST(lines(loud.out).size() == 2U);
  BOOST_TEST(contains(loud.err, "epoch 1/2"));
  BOOST_TEST(contains(loud.err, "epoch 2/2"));
  BOOST_TEST(!contains(loud.out, "epoch 1/2"));
  BOOST_TEST(!contains(loud.err + loud.out, "\033"));
  BOOST_TEST(!contains(loud.err, "\r"));
  BOOST_TEST(run(in, "run --quiet --seed 1" + tiny).err == "");
  BOOST_TEST(run(in, "compare --quiet --seeds 1 --rules fa,dfa" + tiny).err == "");
}

BOOST_AUTO_TEST_CASE(in_double) {
#ifdef STRATA_F64_PROGRAM
  const Scratch in;
  const Start f64{.program = STRATA_F64_PROGRAM, .environment = {}};
  BOOST_TEST(contains(run(in, "--version", f64).out, "float64"));
  run(in, "run --rule dtp" + tiny, f64);
  const fs::path file = only_run(in / "out");
  const auto record = strata::read_run_file(file);
  BOOST_TEST(contains(record.provenance.at("config").get<std::string>(), "float64"));
  const std::string name = fs::relative(file, in.path()).string();
  BOOST_TEST(run(in, "validate " + name, f64).code == 0);
  // The program in float reads it too: checks it, and goes on from its weights.
  BOOST_TEST(run(in, "validate " + name).code == 0);
  BOOST_TEST(run(in, "run --dataset clusters --hidden 8 --epochs 1 --out on --weights " + name).code == 0);
  BOOST_TEST(run(in, "validate " + fs::relative(only_run(in / "on"), in.path()).string(), f64).code == 0);
  // Another run than that in float, and nearly the same numbers.
  run(in, "run --rule dtp" + tiny);
  const auto files = run_files(in / "out");
  BOOST_REQUIRE(files.size() == 2U);
  const double a = strata::read_run_file(files[0]).training.at(0).train_loss;
  const double b = strata::read_run_file(files[1]).training.at(0).train_loss;
  BOOST_TEST(a != b);
  BOOST_TEST(a == b, boost::test_tools::tolerance(1e-4));
#endif
}
