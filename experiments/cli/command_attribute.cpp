// `strata attribute`: what a finished run's neurons depend on, analysed again with other neurons, examples or k.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <optional>

#include "experiments/cli/build_info.hpp"
#include "experiments/cli/commands.hpp"
#include "experiments/cli/memory.hpp"
#include "experiments/cli/new_file.hpp"
#include "experiments/cli/plan.hpp"
#include "experiments/cli/text.hpp"
#include "experiments/cli/train_options.hpp"
#include "experiments/cli/trained_net.hpp"
#include "framework/analysis/influence_group.hpp"
#include "framework/analysis/similarity.hpp"
#include "framework/core/errors.hpp"
#include "framework/io/analysis_file.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata::cli {
namespace {

using Json = nlohmann::ordered_json;
using Names = std::vector<std::string>;
using Targets = std::vector<std::vector<Index>>;

constexpr Index similarity_examples = 512;
constexpr std::size_t shown_queries = 20;

// "h3:17,h2" as neurons by layer.
Targets parse_query(const Neurons& neurons, const Values& values) {
  Targets targets(neurons.size());
  for (const std::string& item : values.list("query")) {
    const std::size_t layer =
        item.find(':') == std::string::npos ? neurons.find(item) : parse_neuron(neurons, item).layer;
    if (layer == 0) {
      auto known = neurons.names();
      known.erase(known.begin());
      throw UsageError(cat("--query ", item, ": an input has nothing before it; expected a neuron of ", join(known)));
    }
    auto& units = targets[layer];
    if (item.find(':') == std::string::npos) {
      for (Index i = 0; i < neurons[layer].units; ++i) units.push_back(i);
    } else {
      units.push_back(parse_neuron(neurons, item).unit);
    }
    std::sort(units.begin(), units.end());
    units.erase(std::unique(units.begin(), units.end()), units.end());
  }
  return targets;
}

// k against what the neurons that were asked for have before them.
void check_query(const Targets& targets, const Neurons& neurons, int k, bool with_input) {
  for (std::size_t t = 1; t < neurons.size(); ++t) {
    if (targets[t].empty()) continue;
    Index before = 0;
    for (std::size_t s = with_input ? 0 : 1; s < t; ++s) before += neurons.upstream(t, s) ? neurons[s].units : 0;
    if (before == 0) {
      throw UsageError(cat("--query ", neurons[t].name,
                           ": has no hidden neurons before it; add --with-input to count the input's features"));
    }
    if (k > before) {
      throw UsageError(cat("--k ", k, ": expected 1 to ", before, ", the neurons before ", neurons[t].name));
    }
  }
}

void check_memory(const Neurons& neurons, const Targets& targets) {
  check_fits("--influences", influence_group_bytes(neurons, targets), available_memory(),
             cat("ask layer by layer, into a file each (--query ", neurons[neurons.size() - 1].name,
                 "), for fewer --neurons, or leave --influences out"));
}

Matrix columns(const Matrix& x, const std::vector<Index>& ids) {
  Matrix some(x.rows(), static_cast<Index>(ids.size()));
  for (std::size_t i = 0; i < ids.size(); ++i) some.col(static_cast<Index>(i)) = x.col(ids[i]);
  return some;
}

// A net's neurons on some examples; the layers show what `acts` holds.
struct Representation {
  Representation(const TrainedNet& trained, View x) : neurons(trained.graph()), acts(trained.graph()) {
    Ctx ctx;
    ctx.mode = Mode::evaluate;
    ctx.update_stats = false;
    trained.net().forward(ctx, trained.registry(), x, acts);
    for (const NeuronLayer& layer : neurons.layers()) layers.push_back(acts[layer.node]);
  }
  Neurons neurons;
  Activations acts;
  std::vector<View> layers;
};

// CKA of every layer with every layer of other runs on the same data.
DataGroup similarity_to(const Program& program, const TrainedNet& trained, const TrainingData& data,
                        const Names& files) {
  const auto ids = sample_examples(data.split.validation, similarity_examples, "analysis/similarity");
  if (ids.size() < 4) throw UsageError("--against: expected a run with 4 validation examples or more");
  const Matrix x = columns(data.data.train.x, ids);
  const Representation mine(trained, view(x));
  Names runs, others;  // and the layers of all other runs
  std::vector<Eigen::MatrixXd> found;
  std::vector<Names> layers;
  for (const std::string& file : files) {
    const TrainedNet other(program, file);
    if (other.config().at("dataset") != trained.config().at("dataset")) {
      throw DataError(cat("--against ", file, ": was trained on other data or another split: expected ",
                          trained.config().at("dataset").dump(), ", found ", other.config().at("dataset").dump()));
    }
    const Representation theirs(other, view(x));
    found.push_back(debiased_cka(mine.layers, theirs.layers));
    layers.push_back(theirs.neurons.names());
    for (const std::string& name : layers.back()) {
      add_missing(others, name);
    }
    runs.push_back(
        cat(other.record().rule, "-", other.record().network, "-s", other.record().seed, "-", other.record().hash));
  }
  std::vector<double> cka(files.size() * mine.layers.size() * others.size(), quiet_nan);
  for (std::size_t r = 0; r < files.size(); ++r) {
    for (std::size_t b = 0; b < layers[r].size(); ++b) {
      const auto at = static_cast<std::size_t>(std::find(others.begin(), others.end(), layers[r][b]) - others.begin());
      for (std::size_t a = 0; a < mine.layers.size(); ++a) {
        cka[(r * mine.layers.size() + a) * others.size() + at] = found[r](static_cast<Index>(a), static_cast<Index>(b));
      }
    }
  }
  DataGroup group{"similarity_to", {}, {}, {{"examples", static_cast<std::int32_t>(ids.size())}}};
  group.axes = {{"run", runs, "the other run"},
                {"layer", mine.neurons.names(), "layer of neurons of this run"},
                {"layer_other", others, "layer of neurons of the other run"}};
  group.arrays = {
      {"cka", {"run", "layer", "layer_other"}, cka, "debiased linear CKA between two layers (2010.15327)", "1"}};
  return group;
}

const DataGroup& group_of(const std::vector<DataGroup>& groups, const std::string& name) {
  return *std::find_if(groups.begin(), groups.end(), [&](const DataGroup& g) { return g.name == name; });
}

std::string number(double value) {
  if (std::isnan(value)) return "–";
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}

const Names& names_along(const DataGroup& group, const std::string& axis) {
  return std::get<Names>(group.axis(axis).labels);
}

// The share of the strongest sources in the layer before, beside what it would be for other reasons.
std::string layers_text(const DataGroup& hierarchy, const Targets& targets, bool permuted, bool with_input, int k) {
  const Names& layers = names_along(hierarchy, "layer");
  Names header{"layer", "neurons", "dead", "scaled", "before training", "by size"};
  if (permuted) header.insert(header.begin() + 5, {"permuted", "p"});
  header.insert(header.end(), {"raw", "before training"});
  if (permuted) header.emplace_back("permuted");
  std::vector<Names> rows;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (targets[l + 1].empty()) continue;
    const auto at = [&](const std::string& suffix, std::size_t scaling) {
      return number(hierarchy.at("prior_fraction" + suffix, {0, scaling, with_input ? 1U : 0U, l}));
    };
    Names row{layers[l], std::to_string(hierarchy.integers("targets")[l]),
              std::to_string(hierarchy.integers("dead")[l]), at("", 1), at("_null_init", 1)};
    if (permuted) row.insert(row.end(), {at("_null_permuted", 1), at("_null_permuted_p", 1)});
    row.insert(row.end(), {at("_null_layer_size", 1), at("", 0), at("_null_init", 0)});
    if (permuted) row.push_back(at("_null_permuted", 0));
    rows.push_back(std::move(row));
  }
  std::vector<std::size_t> right;
  for (std::size_t c = 1; c < header.size(); ++c) right.push_back(c);
  return cat("Share of the ", k, " strongest sources that lie in the layer just before, ",
             with_input ? "the input's features counted in" : "hidden sources alone", ":\n\n",
             aligned(header, rows, right),
             "\nscaled: influences times sd of source / sd of target; raw: as they are, which mostly says how large "
             "weights are.\n");
}

