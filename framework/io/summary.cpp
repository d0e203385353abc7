#include "framework/io/summary.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "framework/core/errors.hpp"
#include "framework/io/hdf5.hpp"
#include "framework/io/replace_file.hpp"
#include "framework/io/run_file.hpp"

namespace strata {
namespace {

constexpr const char* summary_readme = R"(This HDF5 file sums up many training runs of Strata.

All variables are in the root group, over the axes rule, network, seed, epoch and layer; NaN (or an empty string) where
there is no such run, epoch or layer. layer counts from 1; layer_name(network, layer) names it.
A network is written network@dataset where the runs come from several data sets, and a rule rule@hash where several
configurations of it are in the file.

PYTHON  import xarray; s = xarray.open_dataset("summary.h5")        # either engine, h5netcdf or netcdf4
        s.test_accuracy.mean("seed").to_series()
        s.angle_to_backprop.sel(rule="fa").isel(epoch=-1).mean("seed")
PYTHON  import h5py; f = h5py.File("summary.h5"); f["test_accuracy"][:]; f["rule"].asstr()[:]
R       library(ncdf4); f <- nc_open("summary.h5"); ncvar_get(f, "test_accuracy")    # R reverses the axes
MATLAB  a = h5read('summary.h5', '/test_accuracy');                                  % so does MATLAB
JULIA   using HDF5; f = h5open("summary.h5"); read(f["test_accuracy"])               # and Julia
)";

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

std::string number(double value) { return std::isnan(value) ? "" : shortest(value); }

template <class T> std::size_t place(std::vector<T>& items, const T& item) {
  const auto at = std::find(items.begin(), items.end(), item);
  if (at != items.end()) return static_cast<std::size_t>(at - items.begin());
  items.push_back(item);
  return items.size() - 1;
}

template <class T> std::size_t index_of(const std::vector<T>& sorted, const T& item) {
  return static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), item) - sorted.begin());
}

/// The axes of summary.h5 and where each record lies on them.
struct Grid {
  struct Cell {
    std::size_t rule, network, seed;
  };
  std::vector<std::string> rules, networks;
  std::vector<std::int32_t> seeds, epochs, layers;
  std::vector<const RunRecord*> first;  ///< of each network: gives its layers
  std::vector<Cell> cells;              ///< of each record

  std::size_t size() const { return rules.size() * networks.size() * seeds.size(); }
  std::size_t at(const Cell& c) const { return (c.rule * networks.size() + c.network) * seeds.size() + c.seed; }
};

bool same_layers(const RunRecord& a, const RunRecord& b) {
  return a.layers == b.layers && a.layer_units == b.layer_units && a.layer_depth == b.layer_depth;
}

Grid make_grid(const std::vector<RunRecord>& records) {
  Grid grid;
  std::set<std::int32_t> seeds, epochs;
  std::set<std::string> datasets;
  std::size_t longest = 0;
  for (const auto& r : records) {
    seeds.insert(r.seed);
    datasets.insert(r.dataset);
    for (const auto& row : r.training) epochs.insert(row.epoch);
    for (const auto& row : r.layer_metrics) epochs.insert(row.epoch);
    longest = std::max(longest, r.layers.size());
  }
  grid.seeds.assign(seeds.begin(), seeds.end());
  grid.epochs.assign(epochs.begin(), epochs.end());
  for (std::size_t i = 1; i <= longest; ++i) grid.layers.push_back(static_cast<std::int32_t>(i));

  for (const auto& r : records) {
    const std::string plain = datasets.size() > 1 ? r.network + "@" + r.dataset : r.network;
    std::string label = plain;
    std::size_t at = place(grid.networks, label);
    for (int n = 2; at < grid.first.size() && !same_layers(*grid.first[at], r); ++n)
      at = place(grid.networks, label = cat(plain, "#", n));
    if (at == grid.first.size()) grid.first.push_back(&r);
    grid.cells.push_back({0, at, index_of(grid.seeds, r.seed)});
  }

  // A rule with several configurations on one network and seed is told apart by hash, on that network for all seeds.
  std::set<std::pair<std::string, std::size_t>> several;
  std::set<std::tuple<std::string, std::size_t, std::size_t>> taken;
  for (std::size_t i = 0; i < records.size(); ++i)
    if (!taken.insert({records[i].rule, grid.cells[i].network, grid.cells[i].seed}).second)
      several.insert({records[i].rule, grid.cells[i].network});
  std::set<std::size_t> used;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto& r = records[i];
    const bool plain = several.count({r.rule, grid.cells[i].network}) == 0;
    grid.cells[i].rule = place(grid.rules, plain ? r.rule : r.rule + "@" + r.hash);
  }
  for (std::size_t i = 0; i < records.size(); ++i)
    if (!used.insert(grid.at(grid.cells[i])).second)
      throw InputError(cat("two runs of rule ", records[i].rule, ", network ", records[i].network, ", seed ",
                           records[i].seed, " have the same hash ", records[i].hash,
                           ": expected one; remove the copy"));
  return grid;
}

