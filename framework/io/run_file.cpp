#include "framework/io/run_file.hpp"

#include <algorithm>
#include <map>

#include "framework/core/errors.hpp"
#include "framework/io/hdf5.hpp"
#include "framework/io/provenance.hpp"
#include "framework/io/replace_file.hpp"
#include "framework/io/run_file_detail.hpp"

namespace strata {
namespace {

constexpr LayerField layer_table[] = {
    {"grad_norm", &LayerMetrics::grad_norm, "norm of the rule's pseudo-gradient, weights and bias together", "1"},
    {"grad_mean_abs", &LayerMetrics::grad_mean_abs,
     "mean absolute true gradient of the loss by the layer's activations", "1"},
    {"activation_norm", &LayerMetrics::activation_norm, "root mean square over examples of the activation norm", "1"},
    {"update_norm", &LayerMetrics::update_norm, "Frobenius norm of the change of the weights over the epoch", "1"},
    {"weight_norm", &LayerMetrics::weight_norm, "Frobenius norm of the weights", "1"},
    {"angle_to_backprop", &LayerMetrics::angle_to_backprop,
     "angle between the rule's pseudo-gradient and backprop's gradient, before the optimizer", "degree"},
    {"backprop_norm", &LayerMetrics::backprop_norm, "norm of backprop's gradient", "1"},
    {"angle_to_gauss_newton", &LayerMetrics::angle_to_gauss_newton,
     "angle between the rule's pseudo-gradient and the Gauss-Newton step on activations, J'(JJ' + cI)^-1 e with c = "
     "0.001 trace(JJ')/outputs",
     "degree"},
};
static_assert(sizeof(LayerMetrics) == sizeof(std::vector<double>) * std::size(layer_table) + sizeof(void*),
              "a field of LayerMetrics is missing from layer_table");

using E = EpochMetrics;
constexpr TrainingField training_table[] = {
    {"loss", {&E::train_loss, &E::validation_loss, &E::test_loss}, "mean loss over the split", "1"},
    {"accuracy", {&E::train_accuracy, &E::validation_accuracy, &E::test_accuracy}, "fraction classified rightly", "1"},
    {"seconds", {&E::train_seconds, &E::validation_seconds, &E::test_seconds}, "wall-clock time spent on it", "s"},
    {"multiply_adds",
     {&E::train_multiply_adds, &E::validation_multiply_adds, &E::test_multiply_adds},
     "multiply-adds in the matrix products spent on it, with what runs once ahead of the first epoch",
     "1",
     true},
};
static_assert(sizeof(E) == sizeof(double) * (1 + 3 * std::size(training_table)),
              "a field of EpochMetrics is missing from training_table");

constexpr const char* run_readme = R"(One training run of Strata: one network, one learning rule, one seed.

GROUPS (not every file has every group)
  /            attributes: title, history, source, schema, schema_version, status (running, complete, diverged,
               interrupted; status_detail says what diverged and where)
  /provenance  attributes only: rule, network, dataset, seed, hash of the configuration, best_epoch (highest validation
               accuracy; -1: none yet), the resolved configuration, machine, compiler and command line
  /training    (epoch, split): loss, accuracy (a fraction), seconds, multiply_adds. Epoch 0 is before training. Test
               values exist at the chosen and the last epoch only
  /layers      (epoch, layer): norms and angles of each layer with weights, at the epoch's end on a fixed set of
               examples; (layer): units_in_layer, depth (1 = first layer)
  /rule        (epoch, layer): what the learning rule reports about itself
  /gradient    (snapshot, layer), (snapshot, neuron): true gradient by activations, and how fast it decays with depth
  /hierarchy   (snapshot, scaling, with_input, layer, distance): is a neuron decided by the layer just before it? Each
               measure beside what it would be by layer sizes, with permuted weights, and before training (_null_…)
  /attribution (snapshot, query, rank): the sources that sampled neurons depend on most. topk_layer and query_layer
               index the axis `layer`, 0 being the input; -1 where there is none
  /similarity  (snapshot, layer, layer_other): CKA between layers; (snapshot, layer): effective dimension, accuracy of a
               linear probe
  /weights     one group a layer: matrices (outputs, inputs), row-major, so that y = W x + b; vectors (outputs).
               Attribute `group` tells forward weights from feedback, inverse and others
Not measured, or undefined, is NaN. Each variable's `long_name` and `units` say what it is.

PYTHON, xarray (either engine: h5netcdf or netcdf4)
  import xarray
  layers = xarray.open_dataset("RUN.h5", group="layers")
  layers.angle_to_backprop.sel(layer="h1").plot(x="epoch")
  hierarchy = xarray.open_dataset("RUN.h5", group="hierarchy")
  hierarchy.prior_fraction.sel(scaling="scaled", with_input=0)         # beside prior_fraction_null_init
  xarray.open_dataset("RUN.h5", group="provenance").attrs
PYTHON, h5py
  import h5py
  with h5py.File("RUN.h5") as f:
      loss = f["training/loss"][:]             # epoch x split
      names = f["layers/layer"].asstr()[:]
      config = f["provenance"].attrs["config"]
R
  library(ncdf4); f <- nc_open("RUN.h5"); ncvar_get(f, "training/loss")       # split x epoch: R reverses the axes
  library(rhdf5); h5read("RUN.h5", "layers/grad_norm"); h5readAttributes("RUN.h5", "provenance")
MATLAB (reverses the axes too: layer x epoch; a weight matrix is inputs x outputs)
  g = h5read('RUN.h5', '/layers/grad_norm'); h5readatt('RUN.h5', '/provenance', 'rule')
JULIA (reverses the axes too)
  using HDF5; f = h5open("RUN.h5"); read(f["layers/grad_norm"]); read_attribute(f["provenance"], "rule")
COMMAND LINE
  h5dump -A RUN.h5        ncdump -h RUN.h5
)";

void write_root(const h5::Group& root, const RunRecord& r) {
  root.set("Conventions", "CF-1.8");
  root.set("title", r.title);
  root.set("history", r.history);
  root.set("source", r.source);
  root.set("schema", run_schema);
  root.set("schema_version", run_schema_version);
  root.set("status", r.status);
  if (!r.status_detail.empty()) root.set("status_detail", r.status_detail);
  std::vector<std::string> analysis;
  for (const DataGroup& group : r.analysis) analysis.push_back(group.name);
  if (!analysis.empty()) root.set("analysis", join(analysis, " "));
  const std::string text = run_readme;
  root.add("README", {}, std::span(&text, 1), {.long_name = "how to read this file"});

  const auto provenance = root.make_group("provenance");
  const h5::NamedAttribute fields[] = {{"rule", r.rule}, {"network", r.network}, {"dataset", r.dataset},
                                       {"seed", r.seed}, {"hash", r.hash},       {"best_epoch", r.best_epoch}};
  auto more = r.provenance;
  for (const auto& [name, value] : fields) {
    provenance.set(name, value);
    more.erase(name);
  }
  write_provenance(provenance, more);
}

template <class Rows> void add_epochs(const h5::Group& group, const Rows& rows) {
  std::vector<std::int32_t> epochs;
  for (const auto& row : rows) epochs.push_back(row.epoch);
  group.add_scale("epoch", epochs, {.long_name = "passes over the training data; 0 is before training"});
}

void add_layers(const h5::Group& group, const RunRecord& r) {
  group.add_scale("layer", r.layers, {.long_name = "layer with weights, from the input to the output"});
}

void write_training(const h5::Group& group, const RunRecord& r) {
  add_epochs(group, r.training);
  group.add_scale("split", std::vector<std::string>(split_names.begin(), split_names.end()),
                  {.long_name = "part of the data"});
  for (const auto& field : training_table) {
    std::vector<double> values;
    for (const auto& row : r.training)
      for (const auto member : field.values) values.push_back(row.*member);
    group.add(field.name, {"epoch", "split"}, values, {field.long_name, field.units});
  }
}

/// Appends one epoch's values to `out`: one a layer, or NaN for all where there are none.
void append_row(std::vector<double>& out, const std::vector<double>& values, const RunRecord& r, std::string_view name,
                int epoch) {
  if (values.empty()) {
    out.insert(out.end(), r.layers.size(), quiet_nan);
  } else if (values.size() == r.layers.size()) {
    out.insert(out.end(), values.begin(), values.end());
  } else {
    throw ShapeError(cat(name, " at epoch ", epoch, " has ", values.size(), " values; expected one for each of the ",
                         r.layers.size(), " layers"));
  }
}

void write_layers(const h5::Group& group, const RunRecord& r) {
  add_epochs(group, r.layer_metrics);
  add_layers(group, r);
  group.add("units_in_layer", {"layer"}, r.layer_units, {"number of neurons", "1"});
  group.add("depth", {"layer"}, r.layer_depth,
            {"longest path from the input in layers with weights; 1 is the first", "1"});
  for (const auto& field : layer_table) {
    std::vector<double> values;
    for (const auto& row : r.layer_metrics) append_row(values, row.*field.values, r, field.name, row.epoch);
    group.add(field.name, {"epoch", "layer"}, values, {field.long_name, field.units});
  }
}

/// Rule probes by name, in order of first appearance; NaN where an epoch lacks one.
std::vector<std::pair<std::string, std::vector<double>>> probe_table(const RunRecord& r) {
  std::vector<std::pair<std::string, std::vector<double>>> table;
  std::size_t rows_before = 0;
  for (const auto& row : r.rule_metrics) {
    for (const auto& [name, values] : row.values) {
      auto probe = std::find_if(table.begin(), table.end(), [&name = name](auto& p) { return p.first == name; });
      if (probe == table.end())
        probe = table.insert(probe, {name, std::vector<double>(rows_before * r.layers.size(), quiet_nan)});
      if (probe->second.size() != rows_before * r.layers.size())
        throw InputError(cat("probe '", name, "' is reported twice at epoch ", row.epoch));
      append_row(probe->second, values, r, name, row.epoch);
    }
    ++rows_before;
    for (auto& probe : table) probe.second.resize(rows_before * r.layers.size(), quiet_nan);
  }
  return table;
}

void write_rule(const h5::Group& root, const RunRecord& r) {
  const auto table = probe_table(r);
  if (table.empty()) return;
  const auto group = root.make_group("rule");
  add_epochs(group, r.rule_metrics);
  add_layers(group, r);
  for (const auto& [name, values] : table) {
    std::string variable = name;
    std::replace(variable.begin(), variable.end(), '/', '_');
    group.add(variable, {"epoch", "layer"}, values, {.long_name = name});
  }
}

/// Makes the scale `name` of `size` indices in the group, or where it is taken by another length `<leaf>_<name>`.
std::string index_scale(const h5::Group& group, std::map<std::string, Index>& known, const std::string& leaf,
                        const std::string& name, Index size) {
  for (const std::string& scale : {name, leaf + "_" + name}) {
    const auto [found, made] = known.try_emplace(group.path() + "/" + scale, size);
    if (!made && found->second != size) continue;
    if (made) {
      std::vector<std::int32_t> index(static_cast<std::size_t>(size));
      for (std::size_t i = 0; i < index.size(); ++i) index[i] = static_cast<std::int32_t>(i);
      group.add_scale(scale, index, {.long_name = "index from 0"});
    }
    return scale;
  }
  throw InputError(cat(group.path(), "/", leaf, ": two matrices of this name"));
}

void write_weights(const h5::Group& root, const RunRecord& r) {
  if (r.weights.empty()) return;
  const auto weights = root.make_group("weights");
  std::map<std::string, Index> scales;
  std::map<std::string, std::vector<std::string>> kinds;  // of the matrices in each group
  std::int32_t position = 0;
  for (const auto& w : r.weights) {
    // "inverse/h2/dense.weight" is the matrix `weight` of the group inverse/h2/dense.
    const std::size_t cut = w.name.find_last_of("./");
    const std::string leaf = cut == std::string::npos ? w.name : w.name.substr(cut + 1);
    const std::string folder = cut == std::string::npos ? "" : w.name.substr(0, cut);
    const auto place = folder.empty() ? root.make_group("weights") : weights.make_group(folder);
    std::vector<std::string> axes{index_scale(place, scales, leaf, "outputs", w.value.rows())};
    const bool vector = w.value.cols() == 1 && leaf != "weight";
    if (!vector) axes.push_back(index_scale(place, scales, leaf, "inputs", w.value.cols()));
    const Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> row_major = w.value;
    const std::span<const Scalar> values(row_major.data(), static_cast<std::size_t>(row_major.size()));
    const std::string meaning = vector ? ": one value for each output"
                                       : ": row = output, column = input of the layer (y = W x), stored row by row";
    place.add(
        leaf, axes, values,
        {.long_name = w.name + meaning, .more = {{"parameter", w.name}, {"group", w.group}, {"position", position++}}});
    auto& kind = kinds[folder];
    if (std::find(kind.begin(), kind.end(), w.group) == kind.end()) kind.push_back(w.group);
  }
  for (const auto& [folder, kind] : kinds)
    if (!folder.empty()) weights.make_group(folder).set("group", join(kind));
}

}  // namespace

std::span<const LayerField> layer_fields() { return layer_table; }
std::span<const TrainingField> training_fields() { return training_table; }

void write_run_file(const std::filesystem::path& path, const RunRecord& record) {
  if (record.layer_units.size() != record.layers.size() || record.layer_depth.size() != record.layers.size())
    throw ShapeError(cat(path.string(), ": ", record.layers.size(), " layers, but units for ",
                         record.layer_units.size(), " and depths for ", record.layer_depth.size()));
  const auto root = h5::new_file();
  write_root(root, record);
  write_training(root.make_group("training"), record);
  write_layers(root.make_group("layers"), record);
  write_rule(root, record);
  for (const DataGroup& group : record.analysis) write_data_group(root, group);
  write_weights(root, record);
  root.set("checksum", content_checksum(root));
  replace_file(path, root.image());
}

}  // namespace strata
