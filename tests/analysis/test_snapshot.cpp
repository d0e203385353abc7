// All that is said about a run at one moment: shapes, agreement with the parts it is made of, nulls, threads, joining.

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numeric>
#include <set>

#include "framework/analysis/ablation.hpp"
#include "framework/analysis/gradient_depth.hpp"
#include "framework/analysis/snapshot.hpp"
#include "framework/analysis/trophic.hpp"
#include "framework/parallel/parallel.hpp"
#include "rules/builtin.hpp"
#include "tests/support/data_group.hpp"
#include "tests/support/learning.hpp"
#include "tests/support/threads.hpp"

using namespace strata;
using strata::testing::same_groups;
using strata::testing::Setting;
using strata::testing::train;
using Names = std::vector<std::string>;
using Integers = std::vector<std::int32_t>;

namespace {

const auto each = boost::test_tools::per_element();
constexpr std::uint64_t seed = 7;

/// Clusters in 6 features and 3 classes, a net 6-14-12-14-3 tanh with a skip from 1 to 3.
struct Task {
  Setting setting;
  Registry registry{seed};
  Net net;
  std::unique_ptr<Loss> loss = make_loss("cross_entropy");

  explicit Task(bool skip = true, Index validation = 60)
      : setting(make(skip, validation)), net(setting.graph(), registry) {}

  static Setting make(bool skip, Index validation) {
    Setting s({.features = 6, .classes = 3, .clusters = 2, .train = 300, .test = 10}, validation, {14, 12, 14});
    if (skip) s.net.skips = {{1, 3}};
    return s;
  }

  SnapshotAnalysis analysis(const AnalysisSettings& settings = small()) const {
    return {net, *loss, setting.data, setting.split, seed, settings};
  }
  static AnalysisSettings small() { return {.neurons = 8, .examples = 30, .k = 3, .permuted = 3, .ablate = true}; }

  /// What a few epochs might do to the weights.
  void step(Registry& weights) const {
    for (ParamId id = 0; id < weights.size(); ++id) {
      Matrix more = weights.value(id);
      Rng(1, weights[id].name).fill_normal(mut_view(more), 0, Scalar(0.3));
      weights.value(id) += more;
    }
  }
};

std::size_t size_of(const DataArray& array) {
  return std::visit([](const auto& values) { return values.size(); }, array.values);
}

Names names(const DataGroup& group) {
  Names all;
  for (const DataArray& a : group.arrays) all.push_back(a.name);
  return all;
}

bool has(const DataGroup& group, const std::string& array) {
  const Names all = names(group);
  return std::find(all.begin(), all.end(), array) != all.end();
}

/// NaN where the other is, else equal.
void same(const std::vector<double>& a, const std::vector<double>& b) {
  strata::testing::same_values(std::variant<std::vector<double>>(a), std::variant<std::vector<double>>(b));
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_array_fits_its_axes) {
  const Task task;
  auto analysis = task.analysis();
  const auto groups = analysis.at(0, task.registry);
  BOOST_REQUIRE(groups.size() == 4u);
  const Names expected{"gradient", "hierarchy", "attribution", "similarity"};
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const DataGroup& group = groups[g];
    BOOST_TEST(group.name == expected[g]);
    BOOST_TEST(std::get<Integers>(group.axis("snapshot").labels) == Integers{0}, each);
    const Names all = names(group);
    BOOST_TEST(std::set<std::string>(all.begin(), all.end()).size() == all.size());
    std::set<std::string> used;
    for (const DataArray& array : group.arrays) {
      BOOST_TEST_CONTEXT(group.name << "/" << array.name) {
        std::size_t size = 1;
        for (const std::string& axis : array.axes) size *= group.axis(axis).size();
        BOOST_TEST(size_of(array) == size);
        BOOST_TEST(!array.long_name.empty());
        BOOST_TEST(!array.units.empty());
        used.insert(array.axes.begin(), array.axes.end());
      }
    }
    used.insert(group.name == "attribution" ? "layer"
                                            : "snapshot");  // there for the numbers in topk_layer to point into
    for (const DataAxis& axis : group.axes) BOOST_TEST(used.count(axis.name) == 1u, group.name << " " << axis.name);
  }
  const DataGroup& hierarchy = groups[1];
  BOOST_TEST(std::get<Names>(hierarchy.axis("scaling").labels) == (Names{"raw", "scaled", "unit"}), each);
  BOOST_TEST(std::get<Integers>(hierarchy.axis("with_input").labels) == (Integers{0, 1}), each);
  BOOST_TEST(std::get<Names>(hierarchy.axis("layer").labels) == (Names{"h1", "h2", "h3", "logits"}), each);
  BOOST_TEST(std::get<Integers>(hierarchy.axis("distance").labels) == (Integers{1, 2, 3, 4}), each);
  BOOST_TEST(std::get<Names>(hierarchy.axis("source").labels) == (Names{"input", "h1", "h2", "h3", "logits"}), each);
  BOOST_TEST(hierarchy.integers("depth") == (Integers{1, 2, 3, 4}), each);
  // Row by row: h1, h2, h3 and logits by input, h1, h2, h3, logits; the skip leads from h1 to h3.
  BOOST_TEST(
      hierarchy.integers("hop_distance") == (Integers{1, 0, 0, 0, 0, 2, 1, 0, 0, 0, 2, 1, 1, 0, 0, 3, 2, 2, 1, 0}),
      each);
  const DataGroup& attribution = groups[2];
  BOOST_TEST(attribution.axis("query").size() == 3u * 8 + 3);  // the output has three neurons only
  BOOST_TEST(attribution.axis("rank").size() == 3u);
  BOOST_TEST(groups[0].axis("neuron").size() == 14u + 12 + 14 + 3);
}

