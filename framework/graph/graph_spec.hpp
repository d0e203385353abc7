// A network as plain data: what a graph file says, what the command line's options turn into, what the hash covers.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "framework/core/shape.hpp"

namespace strata {

struct NodeSpec {
  std::string name;
  std::string type;                 ///< a layer type of the catalog
  std::vector<std::string> inputs;  ///< names of nodes, or "input"
  nlohmann::ordered_json attributes = nlohmann::ordered_json::object();
};

struct GraphSpec {
  Shape input;
  std::vector<NodeSpec> nodes;  ///< in any order
  std::string output;           ///< the node the loss and the prediction read
};

/// The JSON form of design section 7 (`strata run --print-graph`).
nlohmann::ordered_json to_json(const GraphSpec& spec);

/// Throws GraphError on anything that is not a graph of schema version 1: unknown keys, wrong types, missing fields.
/// Whether the nodes make a network is for Graph to say.
GraphSpec graph_spec_from_json(const nlohmann::ordered_json& json);

/// Reads a graph file. Throws GraphError naming the file and where the JSON breaks.
GraphSpec read_graph_file(const std::string& path);

/// A skip connection: the output of hidden layer `from` joins the pre-activation of layer `to`; 1 = first hidden layer,
/// hidden layers + 1 = the output layer.
struct Skip {
  int from, to;
};

enum class SkipMode { add, project, concat };

struct MlpSpec {
  Shape input;
  std::vector<Index> hidden;
  Index outputs = 0;
  std::string activation = "tanh";
  std::string init = "xavier_normal";
  double init_gain = 1;
  bool bias = true;
  double dropout = 0;  ///< after every hidden activation; 0 for none
  std::vector<Skip> skips;
  SkipMode skip_mode = SkipMode::add;
};

/// The graph of a multi-layer perceptron. Dense nodes are h1 … hn and "logits", activations a1 … an, sums s1 … sn.
/// Skips by mode: add sums a_from and the pre-activation (widths must agree), project passes a_from through a dense
/// node "p<from>_<to>" first, concat lets layer `to` read [its input; a_from].
/// Throws UsageError on an empty or senseless description, ShapeError when an added skip joins different widths.
GraphSpec mlp_graph(const MlpSpec& mlp);

}  // namespace strata
