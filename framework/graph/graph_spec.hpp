// A network as plain data: what a graph file says, what the command line's options turn into, what the hash covers.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "framework/core/shape.hpp"
#include "framework/layers/window.hpp"

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

enum class SkipMode {
  add,      ///< as it is: shapes must agree
  project,  ///< through weights of its own
  concat,   ///< layer `to` reads it beside its input
  fit       ///< as it is where shapes agree, else through weights
};

/// A hidden layer: dense with `width` units, or a convolution with `width` channels.
struct HiddenLayer {
  Index width;
  std::optional<Window> convolution = {};
  Index pool = 1;  ///< max pooling over so many rows and columns after its activation; 1 for none
};

/// A net of layers one after the other, with skips: a multi-layer perceptron, a LeNet, a residual net.
struct ChainSpec {
  Shape input;
  std::vector<HiddenLayer> hidden;
  Index outputs = 0;
  std::string activation = "tanh";
  std::string init = "xavier_normal";
  double init_gain = 1;
  bool bias = true;
  std::string norm = "none";  ///< before each hidden activation: "batch", "layer", "group" or "none"
  double dropout = 0;         ///< after every hidden activation; 0 for none
  bool global_pool = false;   ///< the output layer reads each channel's mean
  std::vector<Skip> skips;
  SkipMode skip_mode = SkipMode::add;
};

/// The kinds of normalisation that a chain knows.
const std::vector<std::string>& norm_names();

/// The graph of a chain. Layers are h1 … hn and "logits", norms n1 … nn, sums s1 … sn, activations a1 … an, dropout d1 … dn,
/// pooling m1 … mn. A skip takes what the next layer reads (pooled) and joins after the norm. One that goes through weights
/// does so through "p<from>_<to>", a dense layer, or between images a convolution of 1 × 1 with the stride that fits, and its
/// norm "q<from>_<to>". A layer that a norm follows has no bias, which the norm would take away.
/// Throws UsageError on an empty or senseless description, ShapeError when a skip joins shapes that do not fit.
GraphSpec chain_graph(const ChainSpec& chain);

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

/// The chain of dense layers alone.
GraphSpec mlp_graph(const MlpSpec& mlp);

}  // namespace strata