BOOST_AUTO_TEST_CASE(the_values_are_those_of_the_parts) {
  const Task task;
  auto analysis = task.analysis();
  const auto groups = analysis.at(0, task.registry);
  const Neurons& neurons = analysis.neurons();
  const auto ids = sample_examples(task.setting.split.validation, 30, "analysis/examples");
  Matrix x(6, 30);
  for (Index c = 0; c < 30; ++c) x.col(c) = task.setting.data.train.x.col(ids[static_cast<std::size_t>(c)]);
  const InfluenceAnalysis influence(task.net, task.registry, neurons, view(x), {.split_skips = true});
  BOOST_TEST((analysis.targets() == sample_targets(neurons, 8, seed)));
  const HierarchySettings settings{.k = 3, .targets = analysis.targets()};
  Hierarchy found = measure_hierarchy(influence, settings);
  measure_trophic_incoherence(influence, found.values);
  std::vector<HierarchyValues> draws;
  for (int draw = 0; draw < 3; ++draw) {
    const Registry permuted = permuted_weights(task.net, task.registry, seed, draw);
    const InfluenceAnalysis of(task.net, permuted, neurons, view(x), {.split_skips = true});
    draws.push_back(measure_hierarchy(of, settings).values);
    measure_trophic_incoherence(of, draws.back());
  }
  const NullSummary null = summarise(found.values, draws);
  const DataGroup& hierarchy = groups[1];
  for (std::size_t m = 0; m < hierarchy_measures().size(); ++m) {
    const Measure& measure = hierarchy_measures()[m];
    const std::string name = measure.name;
    BOOST_TEST_CONTEXT(name) {
      same(hierarchy.doubles(name), found.values.values(m));
      same(hierarchy.doubles(name + "_null_permuted"), null.mean.values(m));
      same(hierarchy.doubles(name + "_null_permuted_sd"), null.sd.values(m));
      same(hierarchy.doubles(name + "_null_permuted_p"), null.p.values(m));
      BOOST_TEST(has(hierarchy, name + "_null_layer_size") == measure.by_layer_size);
      if (measure.by_layer_size) same(hierarchy.doubles(name + "_null_layer_size"), found.by_layer_size.values(m));
    }
  }
  BOOST_TEST(hierarchy.at("topk_fraction", {0, 1, 1, 2, 1}) ==
             found.values.at(measure_index("topk_fraction"), Scaling::scaled, true, 3, 2));
  for (std::size_t l = 1; l < 4; ++l) {
    const double mean = found.values.at(measure_index("prior_fraction"), Scaling::scaled, false, l + 1);
    BOOST_TEST(hierarchy.at("prior_fraction_neurons_low", {0, l}) <= mean + 1e-12);
    BOOST_TEST(hierarchy.at("prior_fraction_neurons_high", {0, l}) >= mean - 1e-12);
  }
  BOOST_TEST(std::isnan(hierarchy.at("prior_fraction_neurons_low", {0, 0})));  // h1 has no hidden sources

  const DataGroup& attribution = groups[2];
  std::vector<Intervention> interventions;
  std::vector<double> ablation;
  for (std::size_t q = 0; q < found.neurons.size(); ++q) {
    const NeuronAttribution& n = found.neurons[q];
    BOOST_TEST(attribution.integers("query_layer")[q] == static_cast<std::int32_t>(n.neuron.layer));
    BOOST_TEST(attribution.integers("query_neuron")[q] == n.neuron.unit);
    BOOST_TEST(attribution.integers("query_dead")[q] == 0);
    for (const auto& [top, suffix] : {std::pair(&n.scaled, ""), std::pair(&n.raw, "_raw")}) {
      BOOST_TEST(top->size() == (n.neuron.layer == 1 ? 0u : 3u));
      for (std::size_t r = 0; r < 3; ++r) {
        const std::size_t i = q * 3 + r;
        const auto integer = [&](const char* name) { return attribution.integers(std::string(name) + suffix)[i]; };
        const auto real = [&](const char* name) { return attribution.doubles(std::string(name) + suffix)[i]; };
        if (r >= top->size()) {
          BOOST_TEST(integer("topk_layer") == -1);
          BOOST_TEST(integer("topk_neuron") == -1);
          BOOST_TEST(integer("topk_distance") == -1);
          BOOST_TEST(std::isnan(real("topk_score")));
          BOOST_TEST(std::isnan(real("topk_signed")));
          continue;
        }
        const TopSource& source = (*top)[r];
        BOOST_TEST(integer("topk_layer") == static_cast<std::int32_t>(source.layer));
        BOOST_TEST(integer("topk_neuron") == source.unit);
        BOOST_TEST(integer("topk_distance") == neurons.distance(n.neuron.layer, source.layer));
        BOOST_TEST(real("topk_score") == source.score);
        BOOST_TEST(real("topk_signed") == source.signed_score);
      }
    }
    for (std::size_t r = 0; r < n.scaled.size(); ++r) {
      interventions.push_back({{n.scaled[r].layer, n.scaled[r].unit}, n.neuron});
      ablation.push_back(attribution.at("topk_ablation", {0, q, r}));
    }
    BOOST_TEST(std::isnan(attribution.at("random_ablation", {0, q})) == (n.neuron.layer == 1));
  }
  BOOST_TEST(interventions.size() == (8u + 8 + 3) * 3);
  same(ablation, ablation_effects(task.net, task.registry, influence, view(x), interventions));

  BatchBuffer buffer(task.setting.data, 30);
  const GradientByDepth g =
      gradient_by_depth(task.net, task.registry, *task.loss, neurons, buffer.gather(task.setting.data.train, ids));
  same(groups[0].doubles("mean_abs"), g.mean_abs);
  same(groups[0].doubles("norm"), g.norm);
  same(groups[0].doubles("decay_rate"), {g.exponential.rate});
  BOOST_TEST(groups[0].integers("distance_to_output") == (Integers{3, 2, 1, 0}), each);
  BOOST_TEST(groups[0].integers("neuron_layer")[14] == 1);
  const DataGroup& similarity = groups[3];
  for (std::size_t a = 0; a < 5; ++a) {
    BOOST_TEST(std::abs(similarity.at("cka", {0, a, a}) - 1) < 1e-9);
    for (std::size_t b = 0; b < a; ++b) BOOST_TEST(similarity.at("cka", {0, a, b}) == similarity.at("cka", {0, b, a}));
    BOOST_TEST(similarity.at("activation_pr", {0, a}) >= 1);
    BOOST_TEST(similarity.at("probe_accuracy", {0, a}) > 0.34);  // better than one class of three
    BOOST_TEST(similarity.at("probe_accuracy", {0, a}) <= 1);
  }
}

