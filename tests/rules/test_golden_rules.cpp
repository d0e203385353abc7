// One step of fa, dfa and dtp against the papers' equations in torch (golden/make_rules.py). In double.
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
Matrix matrix(const Json& rows) {
  Matrix m(static_cast<Index>(rows.size()), static_cast<Index>(rows.at(0).size()));
  for (Index r = 0; r < m.rows(); ++r) {
    for (Index c = 0; c < m.cols(); ++c) m(r, c) = rows[static_cast<std::size_t>(r)][static_cast<std::size_t>(c)];
  }
  return m;
}

double apart(const Matrix& a, const Matrix& b) { return (a - b).norm() / b.norm(); }

void set(Bench& bench, const Json& values) {
  for (const auto& [name, value] : values.items()) {
    const Matrix m = matrix(value);
    BOOST_REQUIRE(bench.value(name).rows() == m.rows());
    BOOST_REQUIRE(bench.value(name).cols() == m.cols());
    bench.value(name) = m;
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(pseudo_gradients_are_the_papers) {
  const Json file = golden("rules.json");
  const Matrix x = matrix(file["x"]).transpose();
  const auto labels = file["labels"].get<std::vector<std::int32_t>>();
  const std::vector<Index> widths = file["widths"].get<std::vector<Index>>();
  Matrix one_hot = Matrix::Zero(widths.back(), x.cols());
  for (Index b = 0; b < x.cols(); ++b) one_hot(labels[static_cast<std::size_t>(b)], b) = 1;
  const Batch batch{.x = view(x), .one_hot = view(one_hot), .labels = labels, .ids = {}};
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
    bench.compute(batch, {Mode::train, true, file["noise"]["seed"], file["noise"]["step"]});
    BOOST_TEST_CONTEXT(rule << " " << one["options"]) {
      BOOST_TEST(std::abs(bench.loss->value(bench.ws.acts()[graph.output()], batch) - file["loss"].get<double>()) <
                 1e-12);
      int trained = 0;
      for (ParamId id = 0; id < bench.registry.size(); ++id) {
        const std::string& name = bench.registry[id].name;
        BOOST_TEST(bench.has(name) == one["gradients"].contains(name), name);
        if (!bench.has(name)) continue;
        ++trained;
        const double off = apart(bench.gradient(name), matrix(one["gradients"][name]));
        BOOST_TEST(off < 1e-10, name << ": off by " << off);
      }
      BOOST_TEST(trained == (rule == "dtp" ? 10 : 6));
    }
  }
  BOOST_TEST((rules == std::set<std::string>{"fa", "dfa", "dtp"}));
}

// The script cannot draw them itself.
BOOST_AUTO_TEST_CASE(the_noise_is_what_the_rules_stream_gives) {
  const Json noise = golden("rules.json")["noise"];
  BOOST_TEST(noise["values"].size() == 2U);
  for (const auto& [node, values] : noise["values"].items()) {
    const Matrix expected = matrix(values).transpose();
    Matrix drawn(expected.rows(), expected.cols());
    Rng(noise["seed"], "dtp/noise/" + node, noise["step"]).fill_normal(mut_view(drawn), 0, 1);
    BOOST_TEST(apart(drawn, expected) < 1e-13);
  }
}