/// The summary while it is written: the grid, the records, and the root group.
struct Writer {
  const std::vector<RunRecord>& records;
  Grid grid;
  h5::Group root = h5::new_file();

  /// A variable over rule × network × seed; `get(record's row)`.
  template <class F>
  void per_run(const std::string& name, const h5::About& about, const std::vector<SummaryRow>& rows, F get) const {
    using T = std::decay_t<decltype(get(rows[0]))>;
    std::vector<T> values;
    if constexpr (std::is_same_v<T, double>) values.assign(grid.size(), quiet_nan);
    else values.resize(grid.size());
    for (std::size_t i = 0; i < records.size(); ++i) values[grid.at(grid.cells[i])] = get(rows[i]);
    root.add(name, {"rule", "network", "seed"}, values, about);
  }

  void per_epoch(const std::string& name, double EpochMetrics::*member, const h5::About& about) const {
    std::vector<double> values(grid.size() * grid.epochs.size(), quiet_nan);
    for (std::size_t i = 0; i < records.size(); ++i)
      for (const auto& row : records[i].training)
        values[grid.at(grid.cells[i]) * grid.epochs.size() + index_of(grid.epochs, row.epoch)] = row.*member;
    root.add(name, {"rule", "network", "seed", "epoch"}, values, about);
  }

  void per_layer(const LayerField& field) const {
    std::vector<double> values(grid.size() * grid.epochs.size() * grid.layers.size(), quiet_nan);
    for (std::size_t i = 0; i < records.size(); ++i) {
      for (const auto& row : records[i].layer_metrics) {
        const auto& from = row.*field.values;
        if (from.size() > records[i].layers.size())
          throw ShapeError(cat(field.name, " at epoch ", row.epoch, " has ", from.size(),
                               " values; expected one for each of ", records[i].layers.size(), " layers"));
        const auto start = grid.at(grid.cells[i]) * grid.epochs.size() + index_of(grid.epochs, row.epoch);
        std::copy(from.begin(), from.end(), values.begin() + static_cast<std::ptrdiff_t>(start * grid.layers.size()));
      }
    }
    root.add(field.name, {"rule", "network", "seed", "epoch", "layer"}, values, {field.long_name, field.units});
  }

  /// A variable over network × layer from a list that every record has along its layers.
  template <class T, class U>
  void per_network(const std::string& name, std::vector<U> RunRecord::*list, T absent, const h5::About& about) const {
    std::vector<T> values(grid.networks.size() * grid.layers.size(), absent);
    for (std::size_t n = 0; n < grid.networks.size(); ++n) {
      const auto& from = grid.first[n]->*list;
      for (std::size_t l = 0; l < std::min(from.size(), grid.layers.size()); ++l)
        values[n * grid.layers.size() + l] = static_cast<T>(from[l]);
    }
    root.add(name, {"network", "layer"}, values, about);
  }
};

}  // namespace