BOOST_AUTO_TEST_CASE(the_null_before_training) {
  const Task task;
  Registry trained = task.registry;
  task.step(trained);
  auto analysis = task.analysis();
  const DataGroup first = analysis.at(0, task.registry)[1];
  const auto second = analysis.at(5, trained);
  int moved = 0;
  for (const Measure& m : hierarchy_measures()) {
    const std::string name = m.name;
    same(first.doubles(name), first.doubles(name + "_null_init"));
    same(second[1].doubles(name + "_null_init"), first.doubles(name));
    moved += second[1].doubles(name) != first.doubles(name);
  }
  BOOST_TEST(moved > 10);
  // A run that goes on from a checkpoint has not seen epoch 0.
  auto resumed = task.analysis();
  const auto again = resumed.at(5, trained);
  for (std::size_t g = 0; g < 4; ++g) same_groups(again[g], second[g]);
}

// A rule's own parameters, which the registry holds too, change nothing.
BOOST_AUTO_TEST_CASE(the_null_before_training_under_a_rule_with_feedback) {
  Setting setting = Task::make(false, 60);
  setting.train.seed = seed;
  const auto trainer = setting.trainer(builtin_catalog().at("fa"));
  train(*trainer, 0);
  const auto loss = make_loss("cross_entropy");
  const auto analysis = [&] {
    return SnapshotAnalysis(trainer->net(), *loss, setting.data, setting.split, seed, {.neurons = 8, .examples = 30});
  };
  const DataGroup before = analysis().at(0, trainer->registry())[1];
  train(*trainer, 2);
  const DataGroup after = analysis().at(2, trainer->registry())[1];
  same(after.doubles("prior_fraction_null_init"), before.doubles("prior_fraction"));
  same(after.doubles("jacobian_mass_null_init"), before.doubles("jacobian_mass"));
  BOOST_TEST((after.doubles("jacobian_mass") != before.doubles("jacobian_mass")));
}

