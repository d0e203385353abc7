// A small net with weights by hand, its neurons and examples, for tests of what is said about neurons.
#pragma once

#include <initializer_list>
#include <numeric>
#include <string>
#include <vector>

#include "framework/analysis/influence.hpp"

namespace strata::testing {

/// Rows as they are read.
inline Matrix rows(std::initializer_list<std::initializer_list<double>> of) {
  Matrix m(static_cast<Index>(of.size()), static_cast<Index>(of.begin()->size()));
  Index i = 0;
  for (const auto& row : of) {
    Index j = 0;
    for (const double x : row) m(i, j++) = static_cast<Scalar>(x);
    ++i;
  }
  return m;
}

inline Matrix normal(Index count, Index cols, const char* name, std::uint64_t seed = 1) {
  Matrix m(count, cols);
  Rng(seed, name).fill_normal(mut_view(m), 0, 1);
  return m;
}

struct SmallNet {
  Registry registry;
  Net net;
  Neurons neurons;
  Matrix x;  // features × examples

  SmallNet(const GraphSpec& spec, Matrix examples, std::uint64_t seed = 1)
      : registry(seed), net(Graph(spec), registry), neurons(net.graph()), x(std::move(examples)) {}
  SmallNet(const SmallNet&) = delete;
  SmallNet& operator=(const SmallNet&) = delete;

  Matrix& value(const std::string& parameter) { return registry.value(registry.find(parameter)); }
  InfluenceAnalysis analysis(const InfluenceOptions& options = {}) const {
    return {net, registry, neurons, view(x), options};
  }
  std::vector<Index> units(std::size_t layer) const {
    std::vector<Index> all(static_cast<std::size_t>(neurons[layer].units));
    std::iota(all.begin(), all.end(), Index{0});
    return all;
  }
  std::vector<std::vector<Index>> all_targets() const {
    std::vector<std::vector<Index>> targets(neurons.size());
    for (std::size_t l = 1; l < neurons.size(); ++l) targets[l] = units(l);
    return targets;
  }
};

/// A fully connected net of these widths, the input's first, without biases.
inline MlpSpec mlp(const std::vector<Index>& widths, const std::string& activation = "identity") {
  MlpSpec spec;
  spec.input = {widths.front()};
  spec.hidden.assign(widths.begin() + 1, widths.end() - 1);
  spec.outputs = widths.back();
  spec.activation = activation;
  spec.bias = false;
  return spec;
}

}  // namespace strata::testing
