// Which numbers of a net are neurons, how far apart they lie, which connections are skips, and neurons by name.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <set>

#include "framework/analysis/neurons.hpp"
#include "framework/core/errors.hpp"
#include "tests/support/says.hpp"

using namespace strata;
using strata::testing::says;
using Names = std::vector<std::string>;

namespace {

Graph mlp(std::vector<Index> hidden, std::vector<Skip> skips, SkipMode mode, double dropout = 0) {
  MlpSpec spec;
  spec.input = {2, 3};
  spec.hidden = std::move(hidden);
  spec.outputs = 5;
  spec.skips = std::move(skips);
  spec.skip_mode = mode;
  spec.dropout = dropout;
  return Graph(mlp_graph(spec));
}

/// A line a layer: name, node, units, depth, first.
std::vector<std::string> lines(const Neurons& neurons) {
  std::vector<std::string> all;
  for (const NeuronLayer& l : neurons.layers()) {
    all.push_back(cat(l.name, " ", neurons.graph()[l.node].name, " ", l.units, " ", l.depth, " ", l.first));
  }
  return all;
}

/// A line a skip edge: the nodes that it joins.
std::vector<std::string> skips(const Neurons& neurons) {
  std::vector<std::string> all;
  for (const Edge& edge : neurons.skip_edges()) {
    const Graph& graph = neurons.graph();
    all.push_back(graph[graph[edge.node].inputs[edge.input]].name + " > " + graph[edge.node].name);
  }
  return all;
}

/// hops of a target, by source: "0" where it is not upstream.
std::vector<int> hops(const Neurons& neurons, std::size_t target) {
  std::vector<int> all;
  for (std::size_t s = 0; s < neurons.size(); ++s) {
    all.push_back(neurons.hops(target, s));
    BOOST_TEST(neurons.upstream(target, s) == (all.back() > 0));
  }
  return all;
}

NodeSpec dense(const std::string& name, const std::string& input) {
  return {name, "dense", {input}, {{"units", 4}, {"bias", false}}};
}

const auto each = boost::test_tools::per_element();

}  // namespace

BOOST_AUTO_TEST_CASE(a_plain_net) {
  const Graph graph = mlp({7, 8}, {}, SkipMode::add);
  const Neurons n(graph);
  BOOST_TEST(lines(n) == (Names{"input input 6 0 0", "h1 a1 7 1 6", "h2 a2 8 2 13", "logits logits 5 3 21"}), each);
  BOOST_TEST(n.names() == (Names{"input", "h1", "h2", "logits"}), each);
  BOOST_TEST(n.size() == 4u);
  BOOST_TEST(n.count() == 26);
  BOOST_TEST(n.depth() == 3);
  BOOST_TEST(&n.graph() == &graph);
  BOOST_TEST(n.skip_edges().empty());
  BOOST_TEST(hops(n, 3) == (std::vector<int>{3, 2, 1, 0}), each);
  BOOST_TEST(hops(n, 1) == (std::vector<int>{1, 0, 0, 0}), each);
  BOOST_TEST(n.distance(3, 1) == 2);
  BOOST_TEST(n.distance(3, 0) == 3);
  BOOST_TEST(n.find("input") == 0u);
  BOOST_TEST(n.find("logits") == 3u);
  BOOST_CHECK_EXCEPTION(n.find("a1"), UsageError, says({"layer", "'a1'", "input", "h1", "h2", "logits"}));
}

