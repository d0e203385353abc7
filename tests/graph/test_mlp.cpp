// Multi-layer perceptrons from their description, with each way to join a skip; initialisers; the registry.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "framework/core/errors.hpp"
#include "framework/graph/graph.hpp"
#include "framework/graph/registry.hpp"
#include "tests/support/says.hpp"

using namespace strata;
using strata::testing::bytes;
using strata::testing::says;

namespace {

MlpSpec mlp(std::vector<Index> hidden, std::vector<Skip> skips = {}, SkipMode mode = SkipMode::add) {
  MlpSpec s;
  s.input = {20};
  s.hidden = std::move(hidden);
  s.outputs = 10;
  s.skips = std::move(skips);
  s.skip_mode = mode;
  return s;
}

/// "name=type(inputs)[shape]" of every node, in the order written.
std::string described(const MlpSpec& s) {
  const GraphSpec spec = mlp_graph(s);
  const Graph graph(spec);
  std::vector<std::string> all;
  for (const NodeSpec& n : spec.nodes) {
    all.push_back(cat(n.name, "=", n.type, "(", join(n.inputs), ")", to_string(graph[graph.find(n.name)].shape)));
  }
  BOOST_TEST(spec.output == "logits");
  return join(all, " ");
}

double sd(const Matrix& m) { return std::sqrt(m.cast<double>().squaredNorm() / static_cast<double>(m.size())); }

}  // namespace

BOOST_AUTO_TEST_CASE(plain_nets) {
  MlpSpec s = mlp({256, 256, 256});
  s.input = {784};
  BOOST_TEST(described(s) ==
             "h1=dense(input)[256] a1=tanh(h1)[256] h2=dense(a1)[256] a2=tanh(h2)[256] h3=dense(a2)[256] "
             "a3=tanh(h3)[256] logits=dense(a3)[10]");
  const Graph graph(mlp_graph(s));
  BOOST_TEST(graph.parameters() == 784 * 256 + 256 + 2 * (256 * 256 + 256) + 256 * 10 + 10);
  BOOST_TEST(graph.multiply_adds() == 784 * 256 + 2 * 256 * 256 + 256 * 10);
  BOOST_TEST(graph.is_chain());
  BOOST_TEST(described(mlp({})) == "logits=dense(input)[10]");
  BOOST_TEST(described(mlp({5, 7})) ==
             "h1=dense(input)[5] a1=tanh(h1)[5] h2=dense(a1)[7] a2=tanh(h2)[7] logits=dense(a2)[10]");
}

BOOST_AUTO_TEST_CASE(options_of_plain_nets) {
  MlpSpec s = mlp({5});
  s.input = {1, 4, 5};
  s.activation = "relu";
  s.init = "he_uniform";
  s.init_gain = 0.5;
  s.bias = false;
  s.dropout = 0.25;
  BOOST_TEST(described(s) ==
             "flat=flatten(input)[20] h1=dense(flat)[5] a1=relu(h1)[5] d1=dropout(a1)[5] logits=dense(d1)[10]");
  const GraphSpec g = mlp_graph(s);
  BOOST_TEST(g.nodes[1].attributes.dump() == R"({"units":5,"bias":false,"init":"he_uniform","gain":0.5})");
  BOOST_TEST(g.nodes[3].attributes.dump() == R"({"rate":0.25})");
  const Graph graph(g);
  BOOST_TEST(graph.parameters() == 20 * 5 + 5 * 10);
  BOOST_TEST(graph[graph.neuron(graph.find("h1"))].name == "d1");
  BOOST_TEST(graph[graph.find("h1")].params[0].init.gain == 0.5);
}

