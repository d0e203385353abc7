// Networks, data and trainers of the programs that measure training.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "framework/learning/catalog.hpp"
#include "framework/learning/trainer.hpp"

namespace strata::bench {

/// A tanh network 784-width×depth-10, and the batch it is trained with.
struct NetShape {
  Index width;
  int depth;
  Index batch;

  std::string name() const;
  Index examples(Index batches) const { return batches * batch; }
};

/// From large products to small ones.
const std::vector<NetShape>& net_shapes();

/// Generated examples like images in shape: `batches` whole batches to train on, and a few to take the loss on.
class TrainingData {
 public:
  TrainingData(const NetShape& net, Index batches);

  /// The rule with its own hyper-parameters.
  std::unique_ptr<Trainer> trainer(const RuleEntry& rule, std::uint64_t seed = 0) const;

 private:
  NetShape net_;
  Dataset data_;
  Split split_;
};

/// The measurement of epoch 0, and an epoch that brings memory and caches into their steady state.
void warm_up(Trainer& trainer);

/// Seconds of a step in the last epoch.
double step_seconds(const Trainer& trainer);

/// Has the loss on examples that are not trained on gone down since the start?
bool learnt(const Trainer& trainer);

/// Have these two the same parameters, byte by byte?
bool same_parameters(const Trainer& a, const Trainer& b);

}  // namespace strata::bench
