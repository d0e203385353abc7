// What every rule must keep to, whatever it is: what differs between rules is asked of their traits.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "framework/losses/loss.hpp"
#include "rules/builtin.hpp"
#include "tests/conformance/suites.hpp"
#include "tests/support/learning.hpp"

namespace strata::conformance {
namespace {

using namespace strata::testing;

/// 160 examples to learn from in batches of 24 and 16, 11 features, 4 classes, non-square layers of odd widths.
Setting small() {
  Setting s({.features = 11, .classes = 4, .clusters = 2, .train = 200, .test = 40}, 40, {9, 13, 9});
  s.train.batch = 24;
  return s;
}

bool contains(const auto& all, const auto& one) { return std::find(all.begin(), all.end(), one) != all.end(); }

std::unique_ptr<LearningRule> made(const RuleEntry& entry) { return entry.make(resolve(entry, {}).options); }

std::string obstacle(const Setting& s, const RuleEntry& entry) {
  return made(entry)->unsupported(s.graph(), *make_loss(s.loss));
}

/// The first loss of `names` that the rule works with, for rules that do not take cross-entropy.
void choose_loss(Setting& s, const RuleEntry& entry) {
  for (const std::string& name : loss_names()) {
    s.loss = name;
    if (obstacle(s, entry).empty()) return;
  }
}

bool finite(const Trainer& trainer) {
  bool all = true;
  for (ParamId id = 0; id < trainer.registry().size(); ++id) all = all && trainer.registry().value(id).allFinite();
  for (const EpochMetrics& row : trainer.training()) {
    all = all && std::isfinite(row.train_loss) && std::isfinite(row.validation_loss);
  }
  for (const LayerMetrics& row : trainer.layer_metrics()) {
    for (const auto* values :
         {&row.grad_norm, &row.grad_mean_abs, &row.activation_norm, &row.weight_norm, &row.backprop_norm}) {
      for (const double v : *values) all = all && std::isfinite(v);
    }
  }
  return all;
}

/// Trains two epochs and checks what has moved: the weights of the layers that the rule says it trains, nothing of the
/// other layers, something in each group of its traits, perhaps the buffers that it refreshes, and nothing else.
void check_what_moves(const Setting& s, const RuleEntry& entry) {
  const auto trainer = s.trainer(entry);
  const Registry before = trainer->registry();
  const Graph& graph = trainer->graph();
  train(*trainer, 2);
  const Registry& after = trainer->registry();
  BOOST_TEST(finite(*trainer));
  const auto moved = [&](ParamId id) { return bytes(before.value(id)) != bytes(after.value(id)); };
  const Traits traits = trainer->rule().traits();

  for (const NodeId layer : graph.layers()) {
    const auto& params = trainer->net().params(layer);
    const bool trains = trainer->rule().trains(graph, layer);
    BOOST_TEST(moved(params[0]) == trains, before[params[0]].name);
    for (const ParamId id : params) BOOST_TEST((trains || !moved(id)), before[id].name);
  }
  // Behind a layer, normalisations: they learn with it, and their running statistics move in any case.
  std::vector<ParamId> statistics;
  for (NodeId id = 1; id < graph.size(); ++id) {
    if (graph[id].params.empty() || contains(graph.layers(), id)) continue;
    NodeId layer = id;
    while (!contains(graph.layers(), layer)) layer = graph[layer].inputs[0];
    const bool trains = trainer->rule().trains(graph, layer);
    for (const ParamId p : trainer->net().params(id)) {
      BOOST_TEST(moved(p) == (trains || !before[p].trainable), before[p].name);
      if (!before[p].trainable) statistics.push_back(p);
    }
  }
  for (const std::string& group : traits.groups) {
    for (const ParamId id : before.group(group)) {
      if (group != "forward") BOOST_TEST(moved(id), before[id].name);
    }
  }
  for (ParamId id = 0; id < before.size(); ++id) {
    const bool stepped = contains(traits.groups, before[id].group) && before[id].trainable;
    const bool refreshed = contains(traits.refreshes, before[id].group) && !before[id].trainable;
    if (!stepped && !refreshed && !contains(statistics, id)) BOOST_TEST(!moved(id), before[id].name);
  }
}

void an_entry_says_what_it_is(const RuleEntry& entry, Setting&) {
  for (const std::string& text : {entry.name, entry.family, entry.summary, entry.citation}) BOOST_TEST(!text.empty());
  BOOST_TEST(entry.summary.find('\n') == std::string::npos);
  const Traits traits = made(entry)->traits();
  std::vector<std::string> groups;
  for (const auto& [group, optimizer] : entry.optimizers) groups.push_back(group);
  BOOST_TEST((groups == traits.groups));
  BOOST_TEST(contains(groups, "forward"));
  if (traits.needs_chain || traits.layers_alone || traits.examples_alone || !traits.layers.empty() ||
      !traits.losses.empty()) {
    BOOST_TEST(!entry.needs.empty());
  }
  for (const OptionSpec& o : entry.options) {
    BOOST_TEST(!o.help.empty(), o.name);
    for (const OptionSpec& taken : optimizer_options(entry)) BOOST_TEST(o.name != taken.name);
  }
  const auto space = search_space(entry);
  BOOST_TEST(!space.empty());
  check_search_space(entry, space);
  // A phase steps groups that the traits name.
  const Schedule schedule = made(entry)->schedule();
  for (const auto& passes : {schedule.before, schedule.epoch}) {
    for (const Pass& pass : passes) {
      for (const Phase& phase : pass.phases) {
        for (const std::string& g : phase.groups) BOOST_TEST(contains(groups, g));
      }
    }
  }
}

Setting clusters_to_learn() {
  Setting s({.features = 12, .classes = 4, .clusters = 3, .train = 700, .test = 20, .spread = 0.3}, 200, {16, 12});
  s.train.batch = 16;
  return s;
}

// With its own hyper-parameters but for the learning rate, the best of the same three for all: a small task wants larger
// steps.
double accuracy_reached(const RuleEntry& entry) {
  Setting s = clusters_to_learn();
  choose_loss(s, entry);
  double best = 0;
  bool falls = false;
  for (const char* lr : {"0.01", "0.003", "0.001"}) {
    const auto trainer = s.trainer(entry, {{"lr", lr}});
    train(*trainer, 16);
    BOOST_TEST(finite(*trainer));
    const double accuracy = trainer->training().back().validation_accuracy;
    if (accuracy <= best) continue;
    best = accuracy;
    falls = trainer->training().back().train_loss < trainer->training().front().train_loss;
  }
  BOOST_TEST(falls);
  return best;
}

// Better than the rule `frozen`, which leaves hidden layers alone, if it trains these.
void it_learns_and_hidden_layers_pay(const RuleEntry& entry, Setting&) {
  static const double without = accuracy_reached(builtin_catalog().at("frozen"));
  BOOST_TEST(without > 0.4);  // chance is 0.25
  const double accuracy = accuracy_reached(entry);
  BOOST_TEST_MESSAGE(entry.name << ": " << accuracy << ", without hidden layers " << without);
  const Graph graph = clusters_to_learn().graph();
  const double least = made(entry)->trains(graph, graph.layers().front()) ? without + 0.05 : 0.4;
  BOOST_TEST(accuracy > least, entry.name << ": " << accuracy << " against " << least);
}

void what_it_trains_moves_and_nothing_else(const RuleEntry& entry, Setting& s) { check_what_moves(s, entry); }

void without_bias(const RuleEntry& entry, Setting& s) {
  s.net.bias = false;
  check_what_moves(s, entry);
}

void with_one_hidden_layer_and_with_none(const RuleEntry& entry, Setting& s) {
  s.net.hidden = {7};
  check_what_moves(s, entry);
  s.net.hidden = {};
  if (obstacle(s, entry).empty()) check_what_moves(s, entry);
}

void with_dropout(const RuleEntry& entry, Setting& s) {
  s.net.dropout = 0.3;
  if (obstacle(s, entry).empty()) check_what_moves(s, entry);
}

void with_every_activation_it_supports(const RuleEntry& entry, Setting& s) {
  int supported = 0;
  for (const std::string& activation : activation_names()) {
    s.net.activation = activation;
    if (!obstacle(s, entry).empty()) continue;
    ++supported;
    BOOST_TEST_CONTEXT(activation) { check_what_moves(s, entry); }
  }
  BOOST_TEST(supported > 0);
}

void with_every_loss_it_supports(const RuleEntry& entry, Setting& s) {
  const Traits traits = made(entry)->traits();
  for (const std::string& loss : loss_names()) {
    s.loss = loss;
    const bool named = traits.losses.empty() || contains(traits.losses, loss);
    BOOST_TEST_CONTEXT(loss) {
      if (named) {
        check_what_moves(s, entry);
      } else {
        BOOST_CHECK_EXCEPTION(s.trainer(entry), UnsupportedError, says({loss}));
      }
    }
  }
}

void with_skips_or_it_says_what_is_in_the_way(const RuleEntry& entry, Setting& s) {
  s.net.skips = {{1, 3}, {1, 4}};
  for (const SkipMode mode : {SkipMode::add, SkipMode::project, SkipMode::concat}) {
    if (mode == SkipMode::add) s.net.hidden = {4, 13, 4};
    s.net.skip_mode = mode;
    BOOST_TEST_CONTEXT("skip mode " << static_cast<int>(mode)) {
      if (obstacle(s, entry).empty()) {
        BOOST_TEST(!made(entry)->traits().needs_chain);
        check_what_moves(s, entry);
      } else {
        BOOST_CHECK_EXCEPTION(s.trainer(entry), UnsupportedError, says({obstacle(s, entry), "'"}));
        // A chain's obstacle is the first credit point with a way around it.
        if (made(entry)->traits().needs_chain)
          BOOST_CHECK_EXCEPTION(s.trainer(entry), UnsupportedError, says({"'a2'"}));
      }
    }
    s = [&] {
      Setting fresh = small();
      fresh.loss = s.loss;
      fresh.net.skips = s.net.skips;
      return fresh;
    }();
  }
}

void with_normalised_layers_or_it_says_what_is_in_the_way(const RuleEntry& entry, Setting& s) {
  for (const char* type : {"batch_norm", "layer_norm"}) {
    s.edit = [type](GraphSpec& spec) { normalise_hidden(spec, type); };
    BOOST_TEST_CONTEXT(type) {
      if (obstacle(s, entry).empty()) {
        check_what_moves(s, entry);
      } else {
        BOOST_CHECK_EXCEPTION(s.trainer(entry), UnsupportedError, says({obstacle(s, entry), "'n1'", type}));
        BOOST_TEST(!entry.needs.empty());
      }
    }
  }
}

// A residual around one layer leaves every credit point a cut: rules that need a chain take it.
void with_residuals_around_one_layer(const RuleEntry& entry, Setting& s) {
  s.net.hidden = {9, 9, 9};
  s.net.skips = {{1, 2}, {2, 3}};
  if (obstacle(s, entry).empty()) check_what_moves(s, entry);
  BOOST_TEST((obstacle(s, entry).empty() || !made(entry)->traits().needs_chain));
}

void with_an_image_normalised_by_the_first_node(const RuleEntry& entry, Setting& s) {
  GraphSpec spec = mlp_graph(s.net);
  for (NodeSpec& node : spec.nodes) {
    for (std::string& in : node.inputs) {
      if (in == "input") in = "flat";
    }
  }
  spec.input = {1, 1, 11};
  spec.nodes.push_back({"norm", "normalize", {"input"}, {{"mean", 0.5}, {"sd", 0.25}}});
  spec.nodes.push_back({"flat", "flatten", {"norm"}});
  const ResolvedRule resolved = resolve(entry, {});
  TrainSettings settings = s.train;
  settings.optimizers = resolved.optimizers;
  if (!made(entry)->unsupported(Graph(spec), *make_loss(s.loss)).empty()) return;
  Trainer trainer(Graph(spec), make_loss(s.loss), entry.make(resolved.options), s.data, s.split, settings);
  train(trainer, 1);
  BOOST_TEST(finite(trainer));
  Bench bench(Graph(spec), s.loss, entry);
  BatchBuffer buffer(s.data, 4);
  const Batch batch = buffer.gather(s.data.train, s.split.validation = {0, 1, 2, 3});
  Matrix dinput = Matrix::Constant(11, 4, std::numeric_limits<Scalar>::quiet_NaN());
  if (bench.rule->feedback_input_gradient(bench.model, batch, bench.ws, mut_view(dinput)))
    BOOST_TEST(dinput.allFinite());
}

/// Pictures of 6 × 5 in three colours, for convolutions with a stride, with pooling, and with less than a vector of maps.
Setting pictures(const RuleEntry& entry) {
  Setting s({.features = 90, .classes = 4, .clusters = 2, .train = 120, .test = 20}, 24, {});
  s.train.batch = 24;
  ChainSpec chain;
  chain.input = {3, 6, 5};
  chain.hidden = {{5, Window{{3, 3}, {1, 1}, {1, 1}}, 2}, {6, Window{{2, 2}, {2, 1}, {1, 0}}}, {7}};
  chain.outputs = 4;
  s.chain = chain;
  choose_loss(s, entry);
  return s;
}

void on_pictures_or_it_says_what_is_in_the_way(const RuleEntry& entry, Setting&) {
  Setting s = pictures(entry);
  if (obstacle(s, entry).empty()) {
    check_what_moves(s, entry);
  } else {
    BOOST_CHECK_EXCEPTION(s.trainer(entry), UnsupportedError, says({"'"}));
  }
  s.chain->skips = {{1, 2}};
  s.chain->skip_mode = SkipMode::project;
  if (obstacle(s, entry).empty()) check_what_moves(s, entry);
}

// Colour as data sets have it.
void on_colour_pictures_of_32_by_32(const RuleEntry& entry, Setting&) {
  Setting s({.features = 3072, .classes = 4, .clusters = 1, .train = 72, .test = 8}, 24, {});
  s.train.batch = 24;
  ChainSpec chain;
  chain.input = {3, 32, 32};
  chain.hidden = {{4, Window{{3, 3}, {2, 2}, {1, 1}}, 2}, {6, Window{{3, 3}, {1, 1}, {1, 1}}, 2}, {8}};
  chain.outputs = 4;
  s.chain = chain;
  choose_loss(s, entry);
  if (!obstacle(s, entry).empty()) return;
  const auto trainer = s.trainer(entry);
  const std::string before = bytes(trainer->registry());
  train(*trainer, 1);
  BOOST_TEST(finite(*trainer));
  BOOST_TEST((bytes(trainer->registry()) != before));
}

void a_checkpoint_in_mid_training_continues_to_the_same_bits(const RuleEntry& entry, Setting& s) {
  s.net.dropout = 0.2;
  if (!obstacle(s, entry).empty()) s.net.dropout = 0;
  const auto whole = s.trainer(entry);
  train(*whole, 2);
  const auto cbor = nlohmann::json::to_cbor(whole->state());
  train(*whole, 4);
  const auto resumed = s.trainer(entry);
  resumed->restore(nlohmann::json::from_cbor(cbor));
  BOOST_TEST(resumed->epoch() == 2);
  train(*resumed, 4);
  BOOST_TEST((bytes(resumed->registry()) == bytes(whole->registry())));
  BOOST_TEST((timeless(resumed->state()) == timeless(whole->state())));
}

// Same context, same answer: nothing is kept outside the registry, whatever was computed in between.
void computing_leaves_no_trace(const RuleEntry& entry, Setting& s) {
  s.net.dropout = 0.2;
  if (!obstacle(s, entry).empty()) s.net.dropout = 0;
  Bench bench(s.graph(), s.loss, entry);
  BatchBuffer one(s.data, 24), other(s.data, 40);
  const Batch batch = one.gather(s.data.train, std::span(s.split.train).first(24));
  const Batch larger = other.gather(s.data.train, std::span(s.split.train).subspan(24, 40));
  const std::string parameters = bytes(bench.registry);
  const auto gradients = [&](std::uint64_t step) {
    bench.compute(batch, {Mode::train, true, 1, step});
    std::string all;
    for (ParamId id = 0; id < bench.registry.size(); ++id) {
      if (bench.sink.has(id)) all += bytes(Matrix(std::as_const(bench.sink).gradient(id)));
    }
    return all;
  };
  const std::string first = gradients(3);
  bench.compute(larger);
  Matrix scores(4, 40), dinput(11, 40);
  bench.rule->predict(bench.model, larger, bench.ws, mut_view(scores));
  bench.rule->feedback_input_gradient(bench.model, larger, bench.ws, mut_view(dinput));
  BOOST_TEST((gradients(3) == first));
  BOOST_TEST((bytes(bench.registry) == parameters));
  // A workspace that has seen nothing gives the same.
  Bench fresh(s.graph(), s.loss, entry);
  fresh.compute(batch, {Mode::train, true, 1, 3});
  for (ParamId id = 0; id < fresh.registry.size(); ++id) {
    BOOST_TEST(fresh.sink.has(id) == bench.sink.has(id));
    if (fresh.sink.has(id)) {
      BOOST_TEST((bytes(fresh.gradient(fresh.registry[id].name)) == bytes(bench.gradient(fresh.registry[id].name))));
    }
  }
}

void gradients_with_respect_to_the_input(const RuleEntry& entry, Setting& s) {
  Bench bench(s.graph(), s.loss, entry);
  BatchBuffer buffer(s.data, 10);
  const Batch batch = buffer.gather(s.data.train, std::span(s.split.train).first(10));
  const auto unwritten = [] { return Matrix(Matrix::Constant(11, 10, std::numeric_limits<Scalar>::quiet_NaN())); };

  Matrix dinput = unwritten();
  if (bench.rule->feedback_input_gradient(bench.model, batch, bench.ws, mut_view(dinput))) {
    BOOST_TEST(dinput.allFinite());
    BOOST_TEST(dinput.norm() > 0);
  }
  Matrix dscores(4, 10);
  Rng(1, "dscores").fill_normal(mut_view(dscores), 0, 1);
  dinput = unwritten();
  Matrix predicted(4, 10);
  bench.rule->predict(bench.model, batch, bench.ws, mut_view(predicted));
  if (!bench.rule->predict_pull_back(bench.model, batch, bench.ws, view(dscores), mut_view(dinput))) return;
  BOOST_TEST(dinput.allFinite());

  // Against central differences of Σ dscores ∘ scores along random directions.
  const Matrix x = batch.x;
  const auto along = [&](const Matrix& at) {
    Batch moved{.x = view(at), .one_hot = batch.one_hot, .labels = batch.labels, .ids = batch.ids};
    Matrix scores(4, 10);
    bench.rule->predict(bench.model, moved, bench.ws, mut_view(scores));
    return scores.cast<double>().cwiseProduct(dscores.cast<double>()).sum();
  };
  for (const std::string direction : {"a", "b", "c"}) {
    Matrix v(11, 10);
    Rng(1, direction).fill_normal(mut_view(v), 0, 1);
    const auto slope = [&](Scalar h) { return (along(x + h * v) - along(x - h * v)) / (2 * static_cast<double>(h)); };
    const double numeric = (4 * slope(Scalar(0.01)) - slope(Scalar(0.02))) / 3;  // Richardson's, to fourth order
    const double exact = dinput.cast<double>().cwiseProduct(v.cast<double>()).sum();
    BOOST_TEST(std::abs(numeric - exact) < 2e-3 * (1 + dinput.norm()), numeric << " against " << exact);
  }
}

void predictions_do_not_depend_on_the_batch_around(const RuleEntry& entry, Setting& s) {
  s.net.dropout = 0.5;  // off when predicting
  if (!obstacle(s, entry).empty()) s.net.dropout = 0;
  Bench bench(s.graph(), s.loss, entry);
  BatchBuffer all(s.data, 30), some(s.data, 30);
  Matrix of_all(4, 30), again(4, 30), of_some(4, 7);
  const std::span<const Index> ids = std::span(s.split.train).first(30);
  bench.rule->predict(bench.model, all.gather(s.data.train, ids), bench.ws, mut_view(of_all));
  bench.rule->predict(bench.model, some.gather(s.data.train, ids.subspan(5, 7)), bench.ws, mut_view(of_some));
  BOOST_TEST((of_some - of_all.middleCols(5, 7)).norm() < 1e-5 * of_some.norm());
  BOOST_TEST(of_some.norm() > 0);
  bench.rule->predict(bench.model, all.gather(s.data.train, ids), bench.ws, mut_view(again));
  BOOST_TEST((bytes(again) == bytes(of_all)));
}

struct Reports final : ProbeSink {
  std::vector<std::tuple<std::string, NodeId, double>> seen;
  void report(const std::string& name, NodeId layer, double value) override { seen.emplace_back(name, layer, value); }
};

void probes_report_layers_of_the_net_finite_and_the_same_each_time(const RuleEntry& entry, Setting& s) {
  Bench bench(s.graph(), s.loss, entry);
  BatchBuffer buffer(s.data, 10);
  const Batch batch = buffer.gather(s.data.train, std::span(s.split.train).first(10));
  const std::string parameters = bytes(bench.registry);
  Reports first, second;
  bench.rule->probe(bench.model, batch, bench.ws, first);
  bench.rule->probe(bench.model, batch, bench.ws, second);
  BOOST_TEST((first.seen == second.seen));
  BOOST_TEST((bytes(bench.registry) == parameters));
  const auto& layers = bench.net.graph().layers();
  for (const auto& [name, layer, value] : first.seen) {
    BOOST_TEST(std::isfinite(value), name);
    BOOST_TEST(contains(layers, layer), name);
  }
}

struct Check {
  const char* name;
  void (*run)(const RuleEntry&, Setting&);
};

constexpr Check checks[] = {
    {"an_entry_says_what_it_is", an_entry_says_what_it_is},
    {"it_learns_and_hidden_layers_pay", it_learns_and_hidden_layers_pay},
    {"what_it_trains_moves_and_nothing_else", what_it_trains_moves_and_nothing_else},
    {"without_bias", without_bias},
    {"with_one_hidden_layer_and_with_none", with_one_hidden_layer_and_with_none},
    {"with_dropout", with_dropout},
    {"with_every_activation_it_supports", with_every_activation_it_supports},
    {"with_every_loss_it_supports", with_every_loss_it_supports},
    {"with_skips_or_it_says_what_is_in_the_way", with_skips_or_it_says_what_is_in_the_way},
    {"with_normalised_layers_or_it_says_what_is_in_the_way", with_normalised_layers_or_it_says_what_is_in_the_way},
    {"with_residuals_around_one_layer", with_residuals_around_one_layer},
    {"with_an_image_normalised_by_the_first_node", with_an_image_normalised_by_the_first_node},
    {"on_pictures_or_it_says_what_is_in_the_way", on_pictures_or_it_says_what_is_in_the_way},
    {"on_colour_pictures_of_32_by_32", on_colour_pictures_of_32_by_32},
    {"a_checkpoint_in_mid_training_continues_to_the_same_bits",
     a_checkpoint_in_mid_training_continues_to_the_same_bits},
    {"computing_leaves_no_trace", computing_leaves_no_trace},
    {"gradients_with_respect_to_the_input", gradients_with_respect_to_the_input},
    {"predictions_do_not_depend_on_the_batch_around", predictions_do_not_depend_on_the_batch_around},
    {"probes_report_layers_of_the_net_finite_and_the_same_each_time",
     probes_report_layers_of_the_net_finite_and_the_same_each_time}};

}  // namespace

Suite* rule_suite(const std::vector<RuleEntry>& rules) {
  Suite* all = suite("rules");
  for (const RuleEntry& entry : rules) {
    Suite* of_rule = suite(entry.name);
    for (const Check& check : checks) {
      add_case(*of_rule, check.name, [entry, check] {
        Setting s = small();
        choose_loss(s, entry);
        check.run(entry, s);
      });
    }
    all->add(of_rule);
  }
  return all;
}

}  // namespace strata::conformance
