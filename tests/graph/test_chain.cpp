// Chains with convolutions, norms and pooling; the networks that are known by name.
#include <boost/test/unit_test.hpp>

#include "framework/core/errors.hpp"
#include "framework/graph/architectures.hpp"
#include "framework/graph/graph.hpp"
#include "tests/support/says.hpp"

using namespace strata;
using strata::testing::says;

namespace {

ChainSpec named(const std::string& name, const Shape& image = {1, 28, 28}) {
  const auto known = architectures();
  return known.at(name).make(image, 10);
}

/// "name=type(inputs)[shape]" of every node, in the order written.
std::string described(const ChainSpec& chain) {
  const GraphSpec spec = chain_graph(chain);
  const Graph graph(spec);
  std::vector<std::string> all;
  for (const NodeSpec& n : spec.nodes) {
    all.push_back(cat(n.name, "=", n.type, "(", join(n.inputs), ")", to_string(graph[graph.find(n.name)].shape)));
  }
  return join(all, " ");
}

std::string node_of(const ChainSpec& chain, const std::string& name) {
  for (const NodeSpec& n : chain_graph(chain).nodes) {
    if (n.name == name) return cat(n.type, "(", join(n.inputs), ")", n.attributes.dump());
  }
  return "not there";
}

void check_refused(const ChainSpec& chain, const std::vector<std::string>& parts) {
  BOOST_CHECK_EXCEPTION(chain_graph(chain), InputError, says(parts));
}

}  // namespace

BOOST_AUTO_TEST_CASE(lenet) {
  BOOST_TEST(described(named("lenet")) ==
             "h1=conv2d(input)[6, 28, 28] a1=relu(h1)[6, 28, 28] m1=max_pool(a1)[6, 14, 14] h2=conv2d(m1)[16, 10, 10] "
             "a2=relu(h2)[16, 10, 10] m2=max_pool(a2)[16, 5, 5] h3=conv2d(m2)[120, 1, 1] a3=relu(h3)[120, 1, 1] "
             "flat=flatten(a3)[120] h4=dense(flat)[84] a4=relu(h4)[84] logits=dense(a4)[10]");
  BOOST_TEST(node_of(named("lenet"), "h1") ==
             R"(conv2d(input){"channels":6,"size":5,"padding":2,"bias":true,"init":"he_normal"})");
  const Graph graph(chain_graph(named("lenet")));
  // LeCun et al. count 61,706 with all maps connected.
  BOOST_TEST(graph.parameters() == 61706);
  BOOST_TEST(graph.is_chain());
  BOOST_TEST(graph.layers().size() == 5u);
  BOOST_TEST(graph[graph.credit_points()[0]].name == "a1");
  // 32 × 32 as it comes, and with the padding of smaller images the same net.
  BOOST_TEST(Graph(chain_graph(named("lenet", {1, 32, 32}))).parameters() == 61706);
  BOOST_TEST(Graph(chain_graph(named("lenet", {3, 30, 26}))).parameters() == 61706 + 2 * 6 * 25);
  for (const Shape& image : {Shape{1, 34, 28}, Shape{1, 28, 27}}) {
    BOOST_CHECK_EXCEPTION(named("lenet", image), ShapeError, says({"'lenet'", to_string(image), "up to 32"}));
  }
  BOOST_CHECK_EXCEPTION(named("lenet", {784}), ShapeError, says({"'lenet'", "images", "[784]"}));
}

BOOST_AUTO_TEST_CASE(residual_nets) {
  const ChainSpec resnet = named("resnet8", {3, 32, 32});
  const Graph graph(chain_graph(resnet));
  BOOST_TEST(graph.layers().size() == 10u);  // seven convolutions, two projections, the output
  BOOST_TEST(graph.depth(graph.output()) == 8);
  BOOST_TEST(!graph.is_chain());
  // 3→16; 16→16 twice; 16→32, 32→32, 1 × 1; 32→64, 64→64, 1 × 1; norms; 64→10
  const double weights = 9 * (3 * 16 + 2 * 16 * 16 + 16 * 32 + 32 * 32 + 32 * 64 + 64 * 64) + 16 * 32 + 32 * 64 + 650;
  BOOST_TEST(graph.parameters() == weights + 4 * (3 * 16 + 3 * 32 + 3 * 64));  // norms have buffers too
  BOOST_TEST(node_of(resnet, "s3") == "add(n3, a1){}");
  BOOST_TEST(node_of(resnet, "s5") == "add(n5, q3_5){}");
  BOOST_TEST(node_of(resnet, "p3_5") ==
             R"(conv2d(a3){"channels":32,"size":1,"stride":2,"bias":false,"init":"he_normal"})");
  BOOST_TEST(node_of(resnet, "q3_5") == "batch_norm(p3_5){}");
  BOOST_TEST(node_of(resnet, "h2") ==
             R"(conv2d(a1){"channels":16,"size":3,"padding":1,"bias":false,"init":"he_normal"})");
  BOOST_TEST(node_of(resnet, "pooled") == "global_average_pool(a7){}");
  // A norm belongs to the layer before it.
  BOOST_TEST(graph[graph.neuron(graph.find("h2"))].name == "a2");
  BOOST_TEST(graph[graph.neuron(graph.find("h3"))].name == "a3");

  ChainSpec plain = resnet;
  plain.skips.clear();
  const Graph without(chain_graph(plain));
  BOOST_TEST(without.is_chain());
  BOOST_TEST(without.parameters() == graph.parameters() - 16 * 32 - 32 * 64 - 4 * (32 + 64));

  const Graph deep(chain_graph(named("resnet20", {3, 32, 32})));
  BOOST_TEST(deep.depth(deep.output()) == 20);
  BOOST_TEST(deep.layers().size() == 22u);
}