BOOST_AUTO_TEST_CASE(added_skips_and_dropout) {
  const Graph graph = mlp({4, 4, 4, 4}, {{1, 3}, {2, 3}, {3, 4}}, SkipMode::add, 0.5);
  const Neurons n(graph);
  // Read after the sum, the activation and the dropout.
  BOOST_TEST(lines(n) == (Names{"input input 6 0 0", "h1 d1 4 1 6", "h2 d2 4 2 10", "h3 d3 4 3 14", "h4 d4 4 4 18",
                                "logits logits 5 5 22"}),
             each);
  // h3 reads d2, and so does the sum; d2 is a layer less deep than h3 all the same.
  BOOST_TEST(skips(n) == (Names{"d1 > s3", "d2 > s3", "d3 > s4"}), each);
  BOOST_TEST(hops(n, 3) == (std::vector<int>{2, 1, 1, 0, 0, 0}), each);
  BOOST_TEST(hops(n, 5) == (std::vector<int>{4, 3, 3, 2, 1, 0}), each);
  BOOST_TEST(n.distance(3, 1) == 2);  // by depth, though a skip leads straight there
}

BOOST_AUTO_TEST_CASE(projected_and_concatenated_skips) {
  const Graph projected = mlp({7, 4, 3}, {{1, 3}, {1, 4}}, SkipMode::project);
  const Neurons p(projected);
  // The projections are layers, but their units are those of the sum.
  BOOST_TEST(
      lines(p) == (Names{"input input 6 0 0", "h1 a1 7 1 6", "h2 a2 4 2 13", "h3 a3 3 3 17", "h4 logits 5 4 20"}),
      each);
  BOOST_TEST(skips(p) == (Names{"p1_3 > s3", "p1_4 > logits"}), each);
  BOOST_TEST(hops(p, 4) == (std::vector<int>{2, 1, 2, 1, 0}), each);

  const Graph joined = mlp({7, 4, 3}, {{1, 3}, {2, 4}}, SkipMode::concat);
  const Neurons c(joined);
  BOOST_TEST(c.names() == (Names{"input", "h1", "h2", "h3", "logits"}), each);
  BOOST_TEST(skips(c) == (Names{"a1 > c3", "a2 > c4"}), each);
  BOOST_TEST(hops(c, 3) == (std::vector<int>{2, 1, 1, 0, 0}), each);
}

BOOST_AUTO_TEST_CASE(branches_and_what_is_not_upstream) {
  const Graph graph({{6},
                     {dense("left", "input"),
                      {"left_on", "relu", {"left"}},
                      dense("right", "input"),
                      {"right_on", "relu", {"right"}},
                      dense("far", "right_on"),
                      {"both", "concat", {"left_on", "far"}},
                      dense("out", "both")},
                     "out"});
  const Neurons n(graph);
  const std::size_t left = n.find("left"), right = n.find("right"), far = n.find("far"), out = n.find("out");
  BOOST_TEST(n[far].depth == 2);
  BOOST_TEST(n.graph()[n[far].node].name == "far");  // the concat is no neuron
  BOOST_TEST(n.hops(far, left) == 0);
  BOOST_TEST(!n.upstream(far, left));
  BOOST_TEST(n.hops(far, right) == 1);
  BOOST_TEST(n.hops(out, left) == 1);
  BOOST_TEST(n.hops(out, right) == 2);
  BOOST_TEST(n.hops(out, 0) == 2);  // by the left
  BOOST_TEST(n.distance(out, 0) == 3);
  BOOST_TEST(n.distance(out, left) == 2);
  for (std::size_t l = 0; l < n.size(); ++l) {
    BOOST_TEST(!n.upstream(l, l));
    BOOST_TEST(!n.upstream(0, l));
    BOOST_TEST(!n.upstream(l, out));
  }
  BOOST_TEST(skips(n) == (Names{"left_on > both"}), each);
}

