// One step of the rules against the papers' equations in torch (golden/make_rules.py, make_local_rules.py). In double.
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "rules/builtin.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/learning.hpp"

using namespace strata;
using namespace strata::testing;
using Json = nlohmann::json;

namespace {

/// From a list of rows.
double apart(const Matrix& a, const Matrix& b) { return (a - b).norm() / b.norm(); }

void set(Bench& bench, const Json& values) {
  for (const auto& [name, value] : values.items()) {
    const Matrix m = matrix_of(value);
    BOOST_REQUIRE(bench.value(name).rows() == m.rows());
    BOOST_REQUIRE(bench.value(name).cols() == m.cols());
    bench.value(name) = m;
  }
}

/// The pseudo-gradients of a case, which may have scores too.
void compare(const Json& expected, Bench& bench, const Batch& batch) {
  bench.compute(batch, {Mode::train, true, 1, 0});
  std::size_t trained = 0;
  for (ParamId id = 0; id < bench.registry.size(); ++id) {
    const std::string& name = bench.registry[id].name;
    BOOST_TEST(bench.has(name) == expected["gradients"].contains(name), name);
    if (!bench.has(name)) continue;
    ++trained;
    const double off = apart(bench.gradient(name), matrix_of(expected["gradients"][name]));
    BOOST_TEST(off < 1e-10, name << ": off by " << off);
  }
  BOOST_TEST(trained == expected["gradients"].size());
  if (!expected.contains("scores")) return;
  Matrix scores(batch.classes(), batch.size());
  bench.rule->predict(bench.model, batch, bench.ws, mut_view(scores));
  const double off = apart(scores, matrix_of(expected["scores"]).transpose());
  BOOST_TEST(off < 1e-10, "scores: off by " << off);
}

/// All cases of a file, on its net and batch. Returns the rules that they are about.
std::set<std::string> compare_all(const Json& file) {
  const Matrix x = matrix_of(file["x"]).transpose();
  const auto labels = file["labels"].get<std::vector<std::int32_t>>();
  const std::vector<Index> widths = file["widths"].get<std::vector<Index>>();
  Matrix one_hot = Matrix::Zero(widths.back(), x.cols());
  for (Index b = 0; b < x.cols(); ++b) one_hot(labels[static_cast<std::size_t>(b)], b) = 1;
  Batch batch{.x = view(x), .one_hot = view(one_hot), .labels = labels, .ids = {}};
  if (file.contains("range")) {
    batch.low = file["range"][0];
    batch.high = file["range"][1];
  }
  const Graph graph(
      mlp_graph({.input = {widths[0]}, .hidden = {widths[1], widths[2]}, .outputs = widths[3], .skips = {}}));

  std::set<std::string> rules;
  const Catalog catalog = builtin_catalog();
  for (const Json& one : file["cases"]) {
    const std::string rule = one["rule"];
    rules.insert(rule);
    Bench bench(graph, "cross_entropy", catalog.at(rule), one["options"].get<std::map<std::string, std::string>>());
    set(bench, file["net"]);
    set(bench, one["values"]);
    BOOST_TEST_CONTEXT(rule << " " << one["options"]) {
      bench.net.forward({}, bench.registry, batch.x, bench.ws.acts());
      const double loss = bench.loss->value(bench.ws.acts()[graph.output()], batch);
      BOOST_TEST(std::abs(loss - file["loss"].get<double>()) < 1e-12);
      compare(one, bench, batch);
    }
  }
  return rules;
}

}  // namespace

BOOST_AUTO_TEST_CASE(pseudo_gradients_are_the_papers) {
  const std::set<std::string> rules = compare_all(golden("rules.json"));
  BOOST_TEST((rules == std::set<std::string>{"fa", "dfa", "dtp", "dtpdrl", "ddtp_linear", "node_perturbation"}));
}

BOOST_AUTO_TEST_CASE(those_of_losses_of_layers_and_energies_are_the_papers) {
  const std::set<std::string> rules = compare_all(golden("local_rules.json"));
  BOOST_TEST((rules == std::set<std::string>{"local_predsim", "phsic", "dni", "pepita", "forward_forward",
                                             "predictive_coding", "equilibrium_prop"}));
}

// The scripts cannot draw them themselves.
BOOST_AUTO_TEST_CASE(the_noise_is_what_the_rules_streams_give) {
  const Json noise = golden("rules.json")["noise"];
  BOOST_TEST(noise["values"].size() == 9U);
  for (const auto& [stream, values] : noise["values"].items()) {
    const Matrix expected = matrix_of(values).transpose();
    Matrix drawn(expected.rows(), expected.cols());
    Rng(noise["seed"], stream, noise["step"]).fill_normal(mut_view(drawn), 0, 1);
    BOOST_TEST(apart(drawn, expected) < 1e-13, stream);
  }
}

BOOST_AUTO_TEST_CASE(the_wrong_labels_are_what_the_rules_stream_gives) {
  const Json file = golden("local_rules.json");
  const Json wrong = file["wrong_labels"];
  const Rng rng(wrong["seed"], "forward_forward/wrong label", wrong["step"]);
  const auto others = file["widths"].back().get<std::uint64_t>() - 1;
  for (std::size_t b = 0; b < file["labels"].size(); ++b) {
    std::uint64_t label = rng.below(others, b);
    if (label >= file["labels"][b].get<std::uint64_t>()) ++label;
    BOOST_TEST(label == wrong["values"][b].get<std::uint64_t>());
  }
}