std::string queries_text(const DataGroup& attribution) {
  const auto query_layer = attribution.integers("query_layer");
  const auto query_neuron = attribution.integers("query_neuron");
  const auto dead = attribution.integers("query_dead");
  const Names& layers = names_along(attribution, "layer");
  const std::size_t k = attribution.axis("rank").size();
  const auto& source_layer = attribution.integers("topk_layer");
  const auto& source_neuron = attribution.integers("topk_neuron");
  const auto& score = attribution.doubles("topk_score");
  const auto& with_sign = attribution.doubles("topk_signed");
  const bool ablated = std::any_of(attribution.arrays.begin(), attribution.arrays.end(),
                                   [](const DataArray& a) { return a.name == "topk_ablation"; });
  std::string text = "\nStrongest sources, scaled influence (its mean with sign";
  text += ablated ? "; change when held at its mean):\n\n" : "):\n\n";
  for (std::size_t q = 0; q < query_layer.size() && q < shown_queries; ++q) {
    text += cat(layers[static_cast<std::size_t>(query_layer[q])], ":", query_neuron[q]);
    if (dead[q] != 0) text += "  dead: the same activation for all examples";
    for (std::size_t r = 0; r < k; ++r) {
      const std::size_t i = q * k + r;
      if (source_layer[i] < 0) break;
      text += cat("  ", layers[static_cast<std::size_t>(source_layer[i])], ":", source_neuron[i], " ", number(score[i]),
                  " (", number(with_sign[i]));
      if (ablated) text += cat("; ", number(attribution.doubles("topk_ablation")[i]));
      text += ")";
    }
    text += '\n';
  }
  if (query_layer.size() > shown_queries)
    text += cat("… and ", query_layer.size() - shown_queries, " more in the file of --out\n");
  return text;
}

