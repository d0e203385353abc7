#include <algorithm>
#include <functional>
#include <sstream>

#include "framework/core/errors.hpp"
#include "framework/core/hex.hpp"
#include "framework/core/rng.hpp"
#include "framework/io/hdf5.hpp"
#include "framework/io/provenance.hpp"
#include "framework/io/record_json.hpp"
#include "framework/io/run_file.hpp"
#include "framework/io/run_file_detail.hpp"

namespace strata {
namespace {

/// Opens a file and checks that it is a run file of the version this program knows.
h5::Group open_run_file(const std::filesystem::path& path) {
  auto root = h5::open_file(path);
  const std::string file = path.string();
  if (!root.has_attribute("schema"))
    throw DataError(cat(file, ": is HDF5 but no Strata file (no attribute 'schema' at its root)"));
  if (const auto schema = root.text("schema"); schema != run_schema)
    throw DataError(cat(file, ": holds '", schema, "'; expected '", run_schema, "'"));
  const int version = root.integer("schema_version");
  if (version > run_schema_version)
    throw DataError(cat(file, ": has schema_version ", version, ", this program reads ", run_schema_version,
                        "; read it with the newer Strata that wrote it"));
  if (version < run_schema_version)
    throw DataError(cat(file, ": has schema_version ", version, ", this program reads ", run_schema_version,
                        "; repeat the run, or read it with the older Strata that wrote it"));
  return root;
}

/// The values of a variable, which must have exactly the axes `names` of the lengths `sizes`.
std::vector<double> variable(const h5::Group& group, const std::string& name, const std::vector<std::string>& names,
                             const std::vector<std::size_t>& sizes) {
  if (!group.has_dataset(name)) throw DataError(cat(group.where(), ": has no variable '", name, "'"));
  const auto axes = group.axes(name);
  bool fits = axes.size() == names.size();
  for (std::size_t i = 0; fits && i < axes.size(); ++i)
    fits = axes[i].size == sizes[i] && axes[i].scale == group.path() + "/" + names[i];
  if (!fits) throw DataError(cat(group.where(name), ": expected the axes ", join(names, " × "), " with their scales"));
  return group.doubles(name);
}

std::vector<std::int32_t> read_epochs(const h5::Group& group) {
  auto epochs = group.integers("epoch");
  if (!std::is_sorted(epochs.begin(), epochs.end(), std::less_equal<>()))
    throw DataError(cat(group.where("epoch"), ": epochs are not in rising order"));
  return epochs;
}

void read_identity(const h5::Group& group, RunRecord& r) {
  r.rule = group.text("rule");
  r.network = group.text("network");
  r.dataset = group.text("dataset");
  r.seed = group.integer("seed");
  r.hash = group.text("hash");
  r.best_epoch = group.integer("best_epoch");
  r.provenance = read_provenance(group);
  for (const char* field : {"rule", "network", "dataset", "seed", "hash", "best_epoch"}) r.provenance.erase(field);
}

void read_training(const h5::Group& group, RunRecord& r) {
  const auto epochs = read_epochs(group);
  if (!std::ranges::equal(group.strings("split"), split_names))
    throw DataError(cat(group.where("split"), ": expected train, validation, test"));
  r.training.resize(epochs.size());
  for (std::size_t e = 0; e < epochs.size(); ++e) r.training[e].epoch = epochs[e];
  for (const auto& field : training_fields()) {
    if (field.may_be_absent && !group.has_dataset(field.name)) continue;
    const auto values = variable(group, field.name, {"epoch", "split"}, {epochs.size(), split_names.size()});
    for (std::size_t e = 0; e < epochs.size(); ++e)
      for (std::size_t s = 0; s < split_names.size(); ++s)
        r.training[e].*field.values[s] = values[e * split_names.size() + s];
  }
}

/// Calls `give(epoch's position, its values)` for each row of an epoch × layer variable.
template <class F>
void each_row(const h5::Group& group, const std::string& name, std::size_t epochs, std::size_t layers, F give) {
  const auto values = variable(group, name, {"epoch", "layer"}, {epochs, layers});
  for (std::size_t e = 0; e < epochs; ++e) {
    const auto row = values.begin() + static_cast<std::ptrdiff_t>(e * layers);
    give(e, std::vector<double>(row, row + static_cast<std::ptrdiff_t>(layers)));
  }
}

void read_layers(const h5::Group& group, RunRecord& r) {
  const auto epochs = read_epochs(group);
  r.layers = group.strings("layer");
  const auto along_layers = [&](const char* name) {
    variable(group, name, {"layer"}, {r.layers.size()});
    return group.integers(name);
  };
  r.layer_units = along_layers("units_in_layer");
  r.layer_depth = along_layers("depth");
  r.layer_metrics.resize(epochs.size());
  for (std::size_t e = 0; e < epochs.size(); ++e) r.layer_metrics[e].epoch = epochs[e];
  for (const auto& field : layer_fields())
    each_row(group, field.name, epochs.size(), r.layers.size(),
             [&](std::size_t e, std::vector<double> row) { r.layer_metrics[e].*field.values = std::move(row); });
}

void read_rule(const h5::Group& group, RunRecord& r) {
  const auto epochs = read_epochs(group);
  if (group.strings("layer") != r.layers) throw DataError(cat(group.where("layer"), ": differs from /layers/layer"));
  r.rule_metrics.resize(epochs.size());
  for (std::size_t e = 0; e < epochs.size(); ++e) r.rule_metrics[e].epoch = epochs[e];
  for (const auto& name : group.datasets()) {
    if (group.is_scale(name)) continue;
    const auto probe = group.text("long_name", name);
    each_row(group, name, epochs.size(), r.layers.size(), [&](std::size_t e, std::vector<double> row) {
      r.rule_metrics[e].values.emplace_back(probe, std::move(row));
    });
  }
}

// A weight as numbers of one type, where the file has either.
template <class T> struct Weight {
  std::int32_t position;
  std::string name, group;
  Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic> value;
};

template <class T> void read_weights(const h5::Group& group, std::vector<Weight<T>>& out) {
  for (const auto& name : group.datasets()) {
    if (group.is_scale(name)) continue;
    const auto axes = group.axes(name);
    if (axes.empty() || axes.size() > 2) throw DataError(cat(group.where(name), ": expected a vector or a matrix"));
    const auto values = group.numbers<T>(name);
    const auto rows = static_cast<Index>(axes[0].size), cols = axes.size() == 2 ? static_cast<Index>(axes[1].size) : 1;
    using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    out.push_back({group.integer("position", name), group.text("parameter", name), group.text("group", name),
                   Eigen::Map<const RowMajor>(values.data(), rows, cols)});
  }
  for (const auto& name : group.groups()) read_weights(group.open(name), out);
}

// In the order in which they were written.
template <class T> std::vector<Weight<T>> weights_of(const h5::Group& root) {
  std::vector<Weight<T>> weights;
  if (root.has_group("weights")) read_weights(root.open("weights"), weights);
  std::ranges::stable_sort(weights, {}, &Weight<T>::position);
  return weights;
}

RunRecord read_record(const h5::Group& root, bool with_weights) {
  RunRecord r;
  r.title = root.text("title");
  r.history = root.text("history");
  r.source = root.text("source");
  r.status = root.text("status");
  if (root.has_attribute("status_detail")) r.status_detail = root.text("status_detail");
  read_identity(root.open("provenance"), r);
  read_training(root.open("training"), r);
  read_layers(root.open("layers"), r);
  if (root.has_group("rule")) read_rule(root.open("rule"), r);
  std::istringstream analysis(root.has_attribute("analysis") ? root.text("analysis") : "");
  for (std::string name; analysis >> name;) r.analysis.push_back(read_data_group(root, name));
  if (with_weights) {
    for (auto& w : weights_of<Scalar>(root)) {
      r.weights.push_back({std::move(w.name), std::move(w.group), std::move(w.value)});
    }
  }
  return r;
}

/// Every axis has a scale of its own length, in the same group or a parent, and all values and attributes can be read.
void check_group(const h5::Group& group) {
  for (const auto& name : group.attributes()) group.attribute(name);
  for (const auto& name : group.datasets()) {
    for (const auto& attribute : group.attributes(name))
      // The scales' own bookkeeping holds references, which the rest of this check follows.
      if (attribute != "DIMENSION_LIST" && attribute != "REFERENCE_LIST") group.attribute(attribute, name);
    for (const auto& axis : group.axes(name)) {
      if (axis.scale.empty()) throw DataError(cat(group.where(name), ": an axis has no dimension scale"));
      const std::string folder = axis.scale.substr(0, axis.scale.rfind('/') + 1);
      if (!(group.path() == "/" ? "/" : group.path() + "/").starts_with(folder))
        throw DataError(cat(group.where(name), ": its scale ", axis.scale, " is in neither its group nor a parent"));
    }
    if (group.is_text(name)) group.strings(name);
    else group.doubles(name);
  }
  for (const auto& name : group.groups()) check_group(group.open(name));
}

// Whether all weights are numbers of 4 bytes: the program in double keeps them in 8.
bool has_single_weights(const h5::Group& group) {
  const auto datasets = group.datasets();
  const auto groups = group.groups();
  return std::ranges::all_of(datasets, [&](auto& d) { return group.is_scale(d) || group.is_single(d); }) &&
         std::ranges::all_of(groups, [&](auto& g) { return has_single_weights(group.open(g)); });
}

template <class T> void add_weights(nlohmann::json& to, const h5::Group& root) {
  for (const auto& w : weights_of<T>(root)) {
    const std::span values(w.value.data(), static_cast<std::size_t>(w.value.size()));
    to.push_back({w.name, w.group, matrix_json(w.value.rows(), w.value.cols(), std::as_bytes(values))});
  }
}

// Of the weights as the file has them, so that each program can check the other's files.
std::string checksum_of(const RunRecord& r, const h5::Group& root) {
  auto j = nlohmann::json::array({r.rule, r.network, r.dataset, r.seed, r.hash, r.status, r.status_detail, r.best_epoch,
                                  r.layers, r.layer_units, r.layer_depth, r.provenance});
  for (const auto& row : r.training) j.push_back(to_json(row));
  for (const auto& row : r.layer_metrics) j.push_back(to_json(row));
  for (const auto& row : r.rule_metrics) j.push_back(to_json(row));
  for (const auto& group : r.analysis) j.push_back(to_json(group));
  if (root.has_group("weights")) {
    if (has_single_weights(root.open("weights"))) add_weights<float>(j, root);
    else add_weights<double>(j, root);
  }
  std::string bytes;
  nlohmann::json::to_cbor(j, bytes);
  return hex(stable_hash(bytes));
}

}  // namespace

std::string content_checksum(const h5::Group& root) { return checksum_of(read_record(root, false), root); }

RunRecord read_run_file(const std::filesystem::path& path, bool with_weights) {
  return read_record(open_run_file(path), with_weights);
}

RunFileInfo validate_run_file(const std::filesystem::path& path) {
  const auto root = open_run_file(path);
  for (const auto& name : root.attributes()) root.attribute(name);
  if (!root.has_dataset("README")) throw DataError(cat(root.where(), ": has no README"));
  if (const auto conventions = root.text("Conventions"); conventions != "CF-1.8")
    throw DataError(cat(root.where(), " @Conventions: '", conventions, "'; expected 'CF-1.8'"));
  const auto r = read_record(root, true);
  std::vector<std::string> parts{"provenance", "training", "layers", "rule", "weights"};
  for (const DataGroup& group : r.analysis) parts.push_back(group.name);
  for (const auto& name : parts) {
    if (root.has_group(name)) check_group(root.open(name));
  }
  if (root.text("checksum") != checksum_of(r, root))
    throw DataError(cat(root.where(), ": is damaged: its content does not fit its checksum"));
  const std::vector<std::string> known{"running", "complete", "diverged", "interrupted"};
  if (std::ranges::find(known, r.status) == known.end())
    throw DataError(cat(root.where(), " @status: ", unknown_name("status", r.status, known)));
  const auto is_best = [&](const EpochMetrics& row) { return row.epoch == r.best_epoch; };
  if (r.best_epoch != -1 && std::ranges::none_of(r.training, is_best))
    throw DataError(cat(root.where("provenance"), " @best_epoch: ", r.best_epoch, " is not an epoch of /training"));
  return {r.rule,       r.network,       r.dataset,
          r.seed,       r.status,        r.training.empty() ? 0 : r.training.back().epoch,
          r.best_epoch, r.layers.size(), r.weights.size()};
}

}  // namespace strata
