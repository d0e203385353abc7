// From options to a network.
#pragma once

#include <string>
#include <vector>

#include "datasets/normalize.hpp"
#include "experiments/cli/cli.hpp"
#include "experiments/cli/values.hpp"
#include "framework/graph/graph.hpp"

namespace strata::cli {

/// Options that describe a network.
std::vector<OptionDef> network_options();

/// What stands for a network in file names: letters, digits and _.
std::string network_slug(const std::string& name);

/// The rules that `except` in the INI section [network.NAME] names.
std::vector<std::string> excepted_rules(const Values& values, const std::string& name);

/// Throws UsageError if the INI section [network.NAME] holds what is no option of a network.
void check_network(const Values& values, const std::string& name);

/// The graph that the network options describe, for data of this shape. `name` is an entry of --networks ([network.NAME]
/// of the INI file), "mlp", or a graph file. Throws InputError on whatever cannot be built.
Graph plan_graph(const Program& program, const Values& values, const std::string& name, const Shape& input,
                 Index classes, const Normalization& normalization);

}  // namespace strata::cli
