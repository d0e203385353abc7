// Weights that a run starts from, of another run's file or of an .npz (`--weights FILE`), under any rule.
//
// The network's own parameters are all taken, and must be there. What a rule has of its own (feedback, inverses, heads) is
// taken where name and shape are those of the rule at hand, and drawn otherwise.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/cli/plan.hpp"

namespace strata::cli {

/// The option --weights.
OptionDef weights_option();

/// All matrices of a run's file or an .npz, whose network must be `graph`; `network` is what messages call it. Throws
/// DataError: no such file, damaged, without weights, of another network (the first parameter that differs is named with
/// both shapes), or not finite.
std::vector<NamedMatrix> read_weights(const Program& program, const std::filesystem::path& file, const Graph& graph,
                                      const std::string& network);

/// 16 hex digits that tell weights apart, by names, shapes and values.
std::string weights_checksum(const std::vector<const NamedMatrix*>& weights);

/// Lets all runs of a plan start from the file that --weights names, if it is given: their configuration, and so their
/// hash, gets the checksum of what each takes, their provenance the file's name and the groups that are taken and drawn.
/// Throws as read_weights, before anything is written.
void start_from_weights(const Program& program, const Values& values, Plan& plan);

}  // namespace strata::cli
