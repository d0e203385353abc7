#include "experiments/cli/plan.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include "datasets/normalize.hpp"
#include "experiments/cli/data_source.hpp"
#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"
#include "framework/layers/activation.hpp"
#include "framework/losses/loss.hpp"

namespace strata::cli {
namespace {

using Json = nlohmann::ordered_json;

const std::vector<std::string> optimizer_keys = {"optimizer", "lr",      "momentum", "beta1",
                                                 "beta2",     "epsilon", "alpha",    "weight-decay"};

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

const std::vector<std::string> skip_modes = {"add", "project", "concat"};

SkipMode parse_skip_mode(const std::string& text) {
  if (text == "add") return SkipMode::add;
  if (text == "project") return SkipMode::project;
  if (text == "concat") return SkipMode::concat;
  throw UsageError(cat("--skip-mode: ", unknown_name("mode", text, skip_modes)));
}

bool is_graph_file(const std::string& name) { return name.size() > 5 && name.substr(name.size() - 5) == ".json"; }

std::string slug(const std::string& name) {
  std::string stem = is_graph_file(name) ? std::filesystem::path(name).stem().string() : name;
  for (char& c : stem) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_') c = '_';
  }
  return stem.empty() ? "net" : stem;
}

Json to_json(const OptimizerSpec& s) {
  return {{"name", s.name},   {"lr", s.lr},           {"momentum", s.momentum}, {"beta1", s.beta1},
          {"beta2", s.beta2}, {"epsilon", s.epsilon}, {"alpha", s.alpha},       {"weight_decay", s.weight_decay}};
}

std::string hash_of(Json config, bool with_epochs) {
  if (!with_epochs) config.erase("epochs");
  char text[9];
  const std::uint64_t h = stable_hash(config.dump());
  std::snprintf(text, sizeof text, "%08x", static_cast<unsigned>(h ^ (h >> 32)));
  return text;
}

// The network options as they apply to one network: those of its INI section over the plain ones.
Values of_network(const Values& values, const std::string& name) {
  std::map<std::string, std::string> given;
  std::vector<std::string> known;
  for (const OptionDef& o : network_options()) {
    known.push_back(o.name);
    if (values.given(o.name)) given[o.name] = values.text(o.name);
  }
  const std::string prefix = "network." + name + ".";
  for (const auto& [key, value] : values.others()) {
    if (key.rfind(prefix, 0) != 0) continue;
    const std::string option = key.substr(prefix.size());
    if (std::find(known.begin(), known.end(), option) == known.end()) {
      throw UsageError(cat("[network.", name, "] ", unknown_name("option", option, known)));
    }
    given[option] = value;
  }
  return {network_options(), given};
}

// "0,2,last" as epochs, ascending; "none" as none.
std::vector<int> parse_snapshots(const Values& values, int epochs) {
  const std::string& text = values.text("snapshots");
  std::set<int> wanted;
  if (text == "none") return {};
  const auto items = values.list("snapshots");
  if (items.empty()) throw UsageError("--snapshots: expected epochs like 0,2,last, or none");
  for (const std::string& item : items) {
    if (item == "last") {
      wanted.insert(epochs);
      continue;
    }
    if (item.find_first_not_of("0123456789") != std::string::npos) {
      throw UsageError(cat("--snapshots: '", item, "': expected an epoch, or last; none alone for none"));
    }
    const long long epoch = parse_integer("--snapshots", item);
    if (epoch > epochs) {
      throw UsageError(cat("--snapshots: epoch ", item, " is beyond the end: expected 0 to ", epochs, " (--epochs)"));
    }
    wanted.insert(static_cast<int>(epoch));
  }
  return {wanted.begin(), wanted.end()};
}

std::set<std::string> ini_networks(const Values& values) {
  std::set<std::string> names;
  for (const auto& [key, value] : values.others()) {
    if (key.rfind("network.", 0) == 0) names.insert(key.substr(8, key.rfind('.') - 8));
  }
  return names;
}

// The graph that the network options describe, for data of this shape. `name` is an entry of --networks ([network.NAME]
// of the INI file), "mlp", or a graph file.
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
    if (name != "mlp" && !sections.contains(name)) {
      std::vector<std::string> known(sections.begin(), sections.end());
      known.emplace_back("mlp");
      throw UsageError(cat("--network: ", unknown_name("network", name, known),
                           "; or a graph file ending in .json, or a section [network.", name,
                           "] in the --config file"));
    }
    MlpSpec mlp;
    mlp.input = {features(input)};
    mlp.outputs = classes;
    mlp.hidden = parse_hidden(v.text("hidden"));
    mlp.activation = v.text("activation");
    const auto& activations = activation_names();
    if (std::find(activations.begin(), activations.end(), mlp.activation) == activations.end()) {
      throw UsageError(cat("--activation: ", unknown_name("activation", mlp.activation, activations)));
    }
    mlp.init = v.text("init");
    mlp.init_gain = v.real("init-gain", 1e-6, 1e6);
    mlp.bias = v.flag("bias");
    mlp.dropout = v.real("dropout", 0, 0.999);
    mlp.skips = parse_skips(v.text("skip"));
    mlp.skip_mode = parse_skip_mode(v.text("skip-mode"));
    spec = mlp_graph(mlp);
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

struct Asked {
  std::string unsupported;  // why the rule cannot train the network; "" if it can
  int walks = 1;            // over the training set in an epoch
};

// What a rule says of a network. One that breaks down here is left out like one that cannot train it.
Asked ask(const RuleEntry& entry, const Options& options, const Graph& graph, const Loss& loss) {
  try {
    const auto rule = entry.make(options);
    if (!rule) return {"its entry makes no rule"};
    return {rule->unsupported(graph, loss), walks(rule->schedule().epoch)};
  } catch (const Error&) {
    throw;  // of its options
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    return {cat("it threw: ", e.what())};
  } catch (...) {
    return {"it threw what is no std::exception"};
  }
}

}  // namespace