BOOST_AUTO_TEST_CASE(added_skips) {
  BOOST_TEST(described(mlp({5, 5, 5}, {{1, 3}})) ==
             "h1=dense(input)[5] a1=tanh(h1)[5] h2=dense(a1)[5] a2=tanh(h2)[5] h3=dense(a2)[5] s3=add(h3, a1)[5] "
             "a3=tanh(s3)[5] logits=dense(a3)[10]");
  // Two skips into one layer are one sum.
  BOOST_TEST(described(mlp({5, 5, 5}, {{1, 3}, {2, 3}})).find("s3=add(h3, a1, a2)[5] a3=tanh(s3)") !=
             std::string::npos);
  // A residual around one layer.
  BOOST_TEST(described(mlp({5, 5}, {{1, 2}})).find("h2=dense(a1)[5] s2=add(h2, a1)[5] a2=tanh(s2)") !=
             std::string::npos);
  // Into the output layer, whose sum is what the loss reads.
  BOOST_TEST(described(mlp({10, 7}, {{1, 3}})).find("h3=dense(a2)[10] logits=add(h3, a1)[10]") != std::string::npos);
  // With dropout the skip carries what the next layer sees.
  MlpSpec dropped = mlp({5, 5, 5}, {{1, 3}});
  dropped.dropout = 0.5;
  BOOST_TEST(described(dropped).find("s3=add(h3, d1)[5]") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(projected_skips) {
  const MlpSpec s = mlp({5, 6, 7}, {{1, 3}, {2, 4}}, SkipMode::project);
  BOOST_TEST(described(s) ==
             "h1=dense(input)[5] a1=tanh(h1)[5] h2=dense(a1)[6] a2=tanh(h2)[6] h3=dense(a2)[7] p1_3=dense(a1)[7] "
             "s3=add(h3, p1_3)[7] a3=tanh(s3)[7] h4=dense(a3)[10] p2_4=dense(a2)[10] logits=add(h4, p2_4)[10]");
  const Graph graph(mlp_graph(s));
  BOOST_TEST(graph[graph.find("p1_3")].params.size() == 1u);  // no bias beside h3's
  BOOST_TEST(graph[graph.neuron(graph.find("p1_3"))].name == "a3");
  BOOST_TEST(graph.depth(graph.find("a3")) == 3);
}

BOOST_AUTO_TEST_CASE(concatenated_skips) {
  BOOST_TEST(described(mlp({5, 6, 7}, {{1, 3}, {1, 4}, {2, 4}}, SkipMode::concat)) ==
             "h1=dense(input)[5] a1=tanh(h1)[5] h2=dense(a1)[6] a2=tanh(h2)[6] c3=concat(a2, a1)[11] h3=dense(c3)[7] "
             "a3=tanh(h3)[7] c4=concat(a3, a1, a2)[18] logits=dense(c4)[10]");
}

BOOST_AUTO_TEST_CASE(senseless_skips) {
  const auto refused = [](const MlpSpec& s, std::vector<std::string> parts) {
    BOOST_TEST_CONTEXT(parts[0]) { BOOST_CHECK_EXCEPTION(mlp_graph(s), UsageError, says(parts)); }
  };
  for (const SkipMode mode : {SkipMode::add, SkipMode::project, SkipMode::concat}) {
    refused(mlp({5, 5, 5}, {{3, 1}}, mode), {"--skip 3:1", "forward"});
    refused(mlp({5, 5, 5}, {{2, 2}}, mode), {"--skip 2:2", "forward"});
    refused(mlp({5, 5, 5}, {{0, 2}}, mode), {"--skip 0:2", "1…3", "2…4"});
    refused(mlp({5, 5, 5}, {{1, 5}}, mode), {"--skip 1:5", "1…3", "2…4"});
    refused(mlp({5, 5, 5}, {{4, 5}}, mode), {"--skip 4:5"});
    refused(mlp({5, 5, 5}, {{-1, 2}}, mode), {"--skip -1:2"});
    refused(mlp({5, 5, 5}, {{1, 3}, {1, 2}, {1, 3}}, mode), {"--skip 1:3", "twice"});
    refused(mlp({}, {{1, 2}}, mode), {"--skip 1:2"});
  }
  refused(mlp({5, 0}), {"--hidden", "0 units"});
  MlpSpec nothing = mlp({5});
  nothing.outputs = 0;
  refused(nothing, {"0 outputs"});
}

BOOST_AUTO_TEST_CASE(widths_that_differ) {
  const auto message = [](const MlpSpec& s, std::vector<std::string> parts) {
    BOOST_CHECK_EXCEPTION(mlp_graph(s), ShapeError, says(parts));
  };
  message(mlp({5, 6, 7}, {{1, 3}}),
          {"--skip 1:3", "hidden layer 1", "[5]", "hidden layer 3", "[7]", "--skip-mode project or concat"});
  message(mlp({5, 6}, {{2, 3}}), {"--skip 2:3", "[6]", "output layer", "[10]", "--skip-mode"});
  message(mlp({5, 6}, {{1, 2}}), {"--skip 1:2", "[5]", "[6]"});
}

BOOST_AUTO_TEST_CASE(variances) {
  constexpr Index rows = 300, cols = 200;  // outputs × inputs
  const std::vector<std::pair<std::string, double>> expected = {
      {"xavier", std::sqrt(2.0 / (rows + cols))}, {"he", std::sqrt(2.0 / cols)}, {"lecun", std::sqrt(1.0 / cols)}};
  for (const auto& [kind, base] : expected) {
    for (const double gain : {1.0, 2.5}) {
      for (const std::string form : {"_normal", "_uniform"}) {
        const Initializer init = initializer(kind + form, gain);
        const Matrix w = draw(init, rows, cols, Rng(1, kind + form));
        BOOST_TEST_CONTEXT(kind << form << " gain " << gain) {
          BOOST_TEST(initial_sd(init, rows, cols) == gain * base, boost::test_tools::tolerance(1e-12));
          BOOST_TEST(std::abs(sd(w) / (gain * base) - 1) < 5 / std::sqrt(2.0 * rows * cols));
          BOOST_TEST(std::abs(w.cast<double>().mean()) < 5 * gain * base / std::sqrt(1.0 * rows * cols));
          const double largest = static_cast<double>(w.cwiseAbs().maxCoeff()) / (gain * base);
          if (form == "_uniform") {
            BOOST_TEST(largest < std::sqrt(3.0) + 1e-5);
            BOOST_TEST(largest > 0.999 * std::sqrt(3.0));
          } else {
            BOOST_TEST(largest > 3.5);
          }
        }
      }
    }
  }
  const Matrix normal = draw(Initializer::normal(0.3), rows, cols, Rng(1, "n"));
  BOOST_TEST(std::abs(sd(normal) / 0.3 - 1) < 0.015);
  BOOST_TEST(std::abs(initial_sd(Initializer::normal(0.3), rows, cols) - 0.3) < 1e-12);
  const Matrix uniform = draw(Initializer::uniform_within(0.3), rows, cols, Rng(1, "u"));
  BOOST_TEST(uniform.cwiseAbs().maxCoeff() <= Scalar(0.3) * Scalar(1 + 1e-6));
  BOOST_TEST(uniform.maxCoeff() > Scalar(0.299));
  BOOST_TEST(std::abs(sd(uniform) / initial_sd(Initializer::uniform_within(0.3), rows, cols) - 1) < 0.015);
  BOOST_TEST(draw(initializer("zeros"), 3, 4, Rng(1, "zeros")).norm() == 0);
}

BOOST_AUTO_TEST_CASE(orthogonal_matrices) {
  for (const auto& [rows, cols] : {std::pair<Index, Index>{40, 40}, {60, 25}, {25, 60}, {1, 5}}) {
    const Matrix w = draw(initializer("orthogonal", 1.5), rows, cols, Rng(1, "q"));
    const Eigen::MatrixXd d = w.cast<double>() / 1.5;
    const Eigen::MatrixXd gram = rows <= cols ? Eigen::MatrixXd(d * d.transpose()) : Eigen::MatrixXd(d.transpose() * d);
    BOOST_TEST_CONTEXT(rows << " × " << cols) {
      BOOST_TEST((gram - Eigen::MatrixXd::Identity(gram.rows(), gram.cols())).cwiseAbs().maxCoeff() < 1e-5);
      BOOST_TEST(sd(w) == initial_sd(initializer("orthogonal", 1.5), rows, cols), boost::test_tools::tolerance(1e-5));
    }
  }
  // Uniform over the group: without the sign of R's diagonal the first element would always be negative.
  double sum = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    sum += draw(initializer("orthogonal"), 3, 3, Rng(seed, "q"))(0, 0) > 0 ? 1 : -1;
  }
  BOOST_TEST(std::abs(sum) < 5 * std::sqrt(200.0));
}

BOOST_AUTO_TEST_CASE(initialiser_names) {
  for (const std::string& name : initializer_names()) BOOST_CHECK_NO_THROW(initializer(name));
  BOOST_CHECK_EXCEPTION(initializer("xavier_norml"), UsageError,
                        says({"'xavier_norml'", "did you mean 'xavier_normal'", "orthogonal"}));
  MlpSpec s = mlp({5});
  s.init = "xavier";
  BOOST_CHECK_EXCEPTION(Graph(mlp_graph(s)), UsageError, says({"'xavier'", "xavier_normal"}));
}

BOOST_AUTO_TEST_CASE(registry) {
  const Initializer init = Initializer::normal(1);
  Registry r(7);
  const ParamId w = r.add("h1.weight", "forward", 3, 4, init);
  const ParamId b = r.add_buffer("h1.feedback", "feedback", 3, 4, init);
  const ParamId v = r.add("h2.weight", "forward", 2, 3, init);
  const ParamId i = r.add("inverse/h2.weight", "inverse", 3, 2, init);
  BOOST_TEST(r.size() == 4);
  BOOST_TEST(r.seed() == 7u);
  BOOST_TEST(r.find("h2.weight") == v);
  BOOST_TEST(r[b].group == "feedback");
  BOOST_TEST(!r[b].trainable);
  BOOST_TEST(r[w].trainable);
  const std::vector<ParamId> forward = {w, v}, inverse = {i};
  BOOST_TEST(r.group("forward") == forward, boost::test_tools::per_element());
  BOOST_TEST(r.group("inverse") == inverse, boost::test_tools::per_element());
  BOOST_TEST(r.group("feedback").empty());  // only a buffer
  BOOST_TEST(r.group("none").empty());
  const std::vector<std::string> groups = {"forward", "inverse"};
  BOOST_TEST(r.groups() == groups, boost::test_tools::per_element());
  BOOST_CHECK_EXCEPTION(r.find("h1.wieght"), UsageError, says({"'h1.wieght'", "did you mean 'h1.weight'"}));
  BOOST_CHECK_EXCEPTION(r.add("h1.weight", "other", 1, 1, init), GraphError, says({"'h1.weight'", "twice"}));
  BOOST_CHECK_EXCEPTION(r.add_buffer("h1.weight", "other", 1, 1, init), GraphError, says({"'h1.weight'"}));
  r.value(w).setConstant(5);
  BOOST_TEST(r[w].value(2, 3) == 5);
}

// Equal names start equal for a seed, whatever else is registered: so plain and skip nets share their weights.
BOOST_AUTO_TEST_CASE(starts_depend_on_name_and_seed_alone) {
  const Initializer init = initializer("xavier_normal");
  Registry one(1), other(1), seed(2);
  const ParamId a = one.add("h1.weight", "forward", 8, 9, init);
  other.add("h0.weight", "forward", 3, 3, init);
  const ParamId b = other.add_buffer("h1.weight", "elsewhere", 8, 9, init);
  BOOST_TEST((bytes(one.value(a)) == bytes(other.value(b))));
  BOOST_TEST((bytes(one.value(a)) != bytes(seed.value(seed.add("h1.weight", "forward", 8, 9, init)))));
  BOOST_TEST((bytes(one.value(a)) != bytes(one.value(one.add("h2.weight", "forward", 8, 9, init)))));
}
