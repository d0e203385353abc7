// Graphs: order, what is refused and how it is said, neurons, credit points, cuts and regions; graph files as JSON.
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>

#include "framework/core/errors.hpp"
#include "framework/graph/graph.hpp"
#include "tests/support/says.hpp"

using namespace strata;
using strata::testing::says;
using Json = nlohmann::ordered_json;

namespace {

NodeSpec dense(const std::string& name, const std::string& from, Index units = 4) {
  return {name, "dense", {from}, {{"units", units}}};
}
NodeSpec simple(const std::string& name, const std::string& type, std::vector<std::string> from) {
  return {name, type, std::move(from)};
}

GraphSpec spec(std::vector<NodeSpec> nodes, const std::string& output, Shape input = {3}) {
  return {std::move(input), std::move(nodes), output};
}

/// h1-a1-h2-a2-h3-a3-logits.
GraphSpec plain() {
  return spec({dense("h1", "input"), simple("a1", "tanh", {"h1"}), dense("h2", "a1"), simple("a2", "tanh", {"h2"}),
               dense("h3", "a2"), simple("a3", "tanh", {"h3"}), dense("logits", "a3", 2)},
              "logits");
}

/// As plain, and a1 is added before the activation of layer `to`, 2 or 3.
GraphSpec with_skip(int to) {
  GraphSpec g = plain();
  const std::string h = cat("h", to), s = cat("s", to);
  const auto activation =
      std::find_if(g.nodes.begin(), g.nodes.end(), [&](const auto& n) { return n.name == cat("a", to); });
  activation->inputs = {s};
  g.nodes.insert(activation, simple(s, "add", {h, "a1"}));
  return g;
}

std::vector<std::string> names(const Graph& graph, const std::vector<NodeId>& ids) {
  std::vector<std::string> out;
  for (const NodeId id : ids) out.push_back(graph[id].name);
  return out;
}
std::string neurons(const Graph& graph) {
  std::vector<NodeId> ids;
  for (const NodeId layer : graph.layers()) ids.push_back(graph.neuron(layer));
  return join(names(graph, ids), " ");
}
std::string credit_points(const Graph& graph) { return join(names(graph, graph.credit_points()), " "); }
std::string region(const Graph& graph, const std::string& point) {
  return join(names(graph, graph.region(graph.find(point))), " ");
}
std::string cuts(const Graph& graph) {
  std::vector<NodeId> ids;
  for (NodeId id = 0; id < graph.size(); ++id) {
    if (graph.is_cut(id)) ids.push_back(id);
  }
  return join(names(graph, ids), " ");
}

void refused(const GraphSpec& s, std::vector<std::string> parts) {
  BOOST_TEST_CONTEXT(parts.at(0)) { BOOST_CHECK_EXCEPTION(Graph{s}, GraphError, says(parts)); }
}

Json plain_json() { return to_json(plain()); }

void refused(const Json& json, std::vector<std::string> parts) {
  BOOST_TEST_CONTEXT(json.dump()) { BOOST_CHECK_EXCEPTION(graph_spec_from_json(json), GraphError, says(parts)); }
}

}  // namespace

BOOST_AUTO_TEST_CASE(topological_from_any_order) {
  std::vector<NodeSpec> nodes = with_skip(3).nodes;
  std::sort(nodes.begin(), nodes.end(), [](const auto& a, const auto& b) { return a.name > b.name; });
  for (int rotation = 0; rotation < static_cast<int>(nodes.size()); ++rotation) {
    std::rotate(nodes.begin(), nodes.begin() + 1, nodes.end());
    const Graph graph(spec(nodes, "logits"));
    BOOST_TEST(graph.size() == 9);
    BOOST_TEST(graph[0].name == "input");
    BOOST_TEST(graph.output() == graph.find("logits"));
    for (NodeId id = 1; id < graph.size(); ++id) {
      for (const NodeId in : graph[id].inputs) {
        BOOST_TEST(in < id);
        const auto& readers = graph[in].readers;
        BOOST_TEST(std::count(readers.begin(), readers.end(), id) == 1);
      }
      BOOST_TEST(std::is_sorted(graph[id].readers.begin(), graph[id].readers.end()));
    }
    BOOST_TEST(neurons(graph) == "a1 a2 a3 logits");
  }
  // Nodes that are ready keep the order given.
  const Graph graph(spec({dense("b", "input"), dense("a", "input"), simple("out", "add", {"a", "b"})}, "out"));
  BOOST_TEST(join(names(graph, {0, 1, 2, 3}), " ") == "input b a out");
}

