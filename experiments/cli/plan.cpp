#include "experiments/cli/plan.hpp"

#include <algorithm>
#include <cstdio>
#include <set>

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

Json to_json(const OptimizerSpec& s) {
  return {{"name", s.name},   {"lr", s.lr},           {"momentum", s.momentum}, {"beta1", s.beta1},
          {"beta2", s.beta2}, {"epsilon", s.epsilon}, {"alpha", s.alpha},       {"weight_decay", s.weight_decay}};
}

Json to_json(const AttackSettings& s) {
  return {{"norm", to_string(s.table.norm)},
          {"epsilons", s.table.epsilons},
          {"names", s.attacks},
          {"steps", s.steps},
          {"restarts", s.restarts},
          {"queries", s.queries},
          {"draws", s.draws},
          {"examples", s.examples},
          {"keep", s.keep},
          {"seed", s.seed}};
}

std::string hash_of(Json config, bool with_epochs) {
  if (!with_epochs) config.erase("epochs");
  char text[9];
  const std::uint64_t h = stable_hash(config.dump());
  std::snprintf(text, sizeof text, "%08x", static_cast<unsigned>(h ^ (h >> 32)));
  return text;
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

// The rule as these options make it. Throws UsageError naming the rule.
ResolvedRule resolve_rule(const RuleEntry& entry, const std::map<std::string, std::string>& given) {
  try {
    return resolve(entry, given);
  } catch (const InputError& e) {
    throw UsageError(cat("rule ", entry.name, ": ", e.what()));
  }
}

void distinct(const char* option, const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) !=
        names.begin() + static_cast<std::ptrdiff_t>(i)) {
      throw UsageError(cat("--", option, ": '", names[i], "' is listed twice"));
    }
  }
}

// Throws ShapeError unless the network takes the data's samples and tells their classes apart.
void check_fit(const std::string& network, const Graph& graph, const Dataset& data) {
  // A perceptron reads an image as a vector; images must be of one shape.
  const Shape& takes = graph[Graph::input()].shape;
  const bool both_images = takes.size() > 1 && data.sample_shape.size() > 1;
  if (takes != data.sample_shape && (both_images || features(takes) != features(data.sample_shape))) {
    throw ShapeError(cat("network '", network, "': its input is ", to_string(graph[Graph::input()].shape),
                         ", the data's samples are ", to_string(data.sample_shape)));
  }
  if (graph[graph.output()].units != data.classes) {
    throw ShapeError(cat("network '", network, "': its output is ", to_string(graph[graph.output()].shape),
                         ", the data has ", data.classes, " classes"));
  }
}

}  // namespace

void RunPlan::rehash() { hash = hash_of(config, depends_on_total_epochs(settings.schedule)); }
std::string RunPlan::stem() const { return cat(rule, "-", network, "-s", seed, "-", hash); }

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
          {"Analysis of the hierarchy", analysis_options()},
          {"Attacks", analysis_attack_options()}};
}

std::vector<std::string> rule_option_names(const Catalog& rules) {
  std::vector<std::string> names;
  for (const RuleEntry& entry : rules.entries()) {
    for (const auto& o : entry.options) names.push_back(entry.name + "." + o.name);
    for (const auto& o : optimizer_options(entry)) names.push_back(entry.name + "." + o.name);
  }
  return names;
}