SummaryRow summary_row(const RunRecord& r, const std::string& file) {
  SummaryRow row{r.rule,    r.network, r.dataset, r.seed,    r.status,  0,   r.best_epoch,
                 quiet_nan, quiet_nan, quiet_nan, quiet_nan, quiet_nan, file};
  if (r.training.empty()) return row;
  const auto& last = r.training.back();
  row.epochs = last.epoch;
  row.train_loss = last.train_loss;
  row.test_accuracy_last = last.test_accuracy;
  const auto best = std::ranges::find(r.training, r.best_epoch, &EpochMetrics::epoch);
  if (best != r.training.end()) {
    row.val_accuracy = best->validation_accuracy;
    row.test_accuracy = best->test_accuracy;
  }
  for (const auto& epoch : r.training)
    for (const double seconds : {epoch.train_seconds, epoch.validation_seconds, epoch.test_seconds})
      if (!std::isnan(seconds)) row.seconds = std::isnan(row.seconds) ? seconds : row.seconds + seconds;
  return row;
}

void write_summary_csv(const std::filesystem::path& path, const std::vector<SummaryRow>& rows) {
  std::string out =
      "rule,network,dataset,seed,status,epochs,best_epoch,train_loss,val_accuracy,test_accuracy,test_accuracy_last,"
      "seconds,file\n";
  for (const auto& r : rows) {
    const std::vector<std::string> fields{quoted(r.rule),
                                          quoted(r.network),
                                          quoted(r.dataset),
                                          std::to_string(r.seed),
                                          quoted(r.status),
                                          std::to_string(r.epochs),
                                          r.best_epoch < 0 ? "" : std::to_string(r.best_epoch),
                                          number(r.train_loss),
                                          number(r.val_accuracy),
                                          number(r.test_accuracy),
                                          number(r.test_accuracy_last),
                                          number(r.seconds),
                                          quoted(r.file)};
    out += join(fields, ",") + "\n";
  }
  replace_file(path, out);
}

void write_summary_file(const std::filesystem::path& path, const std::vector<RunRecord>& records) {
  const Writer w{records, make_grid(records)};
  std::vector<SummaryRow> rows;
  for (const auto& r : records) rows.push_back(summary_row(r, ""));
  const auto& [all, grid, root] = w;
  root.set("Conventions", "CF-1.8");
  root.set("title", cat("Summary of ", all.size(), all.size() == 1 ? " run" : " runs"));
  root.set("schema", summary_schema);
  root.set("schema_version", summary_schema_version);
  const std::string text = summary_readme;
  root.add("README", {}, std::span(&text, 1), {.long_name = "how to read this file"});

  root.add_scale("rule", grid.rules, {.long_name = "learning rule"});
  root.add_scale("network", grid.networks, {.long_name = "network"});
  root.add_scale("seed", grid.seeds, {.long_name = "seed"});
  root.add_scale("epoch", grid.epochs, {.long_name = "passes over the training data; 0 is before training"});
  root.add_scale("layer", grid.layers, {.long_name = "layer with weights, 1 is the first in topological order"});
  w.per_network("layer_name", &RunRecord::layers, std::string(), {.long_name = "the layer's name in each network"});
  w.per_network("units_in_layer", &RunRecord::layer_units, quiet_nan, {"number of neurons", "1"});
  w.per_network("depth", &RunRecord::layer_depth, quiet_nan,
                {"longest path from the input in layers with weights", "1"});

  w.per_run("status", {.long_name = "how the run ended; empty where there is none"}, rows,
            [](auto& r) { return r.status; });
  w.per_run("epochs", {"last recorded epoch", "1"}, rows, [](auto& r) { return double(r.epochs); });
  w.per_run("best_epoch", {"epoch of the highest validation accuracy", "1"}, rows,
            [](auto& r) { return r.best_epoch < 0 ? quiet_nan : double(r.best_epoch); });
  w.per_run("test_accuracy", {"test accuracy at best_epoch", "1"}, rows, [](auto& r) { return r.test_accuracy; });
  w.per_run("test_accuracy_last", {"test accuracy at the last epoch", "1"}, rows,
            [](auto& r) { return r.test_accuracy_last; });
  w.per_run("seconds", {"wall-clock time of the whole run", "s"}, rows, [](auto& r) { return r.seconds; });
  for (std::size_t split = 0; split < 2; ++split)  // test accuracy exists at two epochs only: see above
    for (const auto& field : training_fields())
      w.per_epoch(cat(split_names[split], "_", field.name), field.values[split],
                  {cat(field.long_name, ", ", split_names[split]), field.units});
  for (const auto& field : layer_fields()) w.per_layer(field);
  replace_file(path, root.image());
}

}  // namespace strata
