#include "framework/analysis/snapshot.hpp"

#include <algorithm>
#include <numeric>

#include "framework/analysis/ablation.hpp"
#include "framework/analysis/bootstrap.hpp"
#include "framework/analysis/gradient_depth.hpp"
#include "framework/analysis/linear_probe.hpp"
#include "framework/analysis/similarity.hpp"
#include "framework/analysis/trophic.hpp"
#include "framework/core/errors.hpp"
#include "framework/learning/batch_buffer.hpp"

namespace strata {
namespace {

// For what needs more examples than influences do.
constexpr Index similarity_examples = 512;
constexpr Index probe_train_examples = 2000;
constexpr Index probe_test_examples = 1000;

using Names = std::vector<std::string>;
using Doubles = std::vector<double>;
using Integers = std::vector<std::int32_t>;

DataAxis layer_axis(const Neurons& neurons, bool with_input) {
  Names names = neurons.names();
  if (!with_input) names.erase(names.begin());
  return {"layer", names, with_input ? "layer of neurons; 0 is the input" : "layer of neurons, by its weights' name"};
}

Matrix columns_of(const Matrix& x, const std::vector<Index>& ids) {
  Matrix some(x.rows(), static_cast<Index>(ids.size()));
  for (std::size_t i = 0; i < ids.size(); ++i) some.col(static_cast<Index>(i)) = x.col(ids[i]);
  return some;
}

std::vector<std::int32_t> labels_of(const Examples& examples, const std::vector<Index>& ids) {
  std::vector<std::int32_t> labels;
  for (const Index id : ids) labels.push_back(examples.labels[static_cast<std::size_t>(id)]);
  return labels;
}

// What each layer of neurons says to some examples.
std::vector<View> representations(const Net& net, const Registry& registry, const Neurons& neurons, const Matrix& x,
                                  Activations& acts) {
  Ctx ctx;
  ctx.mode = Mode::evaluate;
  ctx.update_stats = false;
  net.forward(ctx, registry, view(x), acts);
  std::vector<View> layers;
  for (const NeuronLayer& layer : neurons.layers()) layers.push_back(acts[layer.node]);
  return layers;
}

// Collects arrays whose first axis is the snapshot.
class Arrays {
 public:
  explicit Arrays(DataGroup& group) : group_(group) {}
  template <class Values>
  void add(const std::string& name, Names axes, Values values, const std::string& long_name,
           const std::string& units = "1") {
    axes.insert(axes.begin(), "snapshot");
    group_.arrays.push_back({name, std::move(axes), std::move(values), long_name, units});
  }

