#include "experiments/cli/initial_weights.hpp"

#include <algorithm>
#include <optional>

#include "datasets/checksum.hpp"
#include "datasets/npz.hpp"
#include "experiments/cli/text.hpp"
#include "experiments/cli/trained_net.hpp"
#include "framework/core/errors.hpp"
#include "framework/losses/loss.hpp"

namespace strata::cli {
namespace {

namespace fs = std::filesystem;

// A parameter before its values are read.
struct Outline {
  std::string name;
  Index rows, cols;
  bool of_network;  // not of a rule

  std::string shape() const { return cat(rows, " × ", cols); }
};

std::vector<Outline> outlines(const Graph& graph) {
  std::vector<Outline> all;
  for (NodeId id = 1; id < graph.size(); ++id) {
    for (const ParamSpec& p : graph[id].params) all.push_back({graph[id].name + "." + p.name, p.rows, p.cols, true});
  }
  return all;
}

std::vector<Outline> outlines(const std::vector<NamedMatrix>& weights) {
  std::vector<Outline> all;
  for (const NamedMatrix& w : weights) all.push_back({w.name, w.value.rows(), w.value.cols(), w.group == "forward"});
  return all;
}

// A vector is a matrix of one column.
std::vector<Outline> outlines(const std::vector<std::unique_ptr<ArraySource>>& arrays,
                              const std::vector<std::string>& names) {
  std::vector<Outline> all;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const ArraySource& a = *arrays[i];
    if (a.shape.empty() || a.shape.size() > 2) {
      throw DataError(cat(a.where, ": has ", a.shape.size(), " axes; expected a vector or a matrix"));
    }
    if (a.type != "float32" && a.type != "float64") {
      throw DataError(cat(a.where, ": is of type ", a.type, "; expected float32 or float64"));
    }
    all.push_back(
        {names[i], static_cast<Index>(a.shape[0]), a.shape.size() == 2 ? static_cast<Index>(a.shape[1]) : 1, true});
  }
  return all;
}

void check_fit(const fs::path& file, const std::vector<Outline>& found, const Graph& graph,
               const std::string& network) {
  const auto needed = outlines(graph);
  const auto in = [](const std::vector<Outline>& all, const std::string& name) {
    return std::find_if(all.begin(), all.end(), [&](const Outline& o) { return o.name == name; });
  };
  for (const Outline& n : needed) {
    const auto at = in(found, n.name);
    if (at == found.end()) {
      std::vector<std::string> some;
      for (std::size_t i = 0; i < found.size() && i < 6; ++i) some.push_back(found[i].name);
      if (found.size() > some.size()) some.emplace_back("…");
      throw DataError(cat(file.string(), ": has no '", n.name, "' (", n.shape(), "), which the network ", network,
                          " needs; it has ", some.empty() ? "no arrays" : join(some)));
    }
    if (at->rows != n.rows || at->cols != n.cols) {
      throw DataError(
          cat(file.string(), ": '", n.name, "' is ", at->shape(), ", the network ", network, " needs ", n.shape()));
    }
  }
  for (const Outline& f : found) {
    if (f.of_network && in(needed, f.name) == needed.end()) {
      throw DataError(
          cat(file.string(), ": holds '", f.name, "' (", f.shape(), "), which the network ", network, " has not"));
    }
  }
}

std::vector<NamedMatrix> read_npz(const fs::path& file, const Graph& graph, const std::string& network) {
  const auto archive = open_npz(file);
  const auto names = archive->names();
  std::vector<std::unique_ptr<ArraySource>> arrays;
  for (const std::string& name : names) arrays.push_back(archive->open(name));
  const auto shapes = outlines(arrays, names);
  check_fit(file, shapes, graph, network);  // before anything takes memory
  std::vector<NamedMatrix> weights;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> values(shapes[i].rows, shapes[i].cols);
    arrays[i]->read(std::span<Scalar>(values.data(), static_cast<std::size_t>(values.size())));
    weights.push_back({names[i], "forward", values});
  }
  return weights;
}