BOOST_AUTO_TEST_CASE(cycles) {
  refused(spec({dense("h1", "h2"), dense("h2", "h1"), dense("out", "h2")}, "out"), {"cycle", "h1, h2, out"});
  refused(spec({dense("h1", "h1")}, "h1"), {"cycle", "h1"});
  refused(spec({dense("h1", "input"), simple("s", "add", {"h1", "out"}), dense("out", "s")}, "out"),
          {"cycle", "s, out"});
}

BOOST_AUTO_TEST_CASE(disconnected) {
  refused(spec({dense("h1", "input"), dense("lost", "input"), dense("out", "h1")}, "out"),
          {"disconnected", "'out'", "lost"});
  GraphSpec early = plain();
  early.output = "a2";
  refused(early, {"disconnected", "'a2'", "h3, a3, logits"});
  // The output as an inner node.
  refused(spec({dense("out", "input"), dense("h1", "out")}, "out"), {"'out'"});
  refused(spec({simple("out", "tanh", {"input"})}, "out"), {"no node has parameters"});
  // A node that reads nothing is not reached by the input.
  BOOST_CHECK_THROW(Graph(spec({dense("h1", "input"), simple("x", "tanh", {}), dense("out", "h1")}, "out")),
                    InputError);
}

BOOST_AUTO_TEST_CASE(names_are_checked) {
  refused(spec({dense("hidden", "input"), dense("out", "hiden")}, "out"),
          {"'out'", "unknown node 'hiden'", "did you mean 'hidden'"});
  refused(spec({dense("hidden", "inptu")}, "hidden"), {"unknown node 'inptu'", "did you mean 'input'"});
  refused(spec({dense("logits", "input")}, "logit"), {"output", "unknown node 'logit'", "did you mean 'logits'"});
  refused(spec({dense("h1", "input"), dense("h1", "input")}, "h1"), {"two nodes are called 'h1'"});
  for (const std::string name : {"", "input", "a.b", "a/b", "a b", "ä"})
    refused(spec({dense(name, "input")}, name), {cat("'", name, "'")});
  BOOST_CHECK_EXCEPTION(Graph(spec({simple("h1", "dens", {"input"})}, "h1")), UsageError,
                        says({"'dens'", "did you mean 'dense'"}));
  GraphSpec attribute = spec({dense("h1", "input")}, "h1");
  attribute.nodes[0].attributes["unit"] = 3;
  BOOST_CHECK_EXCEPTION(Graph{attribute}, UsageError, says({"'h1'", "'unit'", "did you mean 'units'"}));
  const Graph graph(plain());
  BOOST_TEST(graph[graph.find("a2")].name == "a2");
  BOOST_CHECK_EXCEPTION(graph.find("logit"), GraphError,
                        says({"'logit'", "did you mean 'logits'", "known: input, h1"}));
}

