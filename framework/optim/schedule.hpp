// The learning rate over time: a factor on each optimizer's lr.
//
// With s the steps taken so far, n steps an epoch, E epochs in all, w = warmup·n:
//   warm-up   (s + 1)/w while s + 1 < w (Goyal et al. 1706.02677, section 2.2), then
//   constant  1
//   step      gamma^#{milestones ≤ ⌊s/n⌋}, epochs counted from the start of training (torch's MultiStepLR)
//   cosine    ½(1 + cos(π (s − w)/(E·n − w))), 0 from the last epoch's end on (Loshchilov & Hutter 1608.03983, eq. 5)
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace strata {

struct ScheduleSpec {
  enum class Kind { constant, step, cosine };
  Kind kind = Kind::constant;
  std::vector<int> milestones;  ///< of step: epochs, ascending
  double gamma = 0.1;           ///< of step
  double warmup = 0;            ///< epochs of linear warm-up, may be a fraction; 0 = none

  bool operator==(const ScheduleSpec&) const = default;
};

/// Parses "constant", "cosine" or "step:50,75:0.1" (milestones in epochs, gamma), with or without a prefix "warmup:5+".
/// `warmup` epochs of warm-up can be given apart from the text, not in both places. Throws UsageError otherwise:
/// milestones must be whole numbers ≥ 1 in ascending order, gamma finite and > 0, warm-up finite and ≥ 0.
ScheduleSpec parse_schedule(const std::string& text, double warmup = 0);

/// The text that parse_schedule turns into `spec`.
std::string to_text(const ScheduleSpec& spec);

/// The factor for the step that is taken after `step` others. Requires steps_per_epoch ≥ 1.
double lr_factor(const ScheduleSpec& spec, std::uint64_t step, std::uint64_t steps_per_epoch, int epochs);

/// True if lr_factor reads `epochs`: such a run cannot be extended.
bool depends_on_total_epochs(const ScheduleSpec& spec);

}  // namespace strata