BOOST_AUTO_TEST_CASE(small_convolutional_net_and_its_skips) {
  ChainSpec chain = named("smallconv");
  BOOST_TEST(described(chain) ==
             "h1=conv2d(input)[16, 28, 28] a1=relu(h1)[16, 28, 28] h2=conv2d(a1)[16, 28, 28] a2=relu(h2)[16, 28, 28] "
             "m2=max_pool(a2)[16, 14, 14] h3=conv2d(m2)[32, 14, 14] a3=relu(h3)[32, 14, 14] h4=conv2d(a3)[32, 14, 14] "
             "a4=relu(h4)[32, 14, 14] m4=max_pool(a4)[32, 7, 7] flat=flatten(m4)[1568] logits=dense(flat)[10]");
  // What a skip takes is what the next layer reads.
  chain.skips = {{1, 4}};
  check_refused(chain, {"--skip 1:4", "[16, 28, 28]", "[32, 14, 14]", "equal shapes", "fit"});
  chain.skip_mode = SkipMode::fit;
  BOOST_TEST(node_of(chain, "p1_4") ==
             R"(conv2d(a1){"channels":32,"size":1,"stride":2,"bias":false,"init":"he_normal"})");
  chain.skips = {{1, 2}};
  BOOST_TEST(node_of(chain, "s2") == "add(h2, a1){}");
  chain.skip_mode = SkipMode::project;
  BOOST_TEST(node_of(chain, "s2") == "add(h2, p1_2){}");
  chain.skips = {{2, 4}};
  BOOST_TEST(node_of(chain, "p2_4") == R"(conv2d(m2){"channels":32,"size":1,"bias":false,"init":"he_normal"})");
  chain.skips = {{4, 5}};
  BOOST_TEST(node_of(chain, "p4_5") == R"(dense(f4_5){"units":10,"bias":false,"init":"he_normal"})");
  chain.skip_mode = SkipMode::concat;
  check_refused(chain, {"--skip 4:5", "concat", "flat"});
}

BOOST_AUTO_TEST_CASE(norms_in_perceptrons) {
  ChainSpec chain;
  chain.input = {6};
  chain.hidden = {{16}, {5}};
  chain.outputs = 3;
  chain.norm = "batch";
  BOOST_TEST(described(chain) ==
             "h1=dense(input)[16] n1=batch_norm(h1)[16] a1=tanh(n1)[16] h2=dense(a1)[5] "
             "n2=batch_norm(h2)[5] a2=tanh(n2)[5] logits=dense(a2)[3]");
  BOOST_TEST(node_of(chain, "h1") == R"(dense(input){"units":16,"bias":false,"init":"xavier_normal"})");
  BOOST_TEST(node_of(chain, "logits") == R"(dense(a2){"units":3,"bias":true,"init":"xavier_normal"})");
  chain.norm = "group";
  BOOST_TEST(node_of(chain, "n1") == R"(group_norm(h1){"groups":2})");
  BOOST_TEST(node_of(chain, "n2") == R"(group_norm(h2){"groups":1})");
  chain.norm = "bacth";
  check_refused(chain, {"--norm", "'bacth'", "did you mean 'batch'"});
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_named) {
  ChainSpec chain;
  chain.input = {6};
  chain.outputs = 3;
  chain.hidden = {{4, Window{{3, 3}}}};
  check_refused(chain, {"hidden layer 1", "convolution", "[6]"});
  chain.input = {1, 5, 5};
  chain.hidden = {{4}, {4, Window{{3, 3}}}};
  check_refused(chain, {"hidden layer 2", "convolution", "[4]"});
  chain.hidden = {{4, Window{{3, 3}}, 4}};
  check_refused(chain, {"max_pool", "4×4", "3×3"});
  chain.hidden = {{4, Window{{3, 3}, {1, 1}, {1, 1}}}, {4}, {4, Window{{7, 7}}}};
  check_refused(chain, {"hidden layer 3"});
  // An output of 4 × 4 from 5 × 5: no stride.
  chain.hidden = {{4, Window{{3, 3}, {1, 1}, {1, 1}}}, {4, Window{{2, 2}}}};
  chain.skips = {{1, 2}};
  chain.skip_mode = SkipMode::fit;
  check_refused(chain, {"--skip 1:2", "[4, 5, 5]", "[4, 4, 4]", "no stride"});
}
