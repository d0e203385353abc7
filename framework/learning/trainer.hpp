// The only training loop: passes of the schedule, phases of the step, compute, step the phase's groups with their own
// optimizers, after_phase. Works on memory alone; whoever owns a Trainer writes files between epochs.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "framework/core/errors.hpp"
#include "framework/io/run_record.hpp"
#include "framework/learning/dataset.hpp"
#include "framework/learning/rule.hpp"
#include "framework/optim/optimizer.hpp"
#include "framework/optim/schedule.hpp"

namespace strata {

struct TrainSettings {
  std::uint64_t seed = 0;
  Index batch = 128;  ///< the last batch of an epoch may be smaller and is kept
  int epochs = 10;    ///< only schedules that depend on the total read it
  std::vector<std::pair<std::string, OptimizerSpec>> optimizers;  ///< one for each group the rule trains
  ScheduleSpec schedule;
  double clip_norm = 0;        ///< global norm over a phase's gradients; 0 = off
  double clip_value = 0;       ///< per element; 0 = off
  Index probe_examples = 256;  ///< training examples on which the layer measures are taken
  /// Values that parameters and buffers of the same name and shape start from, the net's and the rule's own; null: all
  /// are drawn.
  std::shared_ptr<const StartingValues> start = nullptr;
};

/// Thrown out of a step when the caller's stop function says so. The state is that of mid-epoch: restore a
/// checkpoint to go on.
class Stopped : public Error {
 public:
  using Error::Error;
};

class Trainer {
 public:
  /// Throws UnsupportedError if the rule cannot train this graph under this loss, UsageError on settings that make no
  /// sense for the data (a batch larger than the training split, a group without optimizer), ShapeError when data and
  /// graph do not fit, DataError where the data are not all finite. The data must outlive the trainer.
  Trainer(const Graph& graph, std::unique_ptr<Loss> loss, std::unique_ptr<LearningRule> rule, const Dataset& data,
          const Split& split, TrainSettings settings);

  /// Trains the next epoch and appends to the histories; the first call measures epoch 0 without training.
  /// `stop` is asked before each step. Throws Stopped, or DivergedError naming parameter or measure, epoch and step;
  /// the histories keep everything up to the last whole epoch, and on divergence the epoch's non-finite row too.
  void next_epoch(const std::function<bool()>& stop = {});

  /// Epochs finished; −1 before the first call.
  int epoch() const { return epoch_; }

  /// Steps of a training epoch, over all its passes: for progress bars.
  std::uint64_t steps_per_epoch() const;
  /// Steps done in the epoch under way. May be read from another thread.
  std::uint64_t steps_in_epoch() const { return steps_in_epoch_.load(std::memory_order_relaxed); }

  /// Multiply-adds of the matrix products of one training step, all phases, on a full batch; 0 before the first.
  double multiply_adds_per_step() const { return multiply_adds_per_step_; }

  /// Fills in the test results at the best and the last epoch: the only use of the test set.
  void evaluate_test();

  /// Epoch of the highest validation accuracy, the earliest on ties; −1 before the first epoch was measured.
  int best_epoch() const { return best_epoch_; }

  const std::vector<EpochMetrics>& training() const { return training_; }
  const std::vector<LayerMetrics>& layer_metrics() const { return layer_metrics_; }
  const std::vector<RuleMetrics>& rule_metrics() const { return rule_metrics_; }

  const Graph& graph() const { return net_->graph(); }
  const Net& net() const { return *net_; }
  const Registry& registry() const { return registry_; }
  Registry& registry() { return registry_; }
  const LearningRule& rule() const { return *rule_; }

  /// All parameters and buffers, at the last or the best epoch.
  enum class Which { last, best };
  std::vector<NamedMatrix> weights(Which which) const;

  /// Everything that training depends on, after a whole epoch; restore() of it continues to the same bits.
  nlohmann::json state() const;
  /// Throws DataError if the state is not one of this net, rule and settings.
  void restore(const nlohmann::json& state);

 private:
  struct Group {
    std::string name;
    std::unique_ptr<Optimizer> optimizer;
    std::uint64_t steps = 0;
    StepSize size;  // of the step under way
    std::vector<ParamId> parameters;
  };
  struct Score {
    double loss = 0, accuracy = 0, seconds = 0, multiply_adds = 0;
  };

  void run_pass(const Pass& pass, bool counts, const std::function<bool()>& stop);
  void step(const Phase& phase, const Ctx& ctx, const Batch& batch, double lr_factor);
  bool step_block(ParamId id, Index row, Index col, View g);
  void step_clipped();
  std::string non_finite(ParamId id) const;
  void measure_epoch(double train_seconds, double train_multiply_adds);
  void measure_layers();
  Score evaluate(const Examples& examples, const std::vector<Index>& ids);
  const Phase& forward_phase() const;
  Group& group(const std::string& name);
  std::uint64_t batches() const;  // of a walk

  Registry registry_;
  std::unique_ptr<Net> net_;
  std::unique_ptr<Loss> loss_;
  std::unique_ptr<LearningRule> rule_;
  Model model_;
  const Dataset& data_;
  Split split_;
  TrainSettings settings_;
  Schedule schedule_;
  std::vector<Group> groups_;
  std::vector<std::vector<Matrix>> slots_;  // optimizer state, by parameter
  std::vector<std::size_t> group_of_;       // index into groups_, by parameter
  std::vector<ParamId> stepped_;            // of the phase under way
  Workspace ws_;
  GradSink sink_, reference_sink_;
  std::vector<Index> train_sample_, probe_;  // fixed samples of the training split
  std::vector<Matrix> previous_weights_;     // of the layers, an epoch ago
  std::vector<Matrix> best_values_;          // the registry at the best epoch
  std::uint64_t step_ = 0;                   // all steps so far
  std::uint64_t train_steps_ = 0;            // steps of the epochs' passes, what the schedule counts
  std::uint64_t passes_ = 0;                 // walks over the data so far: numbers the shuffles
  std::atomic<std::uint64_t> steps_in_epoch_{0};
  double multiply_adds_per_step_ = 0;
  int epoch_ = -1;
  int best_epoch_ = -1;
  std::vector<EpochMetrics> training_;
  std::vector<LayerMetrics> layer_metrics_;
  std::vector<RuleMetrics> rule_metrics_;
};

}  // namespace strata