BOOST_AUTO_TEST_CASE(threads_do_not_show) {
  const testing::EightThreads eight;
  const Task task;
  auto alone = task.analysis();
  const auto reference = alone.at(3, task.registry);
  for (const int threads : {1, 2, 3, 8}) {
    with_threads(threads, [&] {
      auto analysis = task.analysis();
      const auto groups = analysis.at(3, task.registry);
      for (std::size_t g = 0; g < 4; ++g) {
        BOOST_TEST_CONTEXT(threads << " threads, " << groups[g].name) { same_groups(groups[g], reference[g]); }
      }
    });
  }
}

BOOST_AUTO_TEST_CASE(two_snapshots_joined) {
  const Task task;
  Registry trained = task.registry;
  task.step(trained);
  auto analysis = task.analysis();
  const auto first = analysis.at(0, task.registry), second = analysis.at(5, trained);
  for (std::size_t g = 0; g < 4; ++g) {
    const DataGroup both = joined({first[g], second[g]}, "snapshot");
    BOOST_TEST(std::get<Integers>(both.axis("snapshot").labels) == (Integers{0, 5}), each);
    for (const DataArray& array : both.arrays) {
      std::size_t size = 1;
      for (const std::string& axis : array.axes) size *= both.axis(axis).size();
      BOOST_TEST(size_of(array) == size);
    }
    same_groups(selected(both, "snapshot", {0}), first[g]);
    same_groups(selected(both, "snapshot", {5}), second[g]);
  }
  const DataGroup both = joined({first[1], second[1]}, "snapshot");
  BOOST_TEST(both.at("prior_fraction", {1, 1, 1, 2}) == second[1].at("prior_fraction", {0, 1, 1, 2}));
}

