#include <algorithm>
#include <fstream>

#include "framework/core/errors.hpp"
#include "framework/core/shallow_json.hpp"
#include "framework/graph/graph_spec.hpp"

namespace strata {
namespace {

using Json = nlohmann::ordered_json;

void only_keys(const Json& object, const std::vector<std::string>& known, const std::string& where) {
  for (const auto& item : object.items()) {
    if (std::find(known.begin(), known.end(), item.key()) == known.end()) {
      throw GraphError(cat("graph", where, ": ", unknown_name("key", item.key(), known)));
    }
  }
}

std::string text_at(const Json& object, const char* key, const std::string& where) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) {
    throw GraphError(cat("graph", where, ": '", key, "' is ", found == object.end() ? "missing" : found->dump(),
                         ": expected a string"));
  }
  return found->get<std::string>();
}

}  // namespace

Json to_json(const GraphSpec& spec) {
  Json nodes = Json::array();
  for (const auto& node : spec.nodes) {
    Json j{{"name", node.name}, {"type", node.type}, {"inputs", node.inputs}};
    for (const auto& item : node.attributes.items()) j[item.key()] = item.value();
    nodes.push_back(std::move(j));
  }
  return {{"schema", "strata-graph"},
          {"schema_version", 1},
          {"input", spec.input},
          {"nodes", std::move(nodes)},
          {"output", spec.output}};
}

GraphSpec graph_spec_from_json(const Json& json) {
  if (!json.is_object()) throw GraphError("graph: expected a JSON object");
  only_keys(json, {"schema", "schema_version", "input", "nodes", "output"}, "");
  if (text_at(json, "schema", "") != "strata-graph") {
    throw GraphError(cat("graph: schema is ", json["schema"].dump(), ": expected \"strata-graph\""));
  }
  const auto version = json.find("schema_version");
  if (version == json.end() || !version->is_number_integer() || *version != 1) {
    throw GraphError(cat("graph: schema_version is ", version == json.end() ? "missing" : version->dump(),
                         ": this program reads version 1"));
  }
  GraphSpec spec;
  const auto input = json.find("input");
  const auto extent = [](const Json& e) { return e.is_number_integer() && e >= 1 && e <= 100'000'000; };
  if (input == json.end() || !input->is_array() || input->empty() || input->size() > 4 ||
      !std::all_of(input->begin(), input->end(), extent)) {
    throw GraphError(cat("graph: input is ", input == json.end() ? "missing" : input->dump(),
                         ": expected one to four extents of at least 1, like [784]"));
  }
  spec.input = input->get<Shape>();
  double total = 1;
  for (const Index e : spec.input) total *= static_cast<double>(e);
  if (total > 100'000'000)
    throw GraphError(cat("graph: input is ", input->dump(), ": expected at most 100,000,000 features"));
  spec.output = text_at(json, "output", "");
  const auto nodes = json.find("nodes");
  if (nodes == json.end() || !nodes->is_array() || nodes->empty()) {
    throw GraphError("graph: 'nodes' is missing or empty: expected an array of nodes");
  }
  for (const auto& j : *nodes) {
    const std::string where = cat(": node ", spec.nodes.size() + 1);
    if (!j.is_object()) throw GraphError(cat("graph", where, " is ", j.dump(), ": expected an object"));
    NodeSpec node;
    node.name = text_at(j, "name", where);
    node.type = text_at(j, "type", where);
    const auto inputs = j.find("inputs");
    const bool names = inputs != j.end() && inputs->is_array() && !inputs->empty() &&
                       std::all_of(inputs->begin(), inputs->end(), [](const Json& n) { return n.is_string(); });
    if (!names) throw GraphError(cat("graph", where, " '", node.name, "': 'inputs': expected an array of node names"));
    node.inputs = inputs->get<std::vector<std::string>>();
    for (const auto& item : j.items()) {
      if (item.key() != "name" && item.key() != "type" && item.key() != "inputs") {
        node.attributes[item.key()] = item.value();
      }
    }
    spec.nodes.push_back(std::move(node));
  }
  return spec;
}

GraphSpec read_graph_file(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw GraphError(cat("graph file ", path, ": cannot be opened"));
  Json json;
  try {
    json = parse_shallow<Json>(in);
  } catch (const DataError& e) {
    throw GraphError(cat("graph file ", path, ": ", e.what(), ": expected a graph"));
  } catch (const Json::exception& e) {
    throw GraphError(cat("graph file ", path, ": not JSON: ", e.what()));
  } catch (const std::ios_base::failure&) {
    throw GraphError(cat("graph file ", path, ": cannot be read; is it a folder?"));
  }
  try {
    return graph_spec_from_json(json);
  } catch (const InputError& e) {
    throw GraphError(cat("graph file ", path, ": ", e.what()));
  }
}

}  // namespace strata
