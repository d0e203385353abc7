// The article's picture: the network in layers, a neuron in it, and its strongest sources.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "experiments/report/figure.hpp"

namespace strata::report {

/// What the picture needs of one run: the lowest seed of a rule on a network that was analysed.
struct NeuronSources {
  struct Source {
    int layer = 0, neuron = 0;
    double score = 0, with_sign = 0;
  };
  std::string rule, network;
  std::int32_t seed = 0;
  std::vector<std::string> layers;           ///< the input first
  std::vector<int> units, depth;             ///< by layer
  std::vector<std::array<int, 3>> image;     ///< by layer: channels, height, width; units, 1, 1 of what is flat
  std::vector<std::vector<int>> hops;        ///< [target][source]; 0: not upstream, 1: directly connected
  std::vector<std::int32_t> epochs;          ///< the first and the last snapshot, or the one that there is
  std::vector<std::pair<int, int>> queries;  ///< layer, neuron
  /// [snapshot][query]: the strongest first.
  std::vector<std::vector<std::vector<Source>>> scaled, raw;
};

/// One of each series that was analysed, in the study's order. At most 64 queries a layer are kept.
std::vector<NeuronSources> neuron_sources(const Study& study);

/// The neuron that the picture shows at first: of the last hidden layer where that has sources at two distances.
std::size_t first_query(const NeuronSources& of);

/// A network under one rule.
struct NetworkPicture {
  Figure figure;
  const NeuronSources* shown;
};

/// A picture of each network under the first rule that has one, with the neuron `first_query` picks; the groups with the
/// class `pick` are what the page's script draws anew. `all` must outlive them.
std::vector<NetworkPicture> network_pictures(const Study& study, const std::vector<NeuronSources>& all);

/// For the page's script.
nlohmann::ordered_json to_json(const std::vector<NeuronSources>& all);

/// The number with so many digits, null if it is not finite.
nlohmann::ordered_json short_number(double value, int digits = 6);

}  // namespace strata::report
