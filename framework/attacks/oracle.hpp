// What an attack may ask of a trained net: its decision, and which way its loss rises with the input.
//
//   scores    classes × B, the decision is the largest (a tie: the lowest class), as the rule's own predict gives them
//   gradient  of each example's own attack loss by its input, features × B; no 1/B
// The attack loss of scores s with label y is one of
//   cross_entropy  log Σ_k e^{s_k} − s_y
//   margin         (max_{k≠y} s_k − s_y)/(s_(1) − s_(3)), s_(i) the i-th largest: the DLR loss of Croce & Hein (2003.01690),
//                  eq. 6, which neither a scale nor a shift of the scores changes; over 1 with two classes
// An oracle works for one caller at a time; the batch inside is parallel.
#pragma once

#include "framework/learning/rule.hpp"

namespace strata {

enum class AttackLoss { cross_entropy, margin };

/// Each example's loss (B of them), and in d (classes × B) its gradient by the scores. Both may be empty: not wanted.
void attack_loss(AttackLoss loss, View scores, std::span<const std::int32_t> labels, std::span<double> values,
                 MutView d);

/// The largest score's class in each column, the lowest of several; −1 for a column with a NaN.
std::vector<std::int32_t> decisions(View scores);

class Oracle {
 public:
  virtual ~Oracle() = default;
  /// At the columns of batch.x.
  virtual void scores(const Batch& batch, MutView scores) = 0;
  /// The same, and the gradient of the loss. False, and nothing of dx written, if there is no gradient.
  virtual bool gradient(const Batch& batch, AttackLoss loss, MutView scores, MutView dx) = 0;
};

/// A trained net, which decides as its rule does.
class NetOracle : public Oracle {
 public:
  /// Everything must outlive the oracle.
  NetOracle(const Model& model, const LearningRule& rule) : model_(model), rule_(rule), ws_(model.graph()) {}

  void scores(const Batch& batch, MutView scores) override;

 protected:
  Model model_;
  const LearningRule& rule_;
  Workspace ws_;
};

/// The true gradient of the decision.
class TrueOracle final : public NetOracle {
 public:
  using NetOracle::NetOracle;
  bool gradient(const Batch& batch, AttackLoss loss, MutView scores, MutView dx) override;
  /// dx = (∂scores/∂x)ᵀ dscores at the batch that scores was last asked of; false if there is no gradient.
  bool pull_back(const Batch& batch, View dscores, MutView dx);
};

/// What the rule's own feedback path says of the net's loss in place of the gradient, whatever AttackLoss is asked for.
class FeedbackOracle final : public NetOracle {
 public:
  using NetOracle::NetOracle;
  bool gradient(const Batch& batch, AttackLoss loss, MutView scores, MutView dx) override;
};

}  // namespace strata