// What a run takes of the weights, and what it draws.
struct Taken {
  std::vector<const NamedMatrix*> weights;
  std::vector<std::string> groups, drawn;
};

Taken taken_by(const Program& program, const RunPlan& run, const std::vector<NamedMatrix>& weights) {
  Registry registry(0);
  const Net net(Graph(run.graph, program.layers), registry);
  if (run.unsupported.empty()) {
    try {
      program.rules.at(run.rule).make(run.resolved.options)->prepare(net, *make_loss(run.loss), registry);
    } catch (...) {
      // The run will fail of it, and say so.
    }
  }
  Taken taken;
  for (ParamId id = 0; id < registry.size(); ++id) {
    const Parameter& p = registry[id];
    const auto at = std::find_if(weights.begin(), weights.end(), [&](const NamedMatrix& w) {
      return w.name == p.name && w.value.rows() == p.value.rows() && w.value.cols() == p.value.cols();
    });
    if (at != weights.end()) taken.weights.push_back(&*at);
    add_missing(at != weights.end() ? taken.groups : taken.drawn, p.group);
  }
  return taken;
}

}  // namespace

OptionDef weights_option() {
  return {"weights",
          "",
          "FILE",
          "start from the weights of a run's file or an .npz (strata export, numpy.savez), under any rule",
          {.files = "*"}};
}

std::vector<NamedMatrix> read_weights(const Program& program, const fs::path& file, const Graph& graph,
                                      const std::string& network) {
  std::vector<NamedMatrix> weights;
  if (is_npz(file)) {
    weights = read_npz(file, graph, network);
  } else {
    weights = read_with_weights(program, file).weights;
    check_fit(file, outlines(weights), graph, network);
  }
  for (const NamedMatrix& w : weights) {
    if (!w.value.allFinite())
      throw DataError(cat(file.string(), ": '", w.name, "' is not all finite; no run can start from it"));
  }
  return weights;
}

std::string weights_checksum(const std::vector<const NamedMatrix*>& weights) {
  Checksum sum;
  const auto add = [&](const auto* data, std::size_t count) {
    sum.add({reinterpret_cast<const std::uint8_t*>(data), count * sizeof *data});
  };
  for (const NamedMatrix* w : weights) {
    const Index shape[] = {w->value.rows(), w->value.cols()};
    add(w->name.data(), w->name.size());
    add(shape, 2);
    add(w->value.data(), static_cast<std::size_t>(w->value.size()));
  }
  return sum.text();
}

void start_from_weights(const Program& program, const Values& values, Plan& plan) {
  if (!values.given("weights")) return;
  const fs::path file = values.text("weights");
  std::vector<NamedMatrix> weights;
  std::shared_ptr<const StartingValues> start;
  const RunPlan* before = nullptr;
  Taken taken;
  std::string checksum;
  try {
    for (RunPlan& run : plan.runs) {
      if (before == nullptr) {
        weights = read_weights(program, file, Graph(run.graph, program.layers), run.network);
        auto by_name = std::make_shared<StartingValues>();
        for (const NamedMatrix& w : weights) (*by_name)[w.name] = w.value;
        start = std::move(by_name);
      } else if (before->network != run.network) {
        check_fit(file, outlines(weights), Graph(run.graph, program.layers), run.network);
      }
      if (before == nullptr || before->network != run.network || before->rule != run.rule) {
        taken = taken_by(program, run, weights);
        checksum = weights_checksum(taken.weights);
      }
      before = &run;
      run.settings.start = start;
      run.config["weights"] = checksum;
      run.start = {{"weights_file", file.filename().string()},
                   {"weights_checksum", checksum},
                   {"weights_taken", join(taken.groups)},
                   {"weights_drawn", join(taken.drawn)}};
      run.rehash();
    }
  } catch (const DataError& e) {
    throw DataError(cat("--weights ", e.what()));
  }
}

}  // namespace strata::cli
