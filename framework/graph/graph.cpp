#include "framework/graph/graph.hpp"

#include <algorithm>
#include <map>

#include "framework/core/errors.hpp"

namespace strata {

Graph::Graph(const GraphSpec& spec, const LayerCatalog& layers) : spec_(spec) {
  connect(layers);
  check_connected();
  infer_shapes();
  find_neurons();
}

// Names to ids, in topological order (Kahn), stable in the order given.
void Graph::connect(const LayerCatalog& catalog) {
  std::map<std::string, std::size_t> known;
  for (std::size_t i = 0; i < spec_.nodes.size(); ++i) {
    const std::string& name = spec_.nodes[i].name;
    const auto fine = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-'; };
    if (name.empty() || name == "input" || !std::all_of(name.begin(), name.end(), fine)) {
      throw GraphError(cat("graph: node name '", name, "': expected letters, digits, '_' or '-', and not \"input\""));
    }
    if (!known.emplace(name, i).second) throw GraphError(cat("graph: two nodes are called '", name, "'"));
  }
  std::vector<std::string> names{"input"};
  for (const auto& [name, i] : known) names.push_back(name);
  if (!known.contains(spec_.output))
    throw GraphError(cat("graph: output: ", unknown_name("node", spec_.output, names)));
  for (const auto& node : spec_.nodes) {
    for (const auto& in : node.inputs) {
      if (in != "input" && !known.contains(in)) {
        throw GraphError(cat("graph: node '", node.name, "': input: ", unknown_name("node", in, names)));
      }
    }
  }
  std::map<std::string, NodeId> placed{{"input", 0}};
  nodes_.push_back({"input", nullptr, {}, {}, spec_.input, features(spec_.input), {}});
  std::vector<char> done(spec_.nodes.size(), 0);
  for (std::size_t count = 0; count < spec_.nodes.size(); ++count) {
    std::size_t pick = spec_.nodes.size();
    for (std::size_t i = 0; i < spec_.nodes.size() && pick == spec_.nodes.size(); ++i) {
      const auto& ins = spec_.nodes[i].inputs;
      if (!done[i] && std::all_of(ins.begin(), ins.end(), [&](const auto& n) { return placed.contains(n); })) pick = i;
    }
    if (pick == spec_.nodes.size()) {
      std::vector<std::string> stuck;
      for (std::size_t i = 0; i < done.size(); ++i) {
        if (!done[i]) stuck.push_back(spec_.nodes[i].name);
      }
      throw GraphError(cat("graph: there is a cycle through or before these nodes: ", join(stuck)));
    }
    done[pick] = 1;
    const NodeSpec& s = spec_.nodes[pick];
    Attributes attributes(s.name, s.attributes);
    Node node;
    node.name = s.name;
    node.layer = catalog.at(s.type).make(attributes);
    attributes.finish();
    const auto id = static_cast<NodeId>(nodes_.size());
    for (const auto& in : s.inputs) {
      const NodeId from = placed.at(in);
      node.inputs.push_back(from);
      auto& readers = nodes_[static_cast<std::size_t>(from)].readers;
      if (readers.empty() || readers.back() != id) readers.push_back(id);
    }
    placed[s.name] = id;
    nodes_.push_back(std::move(node));
  }
  output_ = placed.at(spec_.output);
}

void Graph::check_connected() const {
  std::vector<char> reaches(nodes_.size(), 0);
  reaches[static_cast<std::size_t>(output_)] = 1;
  for (NodeId id = size() - 1; id >= 0; --id) {
    for (const NodeId r : (*this)[id].readers) {
      if (reaches[static_cast<std::size_t>(r)]) reaches[static_cast<std::size_t>(id)] = 1;
    }
  }
  // Every node has inputs, so the input reaches all of them; what may be missing is the way to the output. Nodes that
  // read the output are among these.
  std::vector<std::string> lost;
  for (NodeId id = 0; id < size(); ++id) {
    if (!reaches[static_cast<std::size_t>(id)]) lost.push_back((*this)[id].name);
  }
  if (!lost.empty()) {
    throw GraphError(cat("graph: disconnected: the output '", spec_.output, "' cannot be reached from: ", join(lost)));
  }
}

void Graph::infer_shapes() {
  for (NodeId id = 1; id < size(); ++id) {
    Node& node = nodes_[static_cast<std::size_t>(id)];
    std::vector<Shape> in;
    std::string inputs;
    for (const NodeId i : node.inputs) {
      in.push_back((*this)[i].shape);
      inputs += cat(inputs.empty() ? "" : ", ", (*this)[i].name, " ", to_string((*this)[i].shape));
    }
    try {
      node.shape = node.layer->infer(in);
    } catch (const ShapeError& e) {
      throw ShapeError(cat("graph: node '", node.name, "' (inputs ", inputs, "): ", e.what()));
    }
    node.units = features(node.shape);
    // Far more than any memory holds, and few enough for sums and products of sizes to stay in range.
    if (node.units > 100'000'000) {
      throw ShapeError(cat("graph: node '", node.name, "': ", node.units, " units: expected at most 100,000,000"));
    }
    node.params = node.layer->params(in);
    if (auto bound = node.layer->bound(in)) node.layer = std::move(bound);
  }
}

void Graph::find_neurons() {
  depth_.assign(nodes_.size(), 0);
  neuron_.assign(nodes_.size(), -1);
  is_credit_.assign(nodes_.size(), 0);
  for (NodeId id = 1; id < size(); ++id) {
    int deepest = 0;
    for (const NodeId in : (*this)[id].inputs) deepest = std::max(deepest, depth(in));
    const bool layer = !(*this)[id].params.empty() && (deepest == 0 || !(*this)[id].layer->keeps_units());
    depth_[static_cast<std::size_t>(id)] = deepest + (layer ? 1 : 0);
    if (!layer) continue;
    layers_.push_back(id);
    NodeId top = id;
    while ((*this)[top].readers.size() == 1 && (*this)[(*this)[top].readers[0]].layer->keeps_units()) {
      top = (*this)[top].readers[0];
    }
    neuron_[static_cast<std::size_t>(id)] = top;
    if (top != output_) is_credit_[static_cast<std::size_t>(top)] = 1;
  }
  if (layers_.empty()) throw GraphError("graph: no node has parameters: there is nothing to train");
  for (NodeId id = 0; id < size(); ++id) {
    if (is_credit_point(id)) credit_points_.push_back(id);
  }
}

NodeId Graph::find(const std::string& name) const {
  std::vector<std::string> known;
  for (NodeId id = 0; id < size(); ++id) {
    if ((*this)[id].name == name) return id;
    known.push_back((*this)[id].name);
  }
  throw GraphError(cat("graph: ", unknown_name("node", name, known)));
}

bool Graph::is_cut(NodeId id) const {
  // With `id` taken out, can the output still be reached?
  std::vector<char> reached(nodes_.size(), 0);
  reached[0] = id != 0;
  for (NodeId n = 1; n < size(); ++n) {
    for (const NodeId in : (*this)[n].inputs) {
      if (n != id && reached[static_cast<std::size_t>(in)]) reached[static_cast<std::size_t>(n)] = 1;
    }
  }
  return !reached[static_cast<std::size_t>(output_)];
}

std::vector<NodeId> Graph::region(NodeId point) const {
  std::vector<char> inside(nodes_.size(), 0);
  inside[static_cast<std::size_t>(point)] = 1;
  std::vector<NodeId> nodes;
  for (NodeId id = point; id > 0; --id) {
    if (!inside[static_cast<std::size_t>(id)]) continue;
    nodes.push_back(id);
    for (const NodeId in : (*this)[id].inputs) {
      if (in != 0 && !is_credit_point(in)) inside[static_cast<std::size_t>(in)] = 1;
    }
  }
  std::reverse(nodes.begin(), nodes.end());
  return nodes;
}

std::vector<NodeId> Graph::after(NodeId node) const {
  std::vector<char> depends(nodes_.size(), 0);
  depends[static_cast<std::size_t>(node)] = 1;
  std::vector<NodeId> nodes;
  for (NodeId id = node; id < size(); ++id) {
    if (!depends[static_cast<std::size_t>(id)]) continue;
    if (id != node) nodes.push_back(id);
    for (const NodeId r : (*this)[id].readers) depends[static_cast<std::size_t>(r)] = 1;
  }
  return nodes;
}

NodeId Graph::first_uncut() const {
  for (const NodeId id : credit_points_) {
    if (!is_cut(id)) return id;
  }
  return -1;
}

bool Graph::is_chain() const { return first_uncut() < 0; }

double Graph::multiply_adds() const {
  double sum = 0;
  for (NodeId id = 1; id < size(); ++id) {
    std::vector<Shape> in;
    for (const NodeId i : (*this)[id].inputs) in.push_back((*this)[i].shape);
    sum += (*this)[id].layer->multiply_adds(in);
  }
  return sum;
}

double Graph::parameters() const {
  double sum = 0;
  for (const Node& node : nodes_) {
    for (const ParamSpec& p : node.params) sum += static_cast<double>(p.rows) * static_cast<double>(p.cols);
  }
  return sum;
}

}  // namespace strata