Planner::Planner(const Program& program, const Values& values, std::vector<std::string> rules,
                 std::vector<std::string> networks)
    : program_(program), rules_(std::move(rules)) {
  // Everything cheap is checked before the data are read.
  distinct("rules", rules_);
  distinct("networks", networks);
  settings_.epochs = static_cast<int>(values.integer("epochs", 1, 1'000'000));
  settings_.batch = static_cast<Index>(values.integer("batch", 1, 100'000'000));
  settings_.clip_norm = values.real("clip-norm", 0, 1e30);
  settings_.clip_value = values.real("clip-value", 0, 1e30);
  settings_.probe_examples = static_cast<Index>(values.integer("probe", 1, 1'000'000));
  settings_.schedule = parse_schedule(values.text("schedule"), values.real("warmup", 0, 1e6));
  const bool analysed = values.declares("snapshots");
  snapshots_ = analysed ? values.text("snapshots") : "none";
  if (analysed) snapshot_epochs_ = parse_snapshots(values, settings_.epochs);
  if (values.declares("attacks")) attacks_ = analysis_attack_settings(values);
  if (!attacks_.attacks.empty() && snapshot_epochs_.empty()) {
    throw UsageError("--attacks: nets are attacked at --snapshots, of which there are none");
  }
  const long long validation = values.integer("validation", 1, 100'000'000);
  split_seed_ = values.integer("split-seed", 0, 2'147'483'647);
  loss_ = make_loss(values.text("loss"));
  const auto shared = values.given_of(optimizer_keys);
  for (const auto& [key, value] : shared) {
    if (key != "optimizer") parse_real("--" + key, value);  // said of the option as it was given, not of a rule's
  }
  for (const auto& [key, value] : values.others()) {
    const std::string owner = key.substr(0, key.find('.'));
    // A file may serve many comparisons; what is typed is meant.
    const bool trained = std::find(rules_.begin(), rules_.end(), owner) != rules_.end();
    if (owner != "network" && !values.from_file(key) && !trained) {
      throw UsageError(
          cat("--", key, ": the rule ", owner, " is not trained here; expected options of ", join(rules_)));
    }
  }
  for (const std::string& name : rules_) {
    auto given = shared;
    for (const auto& [key, value] : values.others()) {
      if (key.rfind(name + ".", 0) == 0) given[key.substr(name.size() + 1)] = value;
    }
    resolve_rule(program.rules.at(name), given);
    given_.push_back(std::move(given));
  }
  for (const std::string& name : networks) {
    check_network(values, name);
    excepted_.push_back(excepted_rules(values, name));
    for (const std::string& rule : excepted_.back()) program.rules.at(rule);
  }
  const std::string how = values.text("normalize");
  check_normalization(how);
  const DataSource source = data_source(program, values);
  try {
    data_ = std::make_shared<const Dataset>(load_data(program, source));
  } catch (const DataError& e) {
    throw DataError(cat("--dataset ", source.entry.name, ": ", e.what()));
  }
  const Index examples = data_->train.size();
  // The built-in generated sets are smaller than the default validation part: an untouched default gives way.
  Index kept = static_cast<Index>(validation);
  if (!values.given("validation")) kept = std::min<Index>(kept, examples / 6);
  if (kept >= examples) {
    throw UsageError(cat("--validation ", kept, ": expected less than the ", examples, " training examples"));
  }
  split_ = split_examples(examples, kept, static_cast<std::uint64_t>(split_seed_));
  if (settings_.batch > static_cast<Index>(split_.train.size())) {
    throw UsageError(cat("--batch ", settings_.batch, ": expected 1 to ", split_.train.size(),
                         ", the examples that are trained on"));
  }
  if (analysed) analysis_ = analysis_settings(values, kept);
  if (attacks_.examples > kept) {
    if (values.given("attack-examples")) {
      throw UsageError(
          cat("--attack-examples ", attacks_.examples, ": expected 1 to ", kept, ", the validation examples, or all"));
    }
    attacks_.examples = kept;
  }
  if (attacks_.keep > kept) {
    throw UsageError(cat("--attack-keep ", attacks_.keep, ": expected 0 to ", kept, ", the validation examples"));
  }
  const Normalization normalization = fit_normalization(data_->train.x, split_.train, how);
  for (const std::string& network : networks) {
    networks_.push_back(network_slug(network));
    graphs_.push_back(plan_graph(program, values, network, data_->sample_shape, data_->classes, normalization));
    check_fit(network, graphs_.back(), *data_);
    if (analysed && values.given("k")) check_k(analysis_.k, Neurons(graphs_.back()));
  }
  distinct("networks", networks_);
}

RunPlan Planner::run(std::size_t rule, std::size_t network, const RunChange& change) const {
  const RuleEntry& entry = program_.rules.at(rules_[rule]);
  const Graph& graph = graphs_[network];
  auto given = given_[rule];
  for (const auto& [name, value] : change.options) given[name] = value;
  RunPlan run;
  run.rule = entry.name;
  run.network = networks_[network];
  run.graph = graph.spec();
  run.loss = loss_->name();
  run.resolved = resolve_rule(entry, given);
  run.settings = settings_;
  run.settings.optimizers = run.resolved.optimizers;
  run.trial = change.trial;
  if (!run.trial) {
    run.analysis = analysis_;
    run.snapshots = snapshot_epochs_;
    run.attacks = attacks_;
  }
  const Asked asked = ask(entry, run.resolved.options, graph, *loss_);
  run.unsupported = asked.unsupported.empty() ? change.unsupported : asked.unsupported;
  const auto& excepted = excepted_[network];
  if (std::find(excepted.begin(), excepted.end(), entry.name) != excepted.end()) {
    run.unsupported = cat("left out by 'except' of [network.", networks_[network], "]");
  }
  run.tuned = change.tuned;
  Json optimizers = Json::object();
  for (const auto& [group, o] : run.resolved.optimizers) optimizers[group] = to_json(o);
  run.config = {{"schema", "strata-config"},
                {"schema_version", 1},
                {"rule", {{"name", run.rule}, {"options", run.resolved.options.json()}, {"optimizers", optimizers}}},
                {"network", {{"name", run.network}, {"graph", to_json(run.graph)}}},
                {"loss", run.loss},
                {"dataset",
                 {{"name", data_->name},
                  {"checksum", data_->checksum},
                  {"validation", split_.validation.size()},
                  {"split_seed", split_seed_}}},
                {"batch", settings_.batch},
                {"schedule", to_text(settings_.schedule)},
                {"clip_norm", settings_.clip_norm},
                {"clip_value", settings_.clip_value},
                {"probe_examples", settings_.probe_examples},
                {"analysis",
                 {{"snapshots", run.trial ? "none" : snapshots_},
                  {"neurons", run.analysis.neurons},
                  {"examples", run.analysis.examples},
                  {"k", run.analysis.k},
                  {"permuted", run.analysis.permuted},
                  {"ablate", run.analysis.ablate}}},
                {"precision", sizeof(Scalar) == 4 ? "float32" : "float64"},
                {"seed", 0},
                {"epochs", settings_.epochs}};
  if (run.trial) run.config["trial"] = true;
  if (!run.attacks.attacks.empty()) run.config["analysis"]["attacks"] = to_json(run.attacks);
  run.cost = graph.multiply_adds() * static_cast<double>(split_.train.size()) * settings_.epochs * asked.walks *
             (1 + 2.0 * static_cast<double>(entry.optimizers.size()));
  return with_seed(std::move(run), 0);
}

Plan Planner::plan() const {
  Plan plan;
  plan.data = data_;
  plan.split = split_;
  plan.rules = rules_;
  plan.networks = networks_;
  return plan;
}

RunPlan with_seed(RunPlan run, std::int32_t seed) {
  run.seed = seed;
  run.settings.seed = static_cast<std::uint64_t>(seed);
  run.config["seed"] = seed;
  run.rehash();
  return run;
}

RunPlan with_epochs(RunPlan run, int epochs) {
  run.cost *= static_cast<double>(epochs) / run.settings.epochs;
  run.settings.epochs = epochs;
  run.config["epochs"] = epochs;
  run.rehash();
  return run;
}

Plan make_plan(const Planner& planner, std::vector<std::int32_t> seeds, const std::vector<RunChange>& changes) {
  Plan plan = planner.plan();
  plan.seeds = std::move(seeds);
  if (plan.seeds.empty()) return plan;
  for (std::size_t n = 0; n < plan.networks.size(); ++n) {
    for (std::size_t r = 0; r < plan.rules.size(); ++r) {
      const RunPlan run = planner.run(r, n, changes.empty() ? RunChange{} : changes[n * plan.rules.size() + r]);
      for (const std::int32_t seed : plan.seeds) plan.runs.push_back(with_seed(run, seed));
    }
  }
  return plan;
}

}  // namespace strata::cli
