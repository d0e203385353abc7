// `strata export` and `strata import`: weights as numpy and torch have them, and back.
#include <algorithm>
#include <iostream>

#include "datasets/npz.hpp"
#include "experiments/cli/build_info.hpp"
#include "experiments/cli/commands.hpp"
#include "experiments/cli/initial_weights.hpp"
#include "experiments/cli/new_file.hpp"
#include "experiments/cli/text.hpp"
#include "experiments/cli/train_options.hpp"
#include "experiments/cli/trained_net.hpp"
#include "framework/core/errors.hpp"
#include "framework/core/hex.hpp"
#include "framework/core/rng.hpp"
#include "framework/io/replace_file.hpp"
#include "framework/io/run_file.hpp"
#include "framework/learning/trainer.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata::cli {
namespace {

namespace fs = std::filesystem;

std::string one_file(const std::string& command, const std::string& what, const std::vector<std::string>& files) {
  if (files.empty()) throw UsageError(cat(command, ": expected ", what));
  if (files.size() > 1) throw UsageError(cat(command, ": stray word '", files[1], "'; expected ", what));
  return files[0];
}

std::vector<OptionDef> export_options() {
  return {
      {"out", "", "NAME.npz", "the new file; by default FILE's name with the ending .npz, here", {.files = "*.npz"}}};
}

int export_weights(const Program& program, const Arguments& arguments) {
  std::vector<std::string> files;
  const Values values = parse_values(export_options(), {}, arguments, &files);
  const fs::path file = one_file("export", "one run file", files);
  fs::path out = values.text("out");
  if (out.empty()) out = file.filename().replace_extension(".npz");
  check_new_file(out);
  std::vector<NamedMatrix> weights = read_with_weights(program, file).weights;
  std::erase_if(weights, [](const NamedMatrix& w) { return w.group != "forward"; });
  replace_file(out, npz_bytes(weights));
  for (const NamedMatrix& w : weights) {
    const auto shape = npz_shape(w);
    std::cout << w.name << ' ' << to_string(Shape(shape.begin(), shape.end())) << '\n';
  }
  std::cout << out.string() << '\n';
  return 0;
}

std::vector<OptionDef> import_options() {
  return {{"like", "", "RUN.h5", "the run whose network, loss and data they are for", {.files = "*.h5"}},
          {"out", "", "NAME.h5", "the new file", {.files = "*.h5"}},
          data_option(),
          threads_option()};
}

// What is known of a network that no rule of ours trained: how good it is, and its layers.
RunRecord record_of(const Program& program, const TrainedNet& like, const TrainingData& data,
                    const std::vector<NamedMatrix>& weights) {
  const RuleEntry& rule = program.rules.at("backprop");  // it measures; nothing is trained
  const ResolvedRule resolved = resolve(rule, {});
  TrainSettings settings;
  settings.seed = static_cast<std::uint64_t>(like.record().seed);
  settings.batch = 1;
  settings.optimizers = resolved.optimizers;
  auto start = std::make_shared<StartingValues>();
  std::vector<const NamedMatrix*> all;
  for (const NamedMatrix& w : weights) {
    (*start)[w.name] = w.value;
    all.push_back(&w);
  }
  settings.start = std::move(start);
  Trainer trainer(like.graph(), make_loss(like.loss().name()), rule.make(resolved.options), data.data, data.split,
                  settings);
  trainer.next_epoch();
  trainer.evaluate_test();

  RunRecord r;
  r.rule = "imported";
  r.network = like.record().network;
  r.dataset = like.record().dataset;
  r.seed = like.record().seed;
  r.status = "complete";
  r.title = cat("imported weights on ", r.network, " and ", r.dataset);
  const Graph& graph = trainer.graph();
  for (const NodeId layer : graph.layers()) {
    r.layers.push_back(graph[layer].name);
    r.layer_units.push_back(static_cast<std::int32_t>(graph[layer].units));
    r.layer_depth.push_back(graph.depth(layer));
  }
  r.training = trainer.training();
  r.layer_metrics = trainer.layer_metrics();
  r.best_epoch = trainer.best_epoch();
  r.weights = trainer.weights(Trainer::Which::last);
  auto config = like.config();
  // How the run that it is like was trained says nothing of these weights.
  config = {{"schema", config.at("schema")},
            {"schema_version", config.at("schema_version")},
            {"rule", {{"name", r.rule}}},
            {"network", config.at("network")},
            {"loss", config.at("loss")},
            {"dataset", config.at("dataset")},
            {"seed", r.seed},
            {"weights", weights_checksum(all)}};
  r.hash = hex(stable_hash(config.dump())).substr(0, 8);
  r.provenance = {{"weights_checksum", config.at("weights")},
                  {"save_weights", "last"},
                  {"parameters", graph.parameters()},
                  {"data_checksum", data.data.checksum},
                  {"config", config.dump()}};
  return r;
}

int import_weights(const Program& program, const Arguments& arguments) {
  std::vector<std::string> files;
  const Values values = parse_values(import_options(), {}, arguments, &files);
  const fs::path file = one_file("import", "one .npz file", files);
  if (!values.given("like")) throw UsageError("import: expected --like RUN.h5, a run of the same network");
  if (!values.given("out")) throw UsageError("import: expected --out NAME.h5, the file to write");
  const fs::path out = values.text("out");
  check_new_file(out);
  const int threads = threads_of(values);
  const TrainedNet like(program, values.text("like"));
  const auto weights = read_weights(program, file, like.graph(), cat("of ", values.text("like")));
  const TrainingData data = load_training_data(program, like, values.text("data"));
  RunRecord record;
  with_threads(threads, [&] { record = record_of(program, like, data, weights); });
  record.history = command_line("import", arguments);
  record.source = build_info().source();
  record.provenance["weights_file"] = file.filename().string();
  record.provenance["command_line"] = record.history;
  write_run_file(out, record);
  const EpochMetrics& row = record.training.back();
  std::cout << file.string() << ": " << weights.size() << " arrays, the network of "
            << fs::path(values.text("like")).filename().string() << ": validation " << percent(row.validation_accuracy)
            << " %, test " << percent(row.test_accuracy) << " %\n"
            << out.string() << '\n';
  return 0;
}

}  // namespace

