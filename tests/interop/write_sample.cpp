// Writes sample files for check_xarray.py, which knows the values: run.h5, run_empty.h5 (no epoch yet), summary.h5.
#include <cmath>
#include <iostream>
#include <numeric>

#include "framework/core/errors.hpp"
#include "framework/io/run_file.hpp"
#include "framework/io/summary.hpp"

using namespace strata;

namespace {

/// Every type of axis, variable and attribute. A variable's value is 100·i + 10·j + k at the position (i, j, k), or what
/// it is without the first digits for fewer axes, and 10,000·i + j over neurons.
std::vector<DataGroup> analysis() {
  using Names = std::vector<std::string>;
  using Integers = std::vector<std::int32_t>;
  using Doubles = std::vector<double>;
  Integers all_neurons(5000);
  std::iota(all_neurons.begin(), all_neurons.end(), 0);
  std::vector<float> of_neurons;
  for (int i = 0; i < 2; ++i)
    for (const std::int32_t j : all_neurons) of_neurons.push_back(static_cast<float>(10'000 * i + j));
  const DataAxis snapshot{"snapshot", Integers{0, 7}, "epochs trained"};
  DataGroup hierarchy{"hierarchy",
                      {snapshot,
                       {"scaling", Names{"raw", "größer"}, "of influences"},
                       {"layer", Names{"h1", "h2"}, "layer of neurons"},
                       {"source", Names{"input", "h1"}, "layer of sources"},
                       {"noise", Doubles{0, 0.1}, "standard deviation of the noise"},
                       {"neuron", all_neurons, "all neurons, layer by layer"}},
                      {},
                      {{"k", 5}, {"share", 0.1}, {"what", std::string("Größe")}, {"empty", std::string()}}};
  hierarchy.arrays = {{"depth", {"layer"}, Integers{0, 1}, "depth", "layer"},
                      {"hop_distance", {"layer", "source"}, Integers{0, 1, 10, 11}, "hops", "1"},
                      {"prior_fraction",
                       {"snapshot", "scaling", "layer"},
                       Doubles{NAN, 1, 10, 11, 100, 101, 110, 111},
                       "share of the k strongest sources in the layer just before",
                       "1"},
                      {"decay_rate", {"snapshot"}, Doubles{NAN, 1}, "rate", "1/layer"},
                      {"loss", {"snapshot", "noise"}, Doubles{0, 1, 10, 11}, "loss under noise", "1"},
                      {"neuron_mean_abs", {"snapshot", "neuron"}, of_neurons, "mean |dL/da|", "1"}};
  DataGroup similarity{"similarity",
                       {snapshot,
                        {"layer", Names{"input", "h1"}, "layer of neurons"},
                        {"layer_other", Names{"input", "h1"}, "the other layer"}},
                       {},
                       {}};
  similarity.arrays = {{"cka",
                        {"snapshot", "layer", "layer_other"},
                        Doubles{0, 1, 10, 11, 100, 101, 110, 111},
                        "debiased linear CKA",
                        "1"}};
  return {hierarchy, similarity};
}

/// Value of every field at (epoch, layer): 100·field + 10·epoch + layer, update_norm NaN at epoch 0.
RunRecord sample(int epochs) {
  RunRecord r;
  r.rule = "fa";
  r.network = "mlp";
  r.dataset = "toy";
  r.seed = 7;
  r.hash = "0123abcd";
  r.status = epochs > 0 ? "complete" : "running";
  r.title = "Größe ∂L";
  r.history = "written by write_sample";
  r.layers = {"h1", "h2", "sortie-é"};
  r.layer_units = {200, 4, 3};
  r.layer_depth = {1, 2, 3};
  r.best_epoch = epochs > 0 ? 1 : -1;
  r.provenance["config"] = "[run]\nrule = fa\n" + std::string(70'000, '#');
  r.provenance["empty"] = "";
  r.provenance["cores"] = 2;
  r.provenance["multiply_adds_per_step"] = 123456789012345;
  r.provenance["lr"] = 0.1;
  for (int e = 0; e < epochs; ++e) {
    r.training.push_back({e, 1.0 + e, .5, 1, 2.0 + e, .25, 1, NAN, NAN, NAN});
    LayerMetrics row;
    row.epoch = e;
    int f = 0;
    for (const auto& field : layer_fields()) {
      for (int l = 0; l < 3; ++l) (row.*field.values).push_back(100 * f + 10 * e + l);
      ++f;
    }
    if (e == 0) row.update_norm.assign(3, NAN);
    r.layer_metrics.push_back(row);
    r.rule_metrics.push_back({e, {{"angle_to_transpose", {double(e), NAN, 45}}}});
    if (e == 1) r.rule_metrics.back().values.push_back({"mirror/loss", {1, 2, 3}});
  }
  if (epochs > 0) r.analysis = analysis();
  const auto matrix = [](Index rows, Index cols) {  // element (i, j) is 1000 i + j
    return Matrix(Matrix::NullaryExpr(rows, cols, [](Index i, Index j) { return Scalar(1000 * i + j); }));
  };
  if (epochs > 0)
    r.weights = {{"h1.weight", "forward", matrix(200, 784)},
                 {"h1.bias", "forward", matrix(200, 1)},
                 {"h1.B", "feedback", matrix(200, 3)},
                 {"h2.weight", "forward", matrix(4, 200)},
                 {"inverse/h2/dense.weight", "inverse", matrix(200, 4)},
                 {"temperature", "forward", matrix(1, 1)}};
  return r;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw UsageError("usage: write_sample FOLDER");
    const std::filesystem::path folder = argv[1];
    write_run_file(folder / "run.h5", sample(3));
    write_run_file(folder / "run_empty.h5", sample(0));
    auto other = sample(2);
    other.rule = "backprop";
    other.network = "small";
    other.layers = {"a", "b"};
    other.layer_units = other.layer_depth = {1, 2};
    for (auto& row : other.layer_metrics)
      for (const auto& field : layer_fields()) (row.*field.values).resize(2);
    auto third = other;
    third.rule = "dfa";
    write_summary_file(folder / "summary.h5", {sample(3), other, third});
    write_summary_file(folder / "summary_empty.h5", {});
    for (const char* name : {"run.h5", "run_empty.h5"}) validate_run_file(folder / name);
  } catch (const Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
