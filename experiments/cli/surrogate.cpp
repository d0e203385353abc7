#include "experiments/cli/surrogate.hpp"

#include <algorithm>

#include "framework/core/errors.hpp"

namespace strata::cli {

void check_surrogate(const TrainedNet& surrogate, const std::string& file, const Shape& input,
                     const std::string& network) {
  const Shape& own = surrogate.graph()[Graph::input()].shape;
  if (features(own) == features(input)) return;
  throw UsageError(cat("surrogate ", file, ": has inputs of ", to_string(own), ", ", network, " of ", to_string(input),
                       ": expected the same"));
}

void attack_by_surrogate(const Program& program, const Values& values, Plan& plan) {
  if (!values.given("attack-surrogate")) {
    const auto names = values.list("attacks");
    if (std::find(names.begin(), names.end(), "transfer") == names.end()) return;
    throw UsageError("--attacks transfer: expected --attack-surrogate, a run that the examples are made on");
  }
  const std::string& file = values.text("attack-surrogate");
  const auto surrogate = std::make_shared<const TrainedNet>(program, file, TrainedNet::With::rule);
  const RunRecord& record = surrogate->record();
  for (RunPlan& run : plan.runs) {
    if (run.attacks.attacks.empty()) continue;
    check_surrogate(*surrogate, file, run.graph.input, cat("network '", run.network, "'"));
    run.surrogate = surrogate;
    run.config["analysis"]["attacks"]["surrogate"] =
        cat(record.rule, "-", record.network, "-s", record.seed, "-", record.hash);
    run.rehash();
  }
}

}  // namespace strata::cli