void RunPlan::rehash() { hash = hash_of(config, depends_on_total_epochs(settings.schedule)); }
std::string RunPlan::stem() const { return cat(rule, "-", network, "-s", seed, "-", hash); }

std::vector<OptionDef> network_options() {
  return {{"hidden", "256x5", "WIDTHS", "hidden layers: 256x5 = 256,256,256,256,256; empty = a linear model"},
          {"activation", "tanh", "NAME", join(activation_names()), {.names = activation_names()}},
          {"init",
           "xavier_normal",
           "NAME",
           "xavier_, he_, lecun_ with normal or uniform; orthogonal; zeros",
           {.names = initializer_names()}},
          {"init-gain", "1", "X", "factor on the initial weights"},
          {"bias", "true", "BOOL", "whether dense layers have biases", {.names = {"true", "false"}}},
          {"dropout", "0", "RATE", "dropout after every hidden activation"},
          {"skip", "", "FROM:TO,…", "output of hidden layer FROM joins the pre-activation of layer TO"},
          {"skip-mode", "add", "MODE", "how: add, project (through weights) or concat", {.names = skip_modes}}};
}

std::vector<OptionDef> training_options() {
  return {{"epochs", "10", "N", "epochs to train"},
          {"batch", "128", "N", "examples a mini-batch"},
          {"loss", "cross_entropy", "NAME", join(loss_names()), {.names = loss_names()}},
          {"optimizer",
           "",
           "NAME",
           "for every rule's forward weights; by default each rule's own",
           {.names = names_in(optimizer_catalog())}},
          {"lr", "", "X", "learning rate of every rule; by default each rule's own"},
          {"momentum", "", "X", "of momentum, nesterov and rmsprop"},
          {"beta1", "", "X", "of adam and adamw"},
          {"beta2", "", "X", "of adam and adamw"},
          {"epsilon", "", "X", "of adam, adamw and rmsprop"},
          {"alpha", "", "X", "of rmsprop"},
          {"weight-decay", "", "X", "weight decay of every rule"},
          {"schedule",
           "constant",
           "SPEC",
           "learning rate over time: constant, step:50,75:0.1 or cosine",
           {.names = {"constant", "step:", "cosine"}}},
          {"warmup", "0", "EPOCHS", "linear warm-up ahead of the schedule"},
          {"clip-norm", "0", "X", "clip a step's gradients to this global norm; 0 = off"},
          {"clip-value", "0", "X", "clip every gradient element to ±X; 0 = off"},
          {"probe", "256", "N", "training examples on which the layer measures are taken"}};
}

OptionDef data_option() {
  return {"data", "", "PATH", "where the data lies; by default where Debian's package puts it", {.files = "*"}};
}

std::vector<OptionDef> data_options() {
  return {{"dataset",
           "fashion-mnist",
           "NAME",
           "see `strata list datasets`; or an HDF5 file FILE.h5",
           {.files = "*.h5", .datasets = true}},
          data_option(),
          {"validation", "5000", "N", "training examples kept for validation"},
          {"split-seed", "0", "N", "which ones: one split for all seeds"},
          {"normalize",
           "none",
           "HOW",
           "none (pixels stay 0–1), global or feature: the graph's first node",
           {.names = normalization_names()}}};
}