BOOST_AUTO_TEST_CASE(samples) {
  const Graph graph = mlp({50, 50}, {}, SkipMode::add);
  const Neurons n(graph);
  std::set<std::vector<Index>> seen;
  std::set<Index> units;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const auto some = n.sample(1, 8, seed);
    BOOST_TEST(some.size() == 8u);
    BOOST_TEST((some == n.sample(1, 8, seed)));
    BOOST_TEST(std::is_sorted(some.begin(), some.end()));
    BOOST_TEST((std::adjacent_find(some.begin(), some.end()) == some.end()));
    BOOST_TEST(some.front() >= 0);
    BOOST_TEST(some.back() < 50);
    BOOST_TEST((some != n.sample(2, 8, seed)));  // each layer has its own draw
    seen.insert(some);
    units.insert(some.begin(), some.end());
  }
  BOOST_TEST(seen.size() == 60u);
  BOOST_TEST(units.size() == 50u);  // that one is never among 8 of 50, 60 times: 1 in 700
  for (const Index count : {5, 6, 1000}) {
    BOOST_TEST((n.sample(3, count, 1) == std::vector<Index>{0, 1, 2, 3, 4}));
  }
  BOOST_TEST(n.sample(1, 0, 1).empty());
}

BOOST_AUTO_TEST_CASE(neurons_by_name) {
  const Graph graph = mlp({7, 8}, {}, SkipMode::add);
  const Neurons n(graph);
  const NeuronRef last = parse_neuron(n, "h2:7"), pixel = parse_neuron(n, "input:0");
  BOOST_TEST(last.layer == 2u);
  BOOST_TEST(last.unit == 7);
  BOOST_TEST(pixel.layer == 0u);
  BOOST_TEST(pixel.unit == 0);
  for (const char* text : {"", "h2", "7", "h2-7"}) {
    BOOST_CHECK_EXCEPTION(parse_neuron(n, text), UsageError, says({cat("'", text, "'"), "LAYER:NUMBER", "h3:17"}));
  }
  for (const char* text : {"h9:1", ":1", "h1:2:3", " h1:1", "H1:1"}) {
    BOOST_CHECK_EXCEPTION(parse_neuron(n, text), UsageError, says({"layer", "input", "h1", "h2", "logits"}));
  }
  for (const char* text :
       {"h2:8", "h2:-1", "h2:", "h2:x", "h2:1x", "h2: 1", "h2:+1", "h2:1.0", "h2:99999999999999999999"}) {
    BOOST_CHECK_EXCEPTION(parse_neuron(n, text), UsageError,
                          says({cat("'", text, "'"), "from 0 to 7", "h2 has 8 neurons"}));
  }
}

// A feature map is one neuron; what is flat stays.
BOOST_AUTO_TEST_CASE(channels_as_neurons) {
  const GraphSpec spec{{2, 5, 4},
                       {{"c1", "conv2d", {"input"}, {{"channels", 3}, {"size", 2}}},
                        {"a1", "relu", {"c1"}, nlohmann::ordered_json::object()},
                        {"pool", "max_pool", {"a1"}, {{"size", 2}}},
                        {"flat", "flatten", {"pool"}, nlohmann::ordered_json::object()},
                        {"out", "dense", {"flat"}, {{"units", 5}}}},
                       "out"};
  const Graph graph(spec);
  const Neurons single(graph), n = Neurons::of_channels(graph);
  BOOST_TEST(lines(single) == (Names{"input input 40 0 0", "c1 a1 36 1 40", "out out 5 2 76"}), each);
  BOOST_TEST(lines(n) == (Names{"input input 2 0 0", "c1 a1 3 1 2", "out out 5 2 5"}), each);
  BOOST_TEST(n.count() == 10);
  BOOST_TEST((n[0].positions == 20 && n[1].positions == 12 && n[2].positions == 1));
  for (const NeuronLayer& layer : single.layers()) BOOST_TEST(layer.positions == 1);
  BOOST_TEST(hops(n, 2) == hops(single, 2), each);
  BOOST_TEST(single.has_channels());
  const Graph flat = mlp({7, 8}, {}, SkipMode::add);
  BOOST_TEST(!Neurons(flat).has_channels());
  // An image at the input alone has no feature maps.
  const Graph flattened(
      {{2, 5, 4},
       {{"flat", "flatten", {"input"}, nlohmann::ordered_json::object()}, {"out", "dense", {"flat"}, {{"units", 5}}}},
       "out"});
  BOOST_TEST(!Neurons(flattened).has_channels());
}