std::string similarity_text(const DataGroup& group) {
  const Names& runs = names_along(group, "run");
  const Names& layers = names_along(group, "layer");
  const Names& others = names_along(group, "layer_other");
  Names header{"CKA with"};
  header.insert(header.end(), layers.begin(), layers.end());
  std::vector<Names> rows;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    Names row{runs[r]};
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const auto same = std::find(others.begin(), others.end(), layers[l]);
      row.push_back(same == others.end()
                        ? "–"
                        : number(group.at("cka", {r, l, static_cast<std::size_t>(same - others.begin())})));
    }
    rows.push_back(std::move(row));
  }
  std::vector<std::size_t> right;
  for (std::size_t c = 1; c < header.size(); ++c) right.push_back(c);
  return cat("\nSimilarity of equally named layers on the same examples:\n\n", aligned(header, rows, right));
}

Json json_of(const std::vector<DataGroup>& groups, const TrainedNet& trained) {
  Json all = {{"rule", trained.record().rule},
              {"network", trained.record().network},
              {"dataset", trained.record().dataset},
              {"seed", trained.record().seed},
              {"epoch", trained.epoch()}};
  const auto values = [](const auto& list) {
    Json array = Json::array();
    for (const auto& v : list) {
      if constexpr (std::is_floating_point_v<std::decay_t<decltype(v)>>) {
        array.push_back(std::isfinite(v) ? Json(v) : Json(nullptr));
      } else {
        array.push_back(v);
      }
    }
    return array;
  };
  for (const DataGroup& group : groups) {
    Json& g = all[group.name];
    for (const DataAxis& axis : group.axes) g["axes"][axis.name] = std::visit(values, axis.labels);
    for (const DataArray& a : group.arrays)
      g["variables"][a.name] = {{"axes", a.axes}, {"values", std::visit(values, a.values)}};
  }
  return all;
}

std::vector<OptionDef> attribute_options() {
  return {{"query", "", "NEURON,…", "neurons to ask about: h3:17, or h3 for the whole layer; by default --neurons"},
          {"neurons", "all", "N", "neurons sampled in each layer; or all"},
          {"examples", "64", "N", "validation examples"},
          {"k", "5", "N", "strongest sources of a neuron"},
          {"permuted", "20", "N", "draws of the null with permuted weights"},
          {"with-input", "", "", "the input's features may be among the strongest sources too"},
          {"ablate", "", "", "also hold each strongest source at its mean, as a causal check"},
          {"influences", "", "", "also keep the influence of every neuron on those asked about (needs --out)"},
          {"against", "", "FILE,…", "also CKA with the layers of other runs on the same data", {.files = "*.h5"}},
          {"out", "", "FILE.h5", "a new file for all that was found; by default it is only printed", {.files = "*.h5"}},
          data_option(),
          threads_option(),
          {"json", "", "", "print everything as JSON"}};
}

