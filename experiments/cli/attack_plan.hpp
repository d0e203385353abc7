// The attacks of `strata attack` by name, and how they are put together for one net.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "experiments/cli/trained_net.hpp"
#include "experiments/cli/values.hpp"
#include "framework/attacks/robustness.hpp"

namespace strata::cli {

struct AttackSettings {
  RobustnessSettings table;
  std::vector<std::string> attacks;  ///< of attack_names()
  int steps = 40, restarts = 1, queries = 1000, draws = 10;
  Index examples = 1000;  ///< of the test set; 0: all
  std::uint64_t seed = 0;
};

/// What --attacks takes, in the order of the table.
const std::vector<std::string>& attack_names();

std::vector<OptionDef> attack_setting_options();
/// Throws UsageError on what makes no sense, naming the option.
AttackSettings attack_settings(const Values& values);

/// A net under attack, with the oracles that its attacks ask.
class Victim {
 public:
  /// `surrogate` may be null: then nothing is carried over. Both must outlive the victim.
  Victim(const TrainedNet& net, const TrainedNet* surrogate, const Shape& image);

  TrueOracle& decision() { return decision_; }
  /// Those of `settings` that this net allows; `left_out` says why others are not there.
  std::vector<NamedAttack> attacks(const AttackSettings& settings, const Batch& probe,
                                   std::vector<std::string>& left_out);
  /// DeepFool's of each example. The decision must have a gradient.
  std::vector<double> distances(const Examples& examples, Index classes, const RobustnessSettings& settings);

 private:
  TrueOracle decision_;
  FeedbackOracle feedback_;
  std::unique_ptr<TrueOracle> surrogate_;
  Shape image_;
};

}  // namespace strata::cli