BOOST_AUTO_TEST_CASE(shapes_are_checked) {
  const auto sum = spec({dense("h1", "input", 4), dense("h2", "input", 5), simple("sum", "add", {"h1", "h2"})}, "sum");
  BOOST_CHECK_EXCEPTION(Graph{sum}, ShapeError, says({"node 'sum'", "h1 [4]", "h2 [5]"}));
  const auto image = spec({dense("h1", "input")}, "h1", {1, 4, 4});
  BOOST_CHECK_EXCEPTION(Graph{image}, ShapeError, says({"node 'h1'", "input [1, 4, 4]", "flatten"}));
  const auto stacked = spec({simple("c", "concat", {"input", "input"}), dense("h1", "c")}, "h1", {2, 3});
  BOOST_CHECK_EXCEPTION(Graph{stacked}, ShapeError, says({"node 'c'", "[2, 3]"}));
  const auto wide = spec({dense("h1", "input", 100'000'001)}, "h1");
  BOOST_CHECK_EXCEPTION(Graph{wide}, ShapeError, says({"node 'h1'", "100000001 units", "at most"}));
  const Graph graph(spec({simple("flat", "flatten", {"input"}), dense("h1", "flat", 7)}, "h1", {2, 3}));
  BOOST_TEST(graph[0].units == 6);
  BOOST_TEST(to_string(graph[1].shape) == "[6]");
  BOOST_TEST(graph[2].units == 7);
  BOOST_TEST(graph.parameters() == 7 * 6 + 7);
  BOOST_TEST(graph.multiply_adds() == 7 * 6);
  BOOST_TEST(graph[2].params.size() == 2u);
  BOOST_TEST(graph[2].params[0].rows == 7);
  BOOST_TEST(graph[2].params[0].cols == 6);
}

BOOST_AUTO_TEST_CASE(a_plain_net) {
  const Graph g(plain());
  BOOST_TEST(join(names(g, g.layers()), " ") == "h1 h2 h3 logits");
  BOOST_TEST(neurons(g) == "a1 a2 a3 logits");
  BOOST_TEST(credit_points(g) == "a1 a2 a3");
  BOOST_TEST(cuts(g) == "input h1 a1 h2 a2 h3 a3 logits");
  BOOST_TEST(region(g, "a1") == "h1 a1");
  BOOST_TEST(region(g, "a3") == "h3 a3");
  BOOST_TEST(region(g, "logits") == "logits");
  BOOST_TEST(join(names(g, g.after(g.find("a2"))), " ") == "h3 a3 logits");
  BOOST_TEST(g.after(g.output()).empty());
  BOOST_TEST(g.is_chain());
  BOOST_TEST(g.first_uncut() == -1);
  const std::vector<int> depths = {0, 1, 1, 2, 2, 3, 3, 4};
  for (NodeId id = 0; id < g.size(); ++id) BOOST_TEST(g.depth(id) == depths.at(static_cast<std::size_t>(id)));
}

BOOST_AUTO_TEST_CASE(a_skip_net) {
  const Graph g(with_skip(3));
  BOOST_TEST(neurons(g) == "a1 a2 a3 logits");
  BOOST_TEST(credit_points(g) == "a1 a2 a3");
  BOOST_TEST(cuts(g) == "input h1 a1 s3 a3 logits");  // layer 2 is passed by
  BOOST_TEST(region(g, "a2") == "h2 a2");
  BOOST_TEST(region(g, "a3") == "h3 s3 a3");
  BOOST_TEST(join(names(g, g.after(g.find("a2"))), " ") == "h3 s3 a3 logits");
  BOOST_TEST(!g.is_chain());
  BOOST_TEST(g[g.first_uncut()].name == "a2");
  BOOST_TEST(g.depth(g.find("s3")) == 3);
}

// A residual around one layer: no credit point is passed by.
BOOST_AUTO_TEST_CASE(a_residual) {
  const Graph g(with_skip(2));
  BOOST_TEST(neurons(g) == "a1 a2 a3 logits");
  BOOST_TEST(credit_points(g) == "a1 a2 a3");
  BOOST_TEST(cuts(g) == "input h1 a1 s2 a2 h3 a3 logits");
  BOOST_TEST(region(g, "a2") == "h2 s2 a2");
  BOOST_TEST(g.is_chain());
}

