// A finished run's network as it was trained, rebuilt from its file: for commands that look at it again.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "experiments/cli/cli.hpp"
#include "framework/graph/net.hpp"
#include "framework/io/run_record.hpp"
#include "framework/learning/rule.hpp"
#include "framework/losses/loss.hpp"

namespace strata::cli {

/// A finished run with its weights. Throws DataError: no run file, or one without weights.
RunRecord read_with_weights(const Program& program, const std::filesystem::path& file);

class TrainedNet {
 public:
  enum class With { net, rule };

  /// Throws DataError: no run file, one without weights, or one whose weights and configuration do not fit each other;
  /// with its rule: a rule that the program does not know.
  TrainedNet(const Program& program, const std::filesystem::path& file, With with = With::net);
  TrainedNet(const TrainedNet&) = delete;
  TrainedNet& operator=(const TrainedNet&) = delete;

  /// Without weights: the network's are in the registry.
  const RunRecord& record() const { return record_; }
  const nlohmann::ordered_json& config() const { return config_; }
  const Graph& graph() const { return net_->graph(); }
  const Net& net() const { return *net_; }
  /// The network's parameters; behind them what the rule has of its own, if it was asked for.
  const Registry& registry() const { return *registry_; }
  /// The rule that trained it, as it decides and as it sends signals back: with With::rule alone. Of imported weights, backprop.
  const LearningRule& rule() const { return *rule_; }
  const Loss& loss() const { return *loss_; }
  int epoch() const { return epoch_; }  ///< whose weights these are
  /// "backprop on mlp and fashion-mnist, seed 3"
  std::string describe() const;

 private:
  void rebuild(const Program& program, With with);

  RunRecord record_;
  nlohmann::ordered_json config_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<Net> net_;
  std::unique_ptr<Loss> loss_;
  std::unique_ptr<LearningRule> rule_;
  int epoch_ = 0;
};

/// What a run was trained on, and which of it was kept for validation.
struct TrainingData {
  Dataset data;
  Split split;
};

/// `path` as --data. Throws DataError if what is found there is not the run's data, by checksum.
TrainingData load_training_data(const Program& program, const TrainedNet& trained, const std::string& path);

}  // namespace strata::cli
