// The influences of all upstream neurons on some neurons, as a group of a file: what pictures of a net are drawn from.
#pragma once

#include <vector>

#include "framework/analysis/influence.hpp"
#include "framework/io/data_group.hpp"

namespace strata {

/// The group `influence`: (query, source) mean_abs and mean_signed in float, (source) sd, and which neurons these are.
/// `targets` by neuron layer; the input's must be empty.
DataGroup influence_group(const InfluenceAnalysis& analysis, const std::vector<std::vector<Index>>& targets);

/// Bytes that it takes until it is on disk, about.
double influence_group_bytes(const Neurons& neurons, const std::vector<std::vector<Index>>& targets);

}  // namespace strata