// Two layers whose sum is the neuron: one credit point. A layer whose value is read twice keeps it to itself.
BOOST_AUTO_TEST_CASE(a_normalisation_belongs_to_the_layer_before_it) {
  for (const char* norm : {"batch_norm", "layer_norm"}) {
    const Graph g(spec({dense("h1", "input"), simple("n1", norm, {"h1"}), simple("a1", "relu", {"n1"}),
                        dense("h2", "a1"), simple("a2", "relu", {"h2"}), simple("n2", norm, {"a2"}),
                        dense("logits", "n2", 2), simple("n3", norm, {"logits"})},
                       "n3"));
    BOOST_TEST(join(names(g, g.layers()), " ") == "h1 h2 logits");
    BOOST_TEST(neurons(g) == "a1 n2 n3");
    BOOST_TEST(credit_points(g) == "a1 n2");
    BOOST_TEST(region(g, "a1") == "h1 n1 a1");
    for (const char* node : {"h1", "n1", "a1"}) BOOST_TEST(g.depth(g.find(node)) == 1);
    BOOST_TEST(g.depth(g.find("n3")) == 3);
    BOOST_TEST(g.multiply_adds() == 3 * 4 + 4 * 4 + 4 * 2);
  }
}

BOOST_AUTO_TEST_CASE(a_normalisation_of_the_input_is_a_layer) {
  const Graph g(spec({simple("n0", "batch_norm", {"input"}), dense("h1", "n0"), simple("a1", "relu", {"h1"}),
                      dense("logits", "a1", 2)},
                     "logits"));
  BOOST_TEST(join(names(g, g.layers()), " ") == "n0 h1 logits");
  BOOST_TEST(neurons(g) == "n0 a1 logits");
  BOOST_TEST(g.depth(g.find("n0")) == 1);
  BOOST_TEST(g.depth(g.find("a1")) == 2);
}

BOOST_AUTO_TEST_CASE(joined_and_shared_layers) {
  const Graph joined(spec({dense("h1", "input"), dense("p1", "input"), simple("s", "add", {"h1", "p1"}),
                           simple("a", "relu", {"s"}), simple("d", "dropout", {"a"}), dense("out", "d")},
                          "out"));
  BOOST_TEST(neurons(joined) == "d d out");
  BOOST_TEST(credit_points(joined) == "d");
  BOOST_TEST(region(joined, "d") == "h1 p1 s a d");
  BOOST_TEST(joined.is_chain());

  const Graph shared(spec({dense("h1", "input"), simple("a1", "relu", {"h1"}), dense("h2", "h1"),
                           simple("s", "add", {"a1", "h2"}), dense("out", "s")},
                          "out"));
  BOOST_TEST(neurons(shared) == "h1 s out");
  BOOST_TEST(credit_points(shared) == "h1 s");
  BOOST_TEST(region(shared, "s") == "a1 h2 s");

  // Concat is not elementwise: the neuron stays before it, and the region of what reads it holds it.
  const Graph stacked(spec(
      {dense("h1", "input"), simple("a1", "tanh", {"h1"}), simple("c", "concat", {"a1", "input"}), dense("out", "c")},
      "out"));
  BOOST_TEST(neurons(stacked) == "a1 out");
  BOOST_TEST(region(stacked, "out") == "c out");
  BOOST_TEST(cuts(stacked) == "input c out");
  BOOST_TEST(!stacked.is_chain());

  // An add that reads one node twice has it once among the readers.
  const Graph twice(spec({dense("h1", "input"), simple("s", "add", {"h1", "h1"}), dense("out", "s")}, "out"));
  BOOST_TEST(twice[1].readers.size() == 1u);
  BOOST_TEST(neurons(twice) == "s out");
}

BOOST_AUTO_TEST_CASE(json_round_trip) {
  GraphSpec g = with_skip(3);
  g.nodes.push_back({"late", "dropout", {"logits"}, {{"rate", 0.25}}});
  g.output = "late";
  const Json json = to_json(g);
  const GraphSpec back = graph_spec_from_json(Json::parse(json.dump()));
  BOOST_TEST(to_json(back).dump() == json.dump());
  BOOST_TEST(to_json(Graph(back).spec()).dump() == json.dump());
  const Json small = to_json(spec({dense("logits", "input", 2)}, "logits", {1, 2, 3}));
  BOOST_TEST(small.dump() ==
             R"({"schema":"strata-graph","schema_version":1,"input":[1,2,3],"nodes":[{"name":"logits","type":"dense",)"
             R"("inputs":["input"],"units":2}],"output":"logits"})");
}

