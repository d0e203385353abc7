#include "framework/optim/schedule.hpp"

#include <charconv>
#include <cmath>
#include <numbers>

#include "framework/core/errors.hpp"

namespace strata {
namespace {

// The whole of `text` as a number; false if it is none.
template <class T> bool read(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

bool consume(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

void check_warmup(double warmup) {
  if (!(warmup >= 0) || !std::isfinite(warmup)) {
    throw UsageError(cat("warm-up ", warmup, ": expected a finite number of epochs ≥ 0"));
  }
}

}  // namespace

ScheduleSpec parse_schedule(const std::string& text, double warmup) {
  const auto refuse = [&](const std::string& expected) -> UsageError {
    return UsageError(cat("schedule '", text, "': expected ", expected));
  };
  check_warmup(warmup);
  ScheduleSpec spec;
  spec.warmup = warmup;
  std::string_view rest = text;
  if (consume(rest, "warmup:")) {
    const auto plus = rest.find('+');
    double given = 0;
    if (plus == rest.npos || !read(rest.substr(0, plus), given)) {
      throw refuse("'warmup:EPOCHS+' ahead of the schedule, as in warmup:5+cosine");
    }
    if (warmup > 0) throw refuse(cat("no warm-up in the schedule beside the ", warmup, " epochs given apart from it"));
    check_warmup(spec.warmup = given);
    rest.remove_prefix(plus + 1);
  }
  if (rest == "constant") return spec;
  if (rest == "cosine") {
    spec.kind = ScheduleSpec::Kind::cosine;
    return spec;
  }
  if (!consume(rest, "step:")) {
    const std::string name(rest.substr(0, rest.find(':')));
    if (name == "step") throw refuse("'step:EPOCH,…:GAMMA', as in step:50,75:0.1");
    throw UsageError(unknown_name("schedule", name, {"constant", "step", "cosine"}));
  }
  spec.kind = ScheduleSpec::Kind::step;
  const auto colon = rest.find(':');
  if (colon == rest.npos) throw refuse("'step:EPOCH,…:GAMMA', as in step:50,75:0.1");
  if (!read(rest.substr(colon + 1), spec.gamma) || !(spec.gamma > 0) || !std::isfinite(spec.gamma)) {
    throw refuse("a finite GAMMA > 0 at the end of step:EPOCH,…:GAMMA");
  }
  std::string_view list = rest.substr(0, colon);
  for (bool more = true; more;) {
    const auto comma = list.find(',');
    int epoch = 0;
    if (!read(list.substr(0, comma), epoch) || epoch <= (spec.milestones.empty() ? 0 : spec.milestones.back())) {
      throw refuse("whole epochs ≥ 1 in ascending order in step:EPOCH,…:GAMMA");
    }
    spec.milestones.push_back(epoch);
    more = comma != list.npos;
    if (more) list.remove_prefix(comma + 1);
  }
  return spec;
}

std::string to_text(const ScheduleSpec& spec) {
  const std::string prefix = spec.warmup > 0 ? cat("warmup:", shortest(spec.warmup), "+") : "";
  if (spec.kind == ScheduleSpec::Kind::constant) return prefix + "constant";
  if (spec.kind == ScheduleSpec::Kind::cosine) return prefix + "cosine";
  std::vector<std::string> epochs;
  for (const int e : spec.milestones) epochs.push_back(std::to_string(e));
  return cat(prefix, "step:", join(epochs, ","), ":", shortest(spec.gamma));
}

double lr_factor(const ScheduleSpec& spec, std::uint64_t step, std::uint64_t steps_per_epoch, int epochs) {
  const auto s = static_cast<double>(step);
  const double warmup = spec.warmup * static_cast<double>(steps_per_epoch);
  const double ramp = s + 1 < warmup ? (s + 1) / warmup : 1;
  switch (spec.kind) {
    case ScheduleSpec::Kind::constant: return ramp;
    case ScheduleSpec::Kind::step: {
      int passed = 0;
      for (const int m : spec.milestones) passed += static_cast<std::uint64_t>(m) <= step / steps_per_epoch;
      return ramp * std::pow(spec.gamma, passed);
    }
    case ScheduleSpec::Kind::cosine: {
      if (s < warmup) return ramp;
      const double total = static_cast<double>(epochs) * static_cast<double>(steps_per_epoch);
      return s < total ? (1 + std::cos(std::numbers::pi * (s - warmup) / (total - warmup))) / 2 : 0;
    }
  }
  return ramp;
}

bool depends_on_total_epochs(const ScheduleSpec& spec) { return spec.kind == ScheduleSpec::Kind::cosine; }

}  // namespace strata
