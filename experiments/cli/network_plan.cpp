#include "experiments/cli/network_plan.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "framework/core/errors.hpp"
#include "framework/graph/architectures.hpp"
#include "framework/layers/activation.hpp"

namespace strata::cli {
namespace {

std::vector<Index> parse_hidden(const std::string& text) {
  std::vector<Index> hidden;
  for (const std::string& item : split_text(text, ',')) {
    const auto parts = split_text(item, 'x');
    if (parts.empty() || parts.size() > 2) {
      throw UsageError(cat("--hidden = '", text, "': expected widths like 256,128 or WIDTHxDEPTH like 256x5"));
    }
    const long long width = parse_integer("--hidden", parts[0]);
    const long long times = parts.size() == 2 ? parse_integer("--hidden", parts[1]) : 1;
    if (width < 1 || width > 1'000'000) throw UsageError(cat("--hidden: width ", width, ": expected 1 to 1000000"));
    if (times < 1 || times > 10'000) throw UsageError(cat("--hidden: depth ", times, ": expected 1 to 10000"));
    if (hidden.size() + static_cast<std::size_t>(times) > 10'000) {
      throw UsageError("--hidden: expected at most 10000 layers in all");
    }
    hidden.insert(hidden.end(), static_cast<std::size_t>(times), static_cast<Index>(width));
  }
  return hidden;
}

std::vector<Skip> parse_skips(const std::string& text) {
  std::vector<Skip> skips;
  if (text == "none") return skips;
  for (const std::string& item : split_text(text, ',')) {
    const auto ends = split_text(item, ':');
    if (ends.size() != 2) throw UsageError(cat("--skip = '", text, "': expected FROM:TO pairs like 1:4,2:5"));
    const auto end = [&](const std::string& t) {
      const long long value = parse_integer("--skip", t);
      if (value < 0 || value > 100'000)
        throw UsageError(cat("--skip: layer ", value, ": expected 1 to the number of layers"));
      return static_cast<int>(value);
    };
    skips.push_back({end(ends[0]), end(ends[1])});
  }
  return skips;
}

const std::vector<std::string> skip_modes = {"add", "project", "concat", "fit"};

SkipMode parse_skip_mode(const std::string& text) {
  if (text == "add") return SkipMode::add;
  if (text == "project") return SkipMode::project;
  if (text == "concat") return SkipMode::concat;
  if (text == "fit") return SkipMode::fit;
  throw UsageError(cat("--skip-mode: ", unknown_name("mode", text, skip_modes)));
}

const std::string except = "except";

bool is_graph_file(const std::string& name) { return name.size() > 5 && name.ends_with(".json"); }

// The network options as they apply to one network: those of its INI section over the plain ones.
Values of_network(const Values& values, const std::string& name) {
  std::map<std::string, std::string> given;
  std::vector<std::string> known{except};
  for (const OptionDef& o : network_options()) {
    known.push_back(o.name);
    if (values.given(o.name)) given[o.name] = values.text(o.name);
  }
  const std::string prefix = "network." + name + ".";
  for (const auto& [key, value] : values.others()) {
    if (key.rfind(prefix, 0) != 0) continue;
    const std::string option = key.substr(prefix.size());
    if (option == except) continue;  // says nothing of the graph
    if (std::find(known.begin(), known.end(), option) == known.end()) {
      throw UsageError(cat("[network.", name, "] ", unknown_name("option", option, known)));
    }
    given[option] = value;
  }
  return {network_options(), given};
}

std::set<std::string> ini_networks(const Values& values) {
  std::set<std::string> names;
  for (const auto& [key, value] : values.others()) {
    if (key.rfind("network.", 0) == 0) names.insert(key.substr(8, key.rfind('.') - 8));
  }
  return names;
}

const char* const perceptron = "mlp";

std::vector<std::string> architecture_names() {
  std::vector<std::string> names{perceptron};
  const auto known = architectures();
  for (const Architecture& a : known.entries()) names.push_back(a.name);
  return names;
}

bool is_architecture(const std::string& name) {
  const auto names = architecture_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The architecture with what was given in place of its own.
ChainSpec chain_of(const Values& v, const std::string& architecture, const Shape& input, Index classes) {
  ChainSpec chain;
  const bool mlp = architecture == perceptron;
  if (mlp) {
    chain.input = {features(input)};
    chain.outputs = classes;
    for (const Index width : parse_hidden(v.text("hidden"))) chain.hidden.push_back({width});
  } else {
    if (v.given("hidden"))
      throw UsageError(cat("--hidden has no effect on the network ", architecture, "; leave it out"));
    chain = architectures().at(architecture).make(input, classes);
  }
  const auto counts = [&](const char* option) { return mlp || v.given(option); };
  if (counts("activation")) chain.activation = v.text("activation");
  const auto& activations = activation_names();
  if (std::find(activations.begin(), activations.end(), chain.activation) == activations.end()) {
    throw UsageError(cat("--activation: ", unknown_name("activation", chain.activation, activations)));
  }
  if (counts("init")) chain.init = v.text("init");
  if (counts("init-gain")) chain.init_gain = v.real("init-gain", 1e-6, 1e6);
  if (counts("bias")) chain.bias = v.flag("bias");
  if (counts("norm")) chain.norm = v.text("norm");
  if (counts("dropout")) chain.dropout = v.real("dropout", 0, 0.999);
  if (counts("skip")) chain.skips = parse_skips(v.text("skip"));
  if (counts("skip-mode")) chain.skip_mode = parse_skip_mode(v.text("skip-mode"));
  return chain;
}

}  // namespace

std::vector<OptionDef> network_options() {
  return {{"architecture",
           perceptron,
           "NAME",
           "what the options below describe or change: " + join(architecture_names()),
           {.names = architecture_names()}},
          {"hidden", "256x5", "WIDTHS", "hidden layers: 256x5 = 256,256,256,256,256; empty = a linear model"},
          {"activation", "tanh", "NAME", join(activation_names()), {.names = activation_names()}},
          {"init",
           "xavier_normal",
           "NAME",
           "xavier_, he_, lecun_ with normal or uniform; orthogonal; zeros",
           {.names = initializer_names()}},
          {"init-gain", "1", "X", "factor on the initial weights"},
          {"bias", "true", "BOOL", "whether dense layers have biases", {.names = {"true", "false"}}},
          {"dropout", "0", "RATE", "dropout after every hidden activation"},
          {"norm",
           "none",
           "KIND",
           "normalisation before every hidden activation: " + join(norm_names()),
           {.names = norm_names()}},
          {"skip", "", "FROM:TO,…", "output of hidden layer FROM joins the pre-activation of layer TO; none"},
          {"skip-mode",
           "add",
           "MODE",
           "how: add, project (through weights), fit (through weights where shapes differ) or concat",
           {.names = skip_modes}}};
}

std::string network_slug(const std::string& name) {
  std::string stem = is_graph_file(name) ? std::filesystem::path(name).stem().string() : name;
  for (char& c : stem) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_') c = '_';
  }
  return stem.empty() ? "net" : stem;
}

std::vector<std::string> excepted_rules(const Values& values, const std::string& name) {
  const auto& others = values.others();
  const auto found = others.find(cat("network.", name, ".", except));
  return found == others.end() ? std::vector<std::string>{} : split_text(found->second, ',');
}

void check_network(const Values& values, const std::string& name) {
  if (ini_networks(values).contains(name)) of_network(values, name);
}

Graph plan_graph(const Program& program, const Values& values, const std::string& name, const Shape& input,
                 Index classes, const Normalization& normalization) {
  GraphSpec spec;
  const Values v = of_network(values, name);
  if (is_graph_file(name)) {
    for (const OptionDef& o : network_options()) {
      if (v.given(o.name))
        throw UsageError(cat("--", o.name, " has no effect on the graph file ", name, "; leave it out"));
    }
    spec = read_graph_file(name);
  } else {
    const auto sections = ini_networks(values);
    if (!is_architecture(name) && !sections.contains(name)) {
      std::vector<std::string> known(sections.begin(), sections.end());
      for (const std::string& a : architecture_names()) known.push_back(a);
      throw UsageError(cat("--network: ", unknown_name("network", name, known),
                           "; or a graph file ending in .json, or a section [network.", name,
                           "] in the --config file"));
    }
    const bool named = !v.given("architecture") && is_architecture(name);
    spec = chain_graph(chain_of(v, named ? name : v.text("architecture"), input, classes));
  }
  if (!normalization.mean.empty()) {
    for (NodeSpec& node : spec.nodes) {
      for (auto& in : node.inputs) {
        if (in == "input") in = "normalized";
      }
    }
    spec.nodes.insert(spec.nodes.begin(),
                      {"normalized", "normalize", {"input"}, {{"mean", normalization.mean}, {"sd", normalization.sd}}});
  }
  try {
    return Graph(spec, program.layers);  // whatever is wrong with it is said here
  } catch (const InputError& e) {
    if (!is_graph_file(name)) throw;
    throw GraphError(cat("graph file ", name, ": ", e.what()));
  }
}

}  // namespace strata::cli