BOOST_AUTO_TEST_CASE(bad_json) {
  refused(Json::array(), {"object"});
  refused(Json(3), {"object"});
  for (const std::string key : {"schema", "schema_version", "input", "nodes", "output"}) {
    Json missing = plain_json();
    missing.erase(key);
    refused(missing, {key, "missing"});
  }
  const auto with = [](const std::string& key, Json value) {
    Json json = plain_json();
    json[key] = std::move(value);
    return json;
  };
  refused(with("outputs", "logits"), {"unknown key 'outputs'", "did you mean 'output'"});
  refused(with("comment", "x"), {"unknown key 'comment'", "known: schema"});
  refused(with("schema", "strata-run"), {"schema", "strata-run", "strata-graph"});
  refused(with("schema", 1), {"schema", "string"});
  for (const Json& version : {Json(2), Json("1"), Json(1.5), Json(nullptr)}) {
    refused(with("schema_version", version), {"schema_version", version.dump()});
  }
  for (const char* input : {"784", "[]", "[0]", "[-1]", "[2.5]", "[\"3\"]", "[1,1,1,1,1]", "[1000000000000]",
                            "[100000000,100000000,100000000]", "{}", "null"}) {
    refused(with("input", Json::parse(input)), {"input"});
  }
  for (const char* nodes : {"[]", "{}", "\"h1\"", "null"}) refused(with("nodes", Json::parse(nodes)), {"nodes"});
  refused(with("output", 3), {"output", "3", "string"});
  const auto with_node = [](const char* text) {
    Json json = plain_json();
    json["nodes"][1] = Json::parse(text);
    return json;
  };
  refused(with_node("7"), {"node 2", "object"});
  refused(with_node(R"({"type":"tanh","inputs":["h1"]})"), {"node 2", "name", "missing"});
  refused(with_node(R"({"name":4,"type":"tanh","inputs":["h1"]})"), {"node 2", "name", "4"});
  refused(with_node(R"({"name":"a1","inputs":["h1"]})"), {"node 2", "type", "missing"});
  for (const char* inputs : {"[]", "\"h1\"", "[1]", "null"}) {
    refused(with_node(cat(R"({"name":"a1","type":"tanh","inputs":)", inputs, "}").c_str()), {"node 2", "a1", "inputs"});
  }
  refused(with_node(R"({"name":"a1","type":"tanh"})"), {"node 2", "a1", "inputs"});
  // An attribute that the layer does not have shows when the graph is built, and names the node.
  const GraphSpec extra = graph_spec_from_json(with_node(R"({"name":"a1","type":"tanh","inputs":["h1"],"slope":1})"));
  BOOST_CHECK_EXCEPTION(Graph{extra}, UsageError, says({"'a1'", "unknown attribute 'slope'"}));
}

BOOST_AUTO_TEST_CASE(graph_files) {
  const std::string path =
      (std::filesystem::temp_directory_path() / cat("strata_test_graph_", getpid(), ".json")).string();
  const auto write = [&](const std::string& text) { std::ofstream(path) << text; };
  write(plain_json().dump(2));
  BOOST_TEST(to_json(read_graph_file(path)).dump() == plain_json().dump());
  write(R"({"schema": "strata-graph",, })");
  BOOST_CHECK_EXCEPTION(read_graph_file(path), GraphError, says({path, "not JSON", "line 1"}));
  write(R"({"schema":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}");
  BOOST_CHECK_EXCEPTION(read_graph_file(path), GraphError, says({path, "nested more than 32 deep"}));
  write("");
  BOOST_CHECK_EXCEPTION(read_graph_file(path), GraphError, says({path}));
  write("{}");
  BOOST_CHECK_EXCEPTION(read_graph_file(path), GraphError, says({path, "schema"}));
  std::filesystem::remove(path);
  BOOST_CHECK_EXCEPTION(read_graph_file(path), GraphError, says({path, "cannot be opened"}));
  BOOST_CHECK_THROW(read_graph_file(std::filesystem::temp_directory_path().string()), GraphError);
}
