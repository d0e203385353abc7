// A trained net under attack: the attacks that it allows, what they come to, and that as groups of a file.
#pragma once

#include <string>
#include <vector>

#include "experiments/cli/attack_plan.hpp"
#include "experiments/cli/trained_net.hpp"
#include "framework/attacks/robustness.hpp"
#include "framework/io/data_group.hpp"

namespace strata::cli {

/// A net as its rule decides; everything outlives this.
struct Decider {
  Model model;
  const LearningRule& rule;
};
/// Read with its rule.
Decider decider(const TrainedNet& net);

/// Examples of a data set, by their place in it.
struct Attackable {
  const Dataset& data;
  const Examples& from;  ///< of the data set: its test or its training examples
  std::vector<Index> ids;
};

/// Adversarial examples of the first so many.
struct KeptExamples {
  Shape shape;  ///< of one: features, or channels, height and width
  std::vector<Index> ids;
  std::vector<std::int32_t> labels;
  std::vector<float> clean;           ///< example × feature
  std::vector<float> x;               ///< example × attack × ε × feature
  std::vector<std::int32_t> decided;  ///< example × attack × ε; −1: scores that are not numbers
};

struct Attacked {
  Robustness table;
  std::vector<Finding> findings;
  std::vector<std::string> left_out;  ///< attacks that the net does not allow, and why
  std::vector<double> distances;      ///< DeepFool's, of the examples that are right when clean, ascending
  KeptExamples kept;

  /// NaN if there are none.
  double median_distance() const;
};

/// `surrogate` may be null: then nothing is carried over. If the net allows none of the attacks, there is nothing but left_out.
Attacked attack_net(const Decider& net, const TrainedNet* surrogate, const Attackable& examples,
                    AttackSettings settings);

/// The group /robustness, and if examples were kept /adversarial: an entry of `each` (runs, snapshots) for each of `all`,
/// which have been attacked on the same examples.
std::vector<DataGroup> robustness_groups(const DataAxis& each, const std::vector<Attacked>& all,
                                         const AttackSettings& settings);

}  // namespace strata::cli