BOOST_AUTO_TEST_CASE(settings) {
  const Task task(false);
  // Nothing that was not asked for; all neurons for 0.
  AnalysisSettings settings{.neurons = 0, .examples = 30, .k = 3};
  auto plain = task.analysis(settings);
  const auto groups = plain.at(0, task.registry);
  BOOST_TEST(groups[2].axis("query").size() == 14u + 12 + 14 + 3);
  BOOST_TEST(!has(groups[1], "prior_fraction_null_permuted"));
  BOOST_TEST(!has(groups[2], "topk_ablation"));
  // Hidden sources alone, unless the input's are asked for.
  for (const std::int32_t layer : groups[2].integers("topk_layer")) BOOST_TEST(layer != 0);
  settings.attribute_input = true;
  settings.ablate = true;
  settings.targets = {{}, {3, 4}, {}, {}, {1}};
  auto asked = task.analysis(settings);
  const DataGroup attribution = asked.at(0, task.registry)[2];
  BOOST_TEST(attribution.integers("query_layer") == (Integers{1, 1, 4}), each);
  BOOST_TEST(attribution.integers("query_neuron") == (Integers{3, 4, 1}), each);
  for (std::size_t r = 0; r < 3; ++r) {
    BOOST_TEST(attribution.integers("topk_layer")[r] == 0);
    BOOST_TEST(attribution.at("topk_ablation", {0, 0, r}) > 0);
  }
  // Another seed draws other neurons.
  const SnapshotAnalysis other(task.net, *task.loss, task.setting.data, task.setting.split, seed + 1, Task::small());
  BOOST_TEST((other.targets() != task.analysis().targets()));
  // Too few examples to compare layers on.
  const Task few(false, 3);
  auto little = few.analysis({.neurons = 2, .examples = 30, .k = 3});
  const auto of_few = little.at(0, few.registry);
  for (const double cka : of_few[3].doubles("cka")) BOOST_TEST(std::isnan(cka));
  BOOST_TEST(std::get<std::int32_t>(of_few[1].notes.at(1).second) == 3);  // examples
}

// In a net of images the measures come twice, of neurons and of channels, and layers have the shape that their numbers count.
BOOST_AUTO_TEST_CASE(nets_of_images) {
  const GraphSpec spec{{1, 4, 4},
                       {{"c1", "conv2d", {"input"}, {{"channels", 6}, {"size", 3}, {"padding", 1}}},
                        {"a1", "tanh", {"c1"}, nlohmann::ordered_json::object()},
                        {"c2", "conv2d", {"a1"}, {{"channels", 5}, {"size", 3}, {"padding", 1}}},
                        {"a2", "tanh", {"c2"}, nlohmann::ordered_json::object()},
                        {"flat", "flatten", {"a2"}, nlohmann::ordered_json::object()},
                        {"out", "dense", {"flat"}, {{"units", 3}}}},
                       "out"};
  const Setting setting({.features = 16, .classes = 3, .clusters = 2, .train = 300, .test = 10}, 60, {4});
  const auto loss = make_loss("cross_entropy");
  Registry registry(seed);
  const Net net(Graph(spec), registry);
  SnapshotAnalysis analysis(net, *loss, setting.data, setting.split, seed,
                            {.neurons = 8, .examples = 30, .k = 3, .permuted = 3});
  const auto groups = analysis.at(0, registry);
  BOOST_REQUIRE(groups.size() == 5u);
  const DataGroup& attribution = groups[2];
  BOOST_TEST(attribution.integers("channels") == (Integers{1, 6, 5, 3}), each);
  BOOST_TEST(attribution.integers("height") == (Integers{4, 4, 4, 1}), each);
  BOOST_TEST(attribution.integers("width") == (Integers{4, 4, 4, 1}), each);
  const DataGroup& single = groups[1];
  const DataGroup& pooled = groups[4];
  BOOST_TEST(pooled.name == "hierarchy_channels");
  BOOST_TEST(names(pooled) == names(single), each);
  BOOST_TEST(pooled.integers("targets") == (Integers{6, 5, 3}), each);
  BOOST_TEST(single.integers("targets") == (Integers{8, 8, 3}), each);
  // The layer before has 5 of 11 channels, or of 176 neurons 80.
  BOOST_TEST(std::abs(pooled.at("prior_fraction_null_layer_size", {0, 1, 0, 2}) - 5.0 / 11) < 1e-9);
  BOOST_TEST(std::abs(single.at("prior_fraction_null_layer_size", {0, 1, 0, 2}) - 80.0 / 176) < 1e-9);
  BOOST_TEST(pooled.at("jacobian_mass", {0, 1, 0, 2, 0}) != single.at("jacobian_mass", {0, 1, 0, 2, 0}));
  BOOST_TEST(pooled.at("jacobian_mass", {0, 1, 0, 2, 0}) == pooled.at("jacobian_mass_null_init", {0, 1, 0, 2, 0}));
  // The null before training does not depend on having been there.
  SnapshotAnalysis later(net, *loss, setting.data, setting.split, seed, {.neurons = 8, .examples = 30, .k = 3});
  const DataGroup of_later = later.at(5, registry)[4];
  same(of_later.doubles("prior_fraction_null_init"), pooled.doubles("prior_fraction_null_init"));
}