Command export_command() {
  return {
      .name = "export",
      .summary = "write a run's weights for numpy and torch",
      .usage = "FILE [OPTIONS]",
      .about = {"Writes the weights of a run's network as an .npz file, which `numpy.load` opens: an array for each "
                "weight (outputs × inputs, as in torch.nn.Linear) and bias (outputs), by names like h1.weight, from "
                "the input to the output. What a rule has of its own (feedback, inverses) stays in the run's file.",
                "The way back is `strata run --weights NAME.npz`, or `strata import`."},
      .groups = {{"", export_options()}},
      .words = {.files = "*.h5"},
      .one_word = true,
      .examples = {{"strata export strata-out/runs/RUN.h5 --out mine.npz"}},
      .see = {"files"},
      .call = export_weights};
}

Command import_command() {
  return {.name = "import",
          .summary = "make a run file of weights from numpy or torch",
          .usage = "FILE.npz --like RUN.h5 --out NAME.h5 [OPTIONS]",
          .about = {"Makes a run file of weights that were trained elsewhere, for `strata attribute` and `--weights`: "
                    "checks the arrays of FILE.npz (of `strata export`, numpy.savez) against the network of RUN.h5 by "
                    "name and shape, and says how good it is on RUN's data. To train on from them, `strata run "
                    "--weights FILE.npz` alone will do."},
          .groups = {{"", import_options()}},
          .words = {.files = "*.npz"},
          .one_word = true,
          .examples = {{"strata import torch.npz --like strata-out/runs/RUN.h5 --out torch.h5"}},
          .see = {"files"},
          .call = import_weights};
}

}  // namespace strata::cli