int attribute(const Program& program, const Arguments& arguments) {
  Names files;
  const Values values = parse_values(attribute_options(), {}, arguments, &files);
  if (files.empty()) throw UsageError("attribute: expected a run file");
  if (files.size() > 1) throw UsageError(cat("attribute: stray word '", files[1], "'; expected one run file"));
  if (values.given("query") && values.given("neurons")) throw UsageError("--query and --neurons: expected one of them");
  const std::filesystem::path out = values.text("out");
  if (values.flag("influences") && out.empty())
    throw UsageError("--influences: expected --out FILE.h5 to keep them in");
  if (!out.empty()) check_new_file(out);
  const int threads = threads_of(values);

  const TrainedNet trained(program, files[0]);
  const Neurons neurons(trained.graph());
  const bool with_input = values.flag("with-input");
  Targets targets;
  const auto k = static_cast<int>(values.integer("k", 1, 1'000'000));
  if (values.given("query")) {
    targets = parse_query(neurons, values);
    check_query(targets, neurons, k, with_input);
  } else if (values.given("k")) {
    check_k(k, neurons);
  }
  const TrainingData data = load_training_data(program, trained, values.text("data"));
  AnalysisSettings settings = analysis_settings(values, static_cast<Index>(data.split.validation.size()));
  settings.attribute_input = with_input;
  settings.targets = targets.empty()
                         ? sample_targets(neurons, settings.neurons, static_cast<std::uint64_t>(trained.record().seed))
                         : targets;
  if (values.flag("influences")) check_memory(neurons, settings.targets);

  std::vector<DataGroup> groups;
  with_threads(threads, [&] {
    SnapshotAnalysis analysis(trained.net(), trained.loss(), data.data, data.split,
                              static_cast<std::uint64_t>(trained.record().seed), settings);
    groups = analysis.at(trained.epoch(), trained.registry());
    if (values.given("against")) groups.push_back(similarity_to(program, trained, data, values.list("against")));
    if (values.flag("influences")) {
      const Matrix x =
          columns(data.data.train.x, sample_examples(data.split.validation, settings.examples, "analysis/examples"));
      const InfluenceAnalysis influences(trained.net(), trained.registry(), neurons, view(x));
      groups.push_back(influence_group(influences, settings.targets));
    }
  });

  if (!out.empty()) {
    AnalysisRecord record;
    record.title = cat("analysis of ", trained.describe());
    record.history = command_line("attribute", arguments);
    record.source = build_info().source();
    record.provenance = {{"rule", trained.record().rule},
                         {"network", trained.record().network},
                         {"dataset", trained.record().dataset},
                         {"seed", trained.record().seed},
                         {"hash", trained.record().hash},
                         {"epoch", trained.epoch()},
                         {"run_file", std::filesystem::path(files[0]).filename().string()},
                         {"command_line", record.history},
                         {"config", trained.config().dump()}};
    record.groups = groups;
    write_analysis_file(out, record);
  }
  if (values.flag("json")) {
    std::cout << json_of(groups, trained).dump(2) << '\n';
    return 0;
  }
  std::cout << trained.describe() << ": weights of epoch " << trained.epoch() << ", " << settings.examples
            << " validation examples\n\n"
            << layers_text(group_of(groups, "hierarchy"), settings.targets, settings.permuted > 0, with_input,
                           settings.k);
  if (values.given("query") || group_of(groups, "attribution").axis("query").size() <= shown_queries) {
    std::cout << queries_text(group_of(groups, "attribution"));
  }
  if (values.given("against")) std::cout << similarity_text(group_of(groups, "similarity_to"));
  if (!out.empty()) std::cout << '\n' << out.string() << '\n';
  return 0;
}

}  // namespace

Command attribute_command() {
  return {.name = "attribute",
          .summary = "analyse a finished run again: what its neurons depend on",
          .usage = "FILE [OPTIONS]",
          .about = {"Analyses the weights in a run's file: what its neurons depend on, whether that lies in the layer "
                    "just before, and what that share would be before training, with permuted weights, and by layer "
                    "sizes alone."},
          .groups = {{"", attribute_options()}},
          .words = {.files = "*.h5"},
          .one_word = true,
          .examples = {{"strata attribute strata-out/runs/RUN.h5 --query h4:17,h5:3 --ablate", "two neurons' sources"},
                       {"strata attribute RUN.h5 --examples 1000 --k 10 --out run-attribution.h5"},
                       {"strata attribute RUN.h5 --against OTHER.h5 --permuted 0", "CKA with another run's layers"}},
          .see = {"files"},
          .call = attribute};
}

}  // namespace strata::cli
