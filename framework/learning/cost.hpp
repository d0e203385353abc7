// What a rule costs beside another, whatever the machine.
#pragma once

#include <string>

#include "framework/graph/graph.hpp"
#include "framework/learning/catalog.hpp"

namespace strata {

/// Multiply-adds in the matrix products that the rule, with its own options, does for one batch in an epoch: all passes
/// and phases of the epoch, without what runs once ahead of training. Runs one batch of noise; throws what the rule does
/// on a graph or loss that it cannot train.
double multiply_adds_in_epoch(const RuleEntry& entry, const Graph& graph, const std::string& loss, Index batch);

}  // namespace strata
