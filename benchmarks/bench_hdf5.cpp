// Writing the HDF5 file of a run of 10 and of 100 epochs on 784-256×6-10, seven layers, into the temporary folder: as
// after each epoch (without weights) and as at the end (with them). Includes the fsync that replacing a file takes.
// Run: bench_hdf5 (TMPDIR=FOLDER says which disk is measured)
#include <algorithm>
#include <filesystem>

#include "benchmarks/bench.hpp"
#include "framework/core/errors.hpp"
#include "framework/core/rng.hpp"
#include "framework/io/run_file.hpp"
#include "tests/support/folder.hpp"

namespace strata::bench {
namespace {

namespace fs = std::filesystem;

using testing::Folder;

// Every number differs from every other, so that a reader which confuses two is found out.
RunRecord record(int epochs, bool weights) {
  RunRecord r;
  r.rule = "dtp";
  r.network = "784-256x6-10";
  r.dataset = "fashion-mnist";
  r.hash = "0123abcd";
  r.status = weights ? "complete" : "running";
  r.title = "a run that was never trained";
  r.best_epoch = epochs;
  r.provenance = {{"lr", 1e-3}, {"cores", 2}, {"config", std::string(2'000, '#')}};
  constexpr int layers = 7;
  for (int l = 1; l <= layers; ++l) {
    const bool last = l == layers;
    r.layers.push_back(last ? "logits" : cat("h", l));
    r.layer_units.push_back(last ? 10 : 256);
    r.layer_depth.push_back(l);
    Matrix w(last ? 10 : 256, l == 1 ? 784 : 256);
    Rng(0, r.layers.back()).fill_normal(mut_view(w), 0, 1);
    if (weights) r.weights.push_back({r.layers.back() + ".weight", "forward", std::move(w)});
  }
  double next = 0;
  const auto row = [&] {
    std::vector<double> values;
    for (int l = 0; l < layers; ++l) values.push_back(next += 0.25);
    return values;
  };
  for (int e = 0; e <= epochs; ++e) {
    r.training.push_back({e, next + .01, next + .02, next + .03, next + .04, next + .05, next + .06, next + .07,
                          next + .08, next + .09});
    LayerMetrics& metrics = r.layer_metrics.emplace_back();
    metrics.epoch = e;
    for (const LayerField& field : layer_fields()) metrics.*field.values = row();
    r.rule_metrics.push_back({e, {{"reconstruction_loss", row()}}});
  }
  return r;
}

bool same(const RunRecord& a, const RunRecord& b) {
  if (a.rule != b.rule || a.layers != b.layers || a.best_epoch != b.best_epoch || a.status != b.status) return false;
  if (a.training.size() != b.training.size() || a.layer_metrics.size() != b.layer_metrics.size() ||
      a.rule_metrics.size() != b.rule_metrics.size() || a.weights.size() != b.weights.size()) {
    return false;
  }
  for (std::size_t e = 0; e < a.training.size(); ++e) {
    for (const TrainingField& field : training_fields()) {
      for (const auto value : field.values) {
        if (a.training[e].*value != b.training[e].*value) return false;
      }
    }
    for (const LayerField& field : layer_fields()) {
      if (a.layer_metrics[e].*field.values != b.layer_metrics[e].*field.values) return false;
    }
    if (a.rule_metrics[e].values != b.rule_metrics[e].values) return false;
  }
  for (std::size_t w = 0; w < a.weights.size(); ++w) {
    const auto found = std::find_if(b.weights.begin(), b.weights.end(),
                                    [&](const NamedMatrix& m) { return m.name == a.weights[w].name; });
    if (found == b.weights.end() || found->value != a.weights[w].value) return false;
  }
  return true;
}

void write(benchmark::State& state, int epochs, bool weights) {
  const Folder folder;
  const fs::path file = folder.path() / "run.h5";
  const RunRecord written = record(epochs, weights);
  const double seconds = timed(state, [&] { write_run_file(file, written); });
  if (!same(written, read_run_file(file, true))) return fail(state, "what was read is not what was written");
  state.counters["ms/file"] = 1e3 * seconds;
  state.counters["ms/epoch"] = 1e3 * seconds / epochs;
  state.counters["MB"] = static_cast<double>(fs::file_size(file)) / 1e6;
}

}  // namespace

void register_benchmarks() {
  for (const bool weights : {false, true}) {
    for (const int epochs : {10, 100}) {
      benchmark::RegisterBenchmark(cat("write/epochs:", epochs, "/weights:", weights).c_str(), write, epochs, weights)
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
    }
  }
}

}  // namespace strata::bench