std::vector<OptionDef> analysis_options() {
  return {{"snapshots", "0,last", "EPOCHS", "epochs at which the hierarchy is analysed: 0,2,5,last; or none"},
          {"neurons", "32", "N", "neurons sampled in each layer for it; or all"},
          {"examples", "64", "N", "validation examples it looks at"},
          {"k", "5", "N", "strongest sources of a neuron"},
          {"permuted", "0", "N", "draws of the null with permuted weights"},
          {"ablate", "", "", "also hold each strongest source at its mean, as a causal check"}};
}

AnalysisSettings analysis_settings(const Values& values, Index validation_examples) {
  AnalysisSettings settings;
  settings.neurons =
      values.text("neurons") == "all" ? 0 : static_cast<Index>(values.integer("neurons", 1, 1'000'000'000));
  settings.examples = static_cast<Index>(values.integer("examples", 1, 1'000'000'000));
  if (settings.examples > validation_examples) {
    if (values.given("examples")) {
      throw UsageError(
          cat("--examples ", settings.examples, ": expected 1 to ", validation_examples, ", the validation examples"));
    }
    settings.examples = validation_examples;
  }
  settings.k = static_cast<int>(values.integer("k", 1, 1'000'000));
  settings.permuted = static_cast<int>(values.integer("permuted", 0, 100'000));
  settings.ablate = values.flag("ablate");
  return settings;
}

void check_k(int k, const Neurons& neurons) {
  Index most = 0;
  for (std::size_t t = 1; t < neurons.size(); ++t) {
    Index before = 0;
    for (std::size_t s = 1; s < t; ++s) before += neurons.upstream(t, s) ? neurons[s].units : 0;
    most = std::max(most, before);
  }
  if (k > most) {
    throw UsageError(cat("--k ", k, ": expected 1 to ", most,
                         ", the hidden neurons before the last layer: a neuron has no more sources"));
  }
}

std::vector<OptionGroup> grid_options(std::vector<OptionDef> own) {
  return {{"", std::move(own)},
          {"Network", network_options()},
          {"Training", training_options()},
          {"Data", data_options()},
          {"Analysis of the hierarchy", analysis_options()}};
}

std::vector<std::string> rule_option_names(const Catalog& rules) {
  std::vector<std::string> names;
  for (const RuleEntry& entry : rules.entries()) {
    for (const auto& o : entry.options) names.push_back(entry.name + "." + o.name);
    for (const auto& o : optimizer_options(entry)) names.push_back(entry.name + "." + o.name);
  }
  return names;
}

Plan make_plan(const Program& program, const Values& values, std::vector<std::string> rules,
               std::vector<std::string> networks, std::vector<std::int32_t> seeds) {
  // Everything cheap is checked before the data are read.
  const auto distinct = [](const char* option, const std::vector<std::string>& names) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) !=
          names.begin() + static_cast<std::ptrdiff_t>(i)) {
        throw UsageError(cat("--", option, ": '", names[i], "' is listed twice"));
      }
    }
  };
  distinct("rules", rules);
  distinct("networks", networks);
  Plan plan;
  plan.rules = rules;
  plan.seeds = std::move(seeds);
  TrainSettings settings;
  settings.epochs = static_cast<int>(values.integer("epochs", 1, 1'000'000));
  settings.batch = static_cast<Index>(values.integer("batch", 1, 100'000'000));
  settings.clip_norm = values.real("clip-norm", 0, 1e30);
  settings.clip_value = values.real("clip-value", 0, 1e30);
  settings.probe_examples = static_cast<Index>(values.integer("probe", 1, 1'000'000));
  settings.schedule = parse_schedule(values.text("schedule"), values.real("warmup", 0, 1e6));
  const std::vector<int> snapshots = parse_snapshots(values, settings.epochs);
  const long long validation = values.integer("validation", 1, 100'000'000);
  const long long split_seed = values.integer("split-seed", 0, 2'147'483'647);
  const auto loss = make_loss(values.text("loss"));
  const auto shared = values.given_of(optimizer_keys);
  for (const auto& [key, value] : shared) {
    if (key != "optimizer") parse_real("--" + key, value);  // said of the option as it was given, not of a rule's
  }
  for (const auto& [key, value] : values.others()) {
    const std::string owner = key.substr(0, key.find('.'));
    // A file may serve many comparisons; what is typed is meant.
    if (owner != "network" && !values.from_file(key) && std::find(rules.begin(), rules.end(), owner) == rules.end()) {
      throw UsageError(cat("--", key, ": the rule ", owner, " is not trained here; expected options of ", join(rules)));
    }
  }
  std::vector<ResolvedRule> resolved;
  for (const std::string& name : rules) {
    const RuleEntry& entry = program.rules.at(name);
    auto given = shared;
    for (const auto& [key, value] : values.others()) {
      if (key.rfind(name + ".", 0) == 0) given[key.substr(name.size() + 1)] = value;
    }
    try {
      resolved.push_back(resolve(entry, given));
    } catch (const InputError& e) {
      throw UsageError(cat("rule ", name, ": ", e.what()));
    }
  }
  for (const auto& name : ini_networks(values)) {
    if (std::find(networks.begin(), networks.end(), name) == networks.end()) continue;
    of_network(values, name);
  }

  const std::string how = values.text("normalize");
  check_normalization(how);
  const DataSource source = data_source(program, values);
  try {
    plan.data = load_data(program, source);
  } catch (const DataError& e) {
    throw DataError(cat("--dataset ", source.entry.name, ": ", e.what()));
  }
  // The built-in generated sets are smaller than the default validation part: an untouched default gives way.
  Index kept = static_cast<Index>(validation);
  if (!values.given("validation")) kept = std::min<Index>(kept, plan.data.train.size() / 6);
  if (kept >= plan.data.train.size()) {
    throw UsageError(
        cat("--validation ", kept, ": expected less than the ", plan.data.train.size(), " training examples"));
  }
  plan.split = split_examples(plan.data.train.size(), kept, static_cast<std::uint64_t>(split_seed));
  if (settings.batch > static_cast<Index>(plan.split.train.size())) {
    throw UsageError(cat("--batch ", settings.batch, ": expected 1 to ", plan.split.train.size(),
                         ", the examples that are trained on"));
  }
  const AnalysisSettings analysis = analysis_settings(values, kept);
  const Normalization normalization = fit_normalization(plan.data.train.x, plan.split.train, how);

  std::vector<std::string> slugs;
  for (const std::string& network : networks) {
    slugs.push_back(slug(network));
    const Graph graph = plan_graph(program, values, network, plan.data.sample_shape, plan.data.classes, normalization);
    if (graph[Graph::input()].shape != plan.data.sample_shape &&
        graph[Graph::input()].units != features(plan.data.sample_shape)) {
      throw ShapeError(cat("network '", network, "': its input is ", to_string(graph[Graph::input()].shape),
                           ", the data's samples are ", to_string(plan.data.sample_shape)));
    }
    if (graph[graph.output()].units != plan.data.classes) {
      throw ShapeError(cat("network '", network, "': its output is ", to_string(graph[graph.output()].shape),
                           ", the data has ", plan.data.classes, " classes"));
    }
    if (values.given("k")) check_k(analysis.k, Neurons(graph));
    for (std::size_t r = 0; r < rules.size(); ++r) {
      const RuleEntry& entry = program.rules.at(rules[r]);
      const Asked asked = ask(entry, resolved[r].options, graph, *loss);
      for (const std::int32_t seed : plan.seeds) {
        RunPlan run;
        run.rule = rules[r];
        run.network = slugs.back();
        run.seed = seed;
        run.graph = graph.spec();
        run.loss = loss->name();
        run.resolved = resolved[r];
        run.settings = settings;
        run.settings.seed = static_cast<std::uint64_t>(seed);
        run.settings.optimizers = resolved[r].optimizers;
        run.analysis = analysis;
        run.snapshots = snapshots;
        run.unsupported = asked.unsupported;
        Json optimizers = Json::object();
        for (const auto& [group, o] : resolved[r].optimizers) optimizers[group] = to_json(o);
        run.config = {
            {"schema", "strata-config"},
            {"schema_version", 1},
            {"rule", {{"name", run.rule}, {"options", resolved[r].options.json()}, {"optimizers", optimizers}}},
            {"network", {{"name", run.network}, {"graph", to_json(run.graph)}}},
            {"loss", run.loss},
            {"dataset",
             {{"name", plan.data.name},
              {"checksum", plan.data.checksum},
              {"validation", kept},
              {"split_seed", split_seed}}},
            {"batch", settings.batch},
            {"schedule", to_text(settings.schedule)},
            {"clip_norm", settings.clip_norm},
            {"clip_value", settings.clip_value},
            {"probe_examples", settings.probe_examples},
            {"analysis",
             {{"snapshots", values.text("snapshots")},
              {"neurons", analysis.neurons},
              {"examples", analysis.examples},
              {"k", analysis.k},
              {"permuted", analysis.permuted},
              {"ablate", analysis.ablate}}},
            {"precision", sizeof(Scalar) == 4 ? "float32" : "float64"},
            {"seed", seed},
            {"epochs", settings.epochs}};
        run.rehash();
        run.cost = graph.multiply_adds() * static_cast<double>(plan.split.train.size()) * settings.epochs *
                   asked.walks * (1 + 2.0 * static_cast<double>(entry.optimizers.size()));
        plan.runs.push_back(std::move(run));
      }
    }
  }
  distinct("networks", slugs);
  plan.networks = slugs;
  return plan;
}

}  // namespace strata::cli
