#include "framework/analysis/influence_group.hpp"

#include <numeric>

namespace strata {
namespace {

std::size_t count(const std::vector<std::vector<Index>>& targets) {
  std::size_t n = 0;
  for (const auto& layer : targets) n += layer.size();
  return n;
}

}  // namespace

double influence_group_bytes(const Neurons& neurons, const std::vector<std::vector<Index>>& targets) {
  // Two matrices here, and once more in the image of the file.
  return 4.0 * sizeof(float) * static_cast<double>(count(targets)) * static_cast<double>(neurons.count());
}

DataGroup influence_group(const InfluenceAnalysis& analysis, const std::vector<std::vector<Index>>& targets) {
  using Integers = std::vector<std::int32_t>;
  const Neurons& neurons = analysis.neurons();
  const auto sources = static_cast<std::size_t>(neurons.count());
  const std::size_t queries = count(targets);
  std::vector<float> mean_abs(queries * sources, 0.F), with_sign(mean_abs);
  Integers query(queries), source(sources), query_layer, query_neuron, source_layer, source_neuron;
  std::iota(query.begin(), query.end(), 0);
  std::iota(source.begin(), source.end(), 0);
  std::size_t row = 0;
  for (std::size_t l = 0; l < neurons.size(); ++l) {
    for (Index i = 0; i < neurons[l].units; ++i) {
      source_layer.push_back(static_cast<std::int32_t>(l));
      source_neuron.push_back(static_cast<std::int32_t>(i));
    }
    for (const Index unit : targets[l]) {
      query_layer.push_back(static_cast<std::int32_t>(l));
      query_neuron.push_back(static_cast<std::int32_t>(unit));
    }
    if (targets[l].empty()) continue;
    analysis.influences(l, targets[l], [&](const Influences& in) {
      for (Index c = 0; c < in.mean_abs.cols(); ++c, ++row) {
        for (Index s = 0; s < in.mean_abs.rows(); ++s) {
          const std::size_t at = row * sources + static_cast<std::size_t>(s);
          mean_abs[at] = static_cast<float>(in.mean_abs(s, c));
          with_sign[at] = static_cast<float>(in.mean(s, c));
        }
      }
    });
  }
  DataGroup group{"influence", {}, {}, {}};
  group.axes.push_back({"query", query, "the neuron that is influenced"});
  group.axes.push_back({"source", source, "all neurons, the input's features first, then layer by layer"});
  group.axes.push_back({"layer", neurons.names(), "layer of neurons; 0 is the input"});
  group.notes = {
      {"examples", static_cast<std::int32_t>(analysis.examples())},
      {"title", std::string("partial derivatives of query neurons by source neurons; 0 where not upstream")}};
  const auto add = [&](const char* name, std::vector<std::string> axes, auto values, const char* long_name) {
    group.arrays.push_back({name, std::move(axes), std::move(values), long_name, "1"});
  };
  add("query_layer", {"query"}, query_layer, "index of the neuron's layer along the axis layer");
  add("query_neuron", {"query"}, query_neuron, "the neuron's number within its layer");
  add("source_layer", {"source"}, source_layer, "index of the neuron's layer along the axis layer");
  add("source_neuron", {"source"}, source_neuron, "the neuron's number within its layer");
  add("source_sd", {"source"}, analysis.moments().sd, "standard deviation of the activation over the examples");
  add("mean_abs", {"query", "source"}, std::move(mean_abs), "influence: mean over examples of |da_query/da_source|");
  add("mean_signed", {"query", "source"}, std::move(with_sign), "mean over examples of da_query/da_source");
  return group;
}

}  // namespace strata