 private:
  DataGroup& group_;
};

Names axes_of(Extent extent) {
  Names axes{"scaling", "with_input"};
  if (extent != Extent::net) axes.emplace_back("layer");
  if (extent == Extent::distance) axes.emplace_back("distance");
  return axes;
}

}  // namespace

DataAxis snapshot_axis(int epoch) {
  return {"snapshot", Integers{epoch}, "epochs trained when it was measured; 0 is before training"};
}

SnapshotAnalysis::SnapshotAnalysis(const Net& net, const Loss& loss, const Dataset& data, const Split& split,
                                   std::uint64_t seed, const AnalysisSettings& settings)
    : net_(net), loss_(loss), data_(data), split_(split), seed_(seed),
      settings_(settings), single_{"hierarchy", "", Neurons(net.graph()), settings.targets, {}},
      examples_(sample_examples(split.validation, settings.examples, "analysis/examples")),
      x_(columns_of(data.train.x, examples_)) {
  if (settings.targets.empty()) single_.targets = sample_targets(single_.neurons, settings.neurons, seed);
  if (single_.neurons.has_channels()) {
    channels_ = {"hierarchy_channels",
                 "as /hierarchy, with the mean of a channel over its positions as one neuron",
                 Neurons::of_channels(net.graph()),
                 {},
                 {}};
    channels_->targets = sample_targets(channels_->neurons, settings.neurons, seed);
  }
}

InfluenceOptions SnapshotAnalysis::influence_options() const {
  InfluenceOptions options;
  options.split_skips = !single_.neurons.skip_edges().empty();
  return options;
}

Hierarchy SnapshotAnalysis::hierarchy_of(const Level& level, const InfluenceAnalysis& analysis) const {
  Hierarchy found = measure_hierarchy(
      analysis, {.k = settings_.k, .targets = level.targets, .attribute_input = settings_.attribute_input});
  measure_trophic_incoherence(analysis, found.values);
  return found;
}

const HierarchyValues& SnapshotAnalysis::init_null(Level& level) const {
  if (!level.init) {
    Registry initial(seed_);
    const Net net(net_.graph(), initial);
    const InfluenceAnalysis analysis(net, initial, level.neurons, view(x_), influence_options());
    level.init = hierarchy_of(level, analysis).values;
  }
  return *level.init;
}

std::vector<DataGroup> SnapshotAnalysis::at(int epoch, const Registry& registry) {
  const InfluenceAnalysis analysis(net_, registry, single_.neurons, view(x_), influence_options());
  const Hierarchy found = hierarchy_of(single_, analysis);
  if (epoch == 0) single_.init = found.values;
  std::vector<DataGroup> groups{gradient_group(epoch, registry), hierarchy_group(epoch, registry, single_, found),
                                attribution_group(epoch, registry, analysis, found), similarity_group(epoch, registry)};
  if (channels_) {
    const InfluenceAnalysis of_channels(net_, registry, channels_->neurons, view(x_), influence_options());
    const Hierarchy pooled = hierarchy_of(*channels_, of_channels);
    if (epoch == 0) channels_->init = pooled.values;
    groups.push_back(hierarchy_group(epoch, registry, *channels_, pooled));
  }
  return groups;
}

DataGroup SnapshotAnalysis::gradient_group(int epoch, const Registry& registry) const {
  BatchBuffer buffer(data_, static_cast<Index>(examples_.size()));
  const GradientByDepth g =
      gradient_by_depth(net_, registry, loss_, single_.neurons, buffer.gather(data_.train, examples_));
  Integers neuron(g.neuron.size()), layer_of_neuron;
  std::iota(neuron.begin(), neuron.end(), 0);
  for (std::size_t l = 1; l < single_.neurons.size(); ++l) {
    layer_of_neuron.insert(layer_of_neuron.end(), static_cast<std::size_t>(single_.neurons[l].units),
                           static_cast<std::int32_t>(l - 1));
  }
  DataGroup group{"gradient", {snapshot_axis(epoch), layer_axis(single_.neurons, false)}, {}, {}};
  group.axes.push_back({"neuron", neuron, "all neurons but the input's, layer by layer"});
  group.notes = {{"examples", static_cast<std::int32_t>(examples_.size())},
                 {"title", std::string("true gradient of the loss by activations, whatever the rule")}};
  group.arrays.push_back({"distance_to_output",
                          {"layer"},
                          Integers(g.distance.begin(), g.distance.end()),
                          "layers with weights between here and the output",
                          "layer"});
  group.arrays.push_back(
      {"neuron_layer", {"neuron"}, layer_of_neuron, "index of the neuron's layer along the axis layer", "1"});
  Arrays arrays(group);
  arrays.add("mean_abs", {"layer"}, g.mean_abs, "mean |dL/da| over neurons and examples");
  arrays.add("norm", {"layer"}, g.norm, "root mean square over examples of the norm of dL/da");
  arrays.add("neuron_mean_abs", {"neuron"}, g.neuron, "mean |dL/da| over examples");
  const std::string of = " of mean_abs with distance_to_output over hidden layers";
  arrays.add("decay_rate", {}, Doubles{g.exponential.rate}, "rate of the exponential decay" + of, "1/layer");
  arrays.add("decay_rate_low", {}, Doubles{g.exponential.low}, "lower end of its 95 % interval", "1/layer");
  arrays.add("decay_rate_high", {}, Doubles{g.exponential.high}, "upper end of its 95 % interval", "1/layer");
  arrays.add("decay_r2", {}, Doubles{g.exponential.r2}, "coefficient of determination of the exponential fit");
  arrays.add("power_rate", {}, Doubles{g.power.rate}, "exponent of the power law" + of);
  arrays.add("power_r2", {}, Doubles{g.power.r2}, "coefficient of determination of the power law's fit");
  return group;
}

DataGroup SnapshotAnalysis::hierarchy_group(int epoch, const Registry& registry, Level& level,
                                            const Hierarchy& found) const {
  const Neurons& neurons = level.neurons;
  Integers distances(static_cast<std::size_t>(neurons.depth()));
  std::iota(distances.begin(), distances.end(), 1);
  DataGroup group{level.group, {snapshot_axis(epoch)}, {}, {}};
  group.axes.push_back({"scaling", Names(scaling_names.begin(), scaling_names.end()), "of influences"});
  group.axes.push_back({"with_input", Integers{0, 1}, "1: the input's features are among the sources"});
  group.axes.push_back(layer_axis(neurons, false));
  group.axes.push_back({"distance", distances, "depth of the target's layer minus depth of the source's"});
  group.axes.push_back({"source", neurons.names(), "layer of sources"});
  group.notes = {{"k", settings_.k},
                 {"examples", static_cast<std::int32_t>(examples_.size())},
                 {"permuted_draws", settings_.permuted},
                 {"skip_edges", static_cast<std::int32_t>(neurons.skip_edges().size())}};
  if (const std::string title = level.title; !title.empty()) group.notes.emplace_back("title", title);
  Integers depth, hops;
  for (std::size_t t = 1; t < neurons.size(); ++t) {
    depth.push_back(neurons[t].depth);
    for (std::size_t s = 0; s < neurons.size(); ++s) hops.push_back(neurons.hops(t, s));
  }
  group.arrays.push_back({"depth", {"layer"}, depth, "longest path from the input in layers with weights", "layer"});
  group.arrays.push_back(
      {"hop_distance", {"layer", "source"}, hops, "fewest steps between layers of neurons; 0: not upstream", "layer"});

  std::optional<NullSummary> permuted;
  if (settings_.permuted > 0) {
    std::vector<HierarchyValues> draws;
    for (int draw = 0; draw < settings_.permuted; ++draw) {
      const Registry shuffled = permuted_weights(net_, registry, seed_, draw);
      const InfluenceAnalysis analysis(net_, shuffled, neurons, view(x_), influence_options());
      draws.push_back(hierarchy_of(level, analysis).values);
    }
    permuted = summarise(found.values, draws);
  }
  const HierarchyValues& init = init_null(level);

  Arrays arrays(group);
  arrays.add("targets", {"layer"}, found.targets, "living neurons that were analysed", "neuron");
  arrays.add("dead", {"layer"}, found.dead, "neurons of the layer with the same activation for all examples", "neuron");
  const auto measures = hierarchy_measures();
  for (std::size_t m = 0; m < measures.size(); ++m) {
    const std::string measure = measures[m].name;
    const std::string what = measures[m].long_name;
    const auto add = [&](const std::string& suffix, const HierarchyValues& values, const std::string& null) {
      arrays.add(measure + suffix, axes_of(measures[m].extent), values.values(m), what + null, measures[m].units);
    };
    add("", found.values, "");
    if (measures[m].by_layer_size) {
      add("_null_layer_size", found.by_layer_size, ", with the k drawn at random among the candidates");
    }
    if (permuted) {
      add("_null_permuted", permuted->mean, ", mean over draws with each matrix's weights permuted");
      add("_null_permuted_sd", permuted->sd, ", standard deviation over those draws");
      add("_null_permuted_p", permuted->p, ", one-sided p of a value as high among those draws");
    }
    add("_null_init", init, ", before training");
  }

  // How far the sample of neurons may mislead: by resampling them, scaled, as in /attribution.
  Doubles low, high;
  for (std::size_t l = 1; l < neurons.size(); ++l) {
    Doubles fractions;
    for (const NeuronAttribution& n : found.neurons) {
      if (n.neuron.layer == l && !n.dead) fractions.push_back(n.prior_fraction);
    }
    const auto interval = bootstrap_interval(fractions, Rng(seed_, "analysis/bootstrap/" + neurons[l].name));
    low.push_back(interval.low);
    high.push_back(interval.high);
  }
  arrays.add("prior_fraction_neurons_low", {"layer"}, low,
             "lower end of the 95 % bootstrap interval over the layer's neurons, scaled, sources as in /attribution");
  arrays.add("prior_fraction_neurons_high", {"layer"}, high, "upper end of that interval");
  return group;
}

DataGroup SnapshotAnalysis::attribution_group(int epoch, const Registry& registry, const InfluenceAnalysis& analysis,
                                              const Hierarchy& found) const {
  const auto k = static_cast<std::size_t>(settings_.k);
  const std::size_t queries = found.neurons.size();
  Integers query(queries), rank(k), query_layer, query_neuron, dead;
  std::iota(query.begin(), query.end(), 0);
  std::iota(rank.begin(), rank.end(), 1);
  Doubles prior, p;
  for (const NeuronAttribution& n : found.neurons) {
    query_layer.push_back(static_cast<std::int32_t>(n.neuron.layer));
    query_neuron.push_back(static_cast<std::int32_t>(n.neuron.unit));
    dead.push_back(n.dead ? 1 : 0);
    prior.push_back(n.prior_fraction);
    p.push_back(n.hypergeometric_p);
  }
  DataGroup group{"attribution", {snapshot_axis(epoch)}, {}, {}};
  group.axes.push_back({"query", query, "the neuron asked about"});
  group.axes.push_back({"rank", rank, "1 is the strongest source"});
  group.axes.push_back(layer_axis(single_.neurons, true));
  group.notes = {{"k", settings_.k},
                 {"examples", static_cast<std::int32_t>(examples_.size())},
                 {"with_input", settings_.attribute_input ? 1 : 0},
                 {"title", std::string("sources with the largest mean |da_query/da_source|, times sd_source/sd_query; "
                                       "the variables *_raw: without that factor")}};
  group.arrays.push_back(
      {"query_layer", {"query"}, query_layer, "index of the neuron's layer along the axis layer", "1"});
  group.arrays.push_back({"query_neuron", {"query"}, query_neuron, "the neuron's number within its layer", "1"});
  std::array<Integers, 3> shape;
  for (const NeuronLayer& layer : neurons().layers()) {
    for (std::size_t d = 0; d < 3; ++d) shape[d].push_back(static_cast<std::int32_t>(layer.image[d]));
  }
  const std::string number = " of the layer; neuron number = (channel·height + row)·width + column";
  group.arrays.push_back({"channels", {"layer"}, shape[0], "channels" + number, "1"});
  group.arrays.push_back({"height", {"layer"}, shape[1], "rows" + number, "1"});
  group.arrays.push_back({"width", {"layer"}, shape[2], "columns" + number, "1"});
  Arrays arrays(group);
  arrays.add("query_dead", {"query"}, dead, "1: its activation is the same for all examples");
  arrays.add("prior_fraction", {"query"}, prior, "share of the k strongest sources in the layer just before");
  arrays.add("hypergeometric_p", {"query"}, p,
             "probability of that many or more if k were drawn at random among the candidates");

  std::vector<Intervention> interventions;
  for (const Scaling scaling : {Scaling::scaled, Scaling::raw}) {
    Integers layer(queries * k, -1), neuron(queries * k, -1), distance(queries * k, -1);
    Doubles score(queries * k, quiet_nan), with_sign(score);
    for (std::size_t q = 0; q < queries; ++q) {
      const auto& top = scaling == Scaling::raw ? found.neurons[q].raw : found.neurons[q].scaled;
      for (std::size_t r = 0; r < top.size(); ++r) {
        const std::size_t i = q * k + r;
        layer[i] = static_cast<std::int32_t>(top[r].layer);
        neuron[i] = static_cast<std::int32_t>(top[r].unit);
        distance[i] = single_.neurons.distance(found.neurons[q].neuron.layer, top[r].layer);
        score[i] = top[r].score;
        with_sign[i] = top[r].signed_score;
        if (scaling == Scaling::scaled) {
          interventions.push_back({{top[r].layer, top[r].unit}, found.neurons[q].neuron});
        }
      }
    }
    const std::string suffix = scaling == Scaling::raw ? "_raw" : "";
    const Names axes{"query", "rank"};
    arrays.add("topk_layer" + suffix, axes, layer, "index of the source's layer along the axis layer; -1: none");
    arrays.add("topk_neuron" + suffix, axes, neuron, "the source's number within its layer; -1: none");
    arrays.add("topk_distance" + suffix, axes, distance, "depth of the query's layer minus depth of the source's",
               "layer");
    arrays.add("topk_score" + suffix, axes, score, "influence: mean over examples of |da_query/da_source|");
    arrays.add("topk_signed" + suffix, axes, with_sign, "mean over examples of da_query/da_source, with its sign");
  }
  if (!settings_.ablate) return group;

  // Beside each query's strongest sources one at random, to see that the order means something.
  const std::size_t of_top = interventions.size();
  std::vector<std::size_t> random_of;  // query of each random source
  for (std::size_t q = 0; q < queries; ++q) {
    const NeuronRef target = found.neurons[q].neuron;
    std::vector<NeuronRef> candidates;
    for (std::size_t s = settings_.attribute_input ? 0 : 1; s < target.layer; ++s) {
      if (!single_.neurons.upstream(target.layer, s)) continue;
      for (Index i = 0; i < single_.neurons[s].units; ++i) {
        if (!analysis.moments().dead[static_cast<std::size_t>(single_.neurons[s].first + i)])
          candidates.push_back({s, i});
      }
    }
    if (candidates.empty()) continue;
    const auto pick = Rng(seed_, "analysis/ablation").below(candidates.size(), q);
    interventions.push_back({candidates[pick], target});
    random_of.push_back(q);
  }
  const auto effects = ablation_effects(net_, registry, analysis, view(x_), interventions);
  Doubles top(queries * k, quiet_nan), random(queries, quiet_nan);
  std::size_t next = 0;
  for (std::size_t q = 0; q < queries; ++q) {
    for (std::size_t r = 0; r < found.neurons[q].scaled.size(); ++r) top[q * k + r] = effects[next++];
  }
  for (std::size_t i = 0; i < random_of.size(); ++i) random[random_of[i]] = effects[of_top + i];
  arrays.add("topk_ablation", {"query", "rank"}, top,
             "mean |change of a_query| / sd_query when the source is held at its mean");
  arrays.add("random_ablation", {"query"}, random, "the same for a source drawn at random among the candidates");
  return group;
}

DataGroup SnapshotAnalysis::similarity_group(int epoch, const Registry& registry) const {
  DataGroup group{"similarity", {snapshot_axis(epoch), layer_axis(single_.neurons, true)}, {}, {}};
  group.axes.push_back({"layer_other", single_.neurons.names(), "the other layer"});
  Activations acts(net_.graph());
  const auto some = sample_examples(split_.validation, similarity_examples, "analysis/similarity");
  const Matrix x = columns_of(data_.train.x, some);
  const auto layers = representations(net_, registry, single_.neurons, x, acts);
  const std::size_t n = single_.neurons.size();
  Doubles cka(n * n, quiet_nan), pr;
  if (some.size() >= 4) {
    const Eigen::MatrixXd all = debiased_cka(layers);
    for (std::size_t a = 0; a < n; ++a) {
      for (std::size_t b = 0; b < n; ++b) cka[a * n + b] = all(static_cast<Index>(a), static_cast<Index>(b));
    }
  }
  for (const View& layer : layers) pr.push_back(participation_ratio(layer));

  const auto train = sample_examples(split_.train, probe_train_examples, "analysis/probe train");
  const auto test = sample_examples(split_.validation, probe_test_examples, "analysis/probe test");
  const auto train_labels = labels_of(data_.train, train), test_labels = labels_of(data_.train, test);
  Activations test_acts(net_.graph());
  const Matrix train_x = columns_of(data_.train.x, train), test_x = columns_of(data_.train.x, test);
  const auto train_layers = representations(net_, registry, single_.neurons, train_x, acts);
  const auto test_layers = representations(net_, registry, single_.neurons, test_x, test_acts);
  Doubles accuracy;
  for (std::size_t l = 0; l < n; ++l) {
    accuracy.push_back(
        linear_probe_accuracy(train_layers[l], train_labels, test_layers[l], test_labels, data_.classes));
  }
  group.notes = {{"examples", static_cast<std::int32_t>(some.size())},
                 {"probe_train_examples", static_cast<std::int32_t>(train.size())},
                 {"probe_test_examples", static_cast<std::int32_t>(test.size())}};
  Arrays arrays(group);
  arrays.add("cka", {"layer", "layer_other"}, cka, "debiased linear CKA between two layers (2010.15327)");
  arrays.add("activation_pr", {"layer"}, pr, "participation ratio of the activations' covariance: effective dimension");
  arrays.add("probe_accuracy", {"layer"}, accuracy, "accuracy of a linear probe on validation examples");
  return group;
}

}  // namespace strata
