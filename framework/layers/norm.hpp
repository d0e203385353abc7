// Layers that normalise: y = γ x̂ + β, x̂ = (x − mean)/√(variance + ε). Definitions are torch's.
//
// They differ in what mean and variance are taken over. The variance is the biased one; γ starts at 1, β at 0. Their
// parameters are called gamma and beta, not weight: rules that replace weights on the way back leave them alone.
#pragma once

#include "framework/layers/layer.hpp"

namespace strata {

/// Each channel of an image [c, …], or each unit of a flat input [c], over the batch and the channel's positions (Ioffe &
/// Szegedy, 1502.03167). In training by the batch's own statistics, through which the backward half goes too; in
/// evaluation by running ones: the buffers mean and variance, where the latter is unbiased and each is moved by
/// r ← (1 − momentum) r + momentum·(the batch's). dy of m·B columns is m batches of cotangents, each coupled by itself.
class BatchNorm final : public Layer {
 public:
  /// Throws UsageError unless ε > 0 and 0 ≤ momentum ≤ 1.
  BatchNorm(double epsilon, double momentum);
  std::string type() const override { return "batch_norm"; }
  nlohmann::ordered_json attributes() const override { return {{"epsilon", epsilon_}, {"momentum", momentum_}}; }
  bool keeps_units() const override { return true; }
  bool has_statistics() const override { return true; }
  Shape infer(std::span<const Shape> in) const override;
  std::vector<ParamSpec> params(std::span<const Shape> in) const override;
  /// Throws UsageError in training on one value a channel, which has no variance.
  void forward(const NodeCtx& at, Views w, Views x, MutView y, Aux& aux) const override;
  void forward_blocks(const NodeCtx& at, Views w, Views x, MutView y, Aux& aux, BlockBody done) const override;
  void pull_back(Views w, Views x, View y, const Aux& aux, View dy, MutViews dx) const override;
  void pull_back_blocks(Views w, Views x, View y, const Aux& aux, View dy, View before, MutView dx,
                        BlockBody done) const override;
  bool backward_blocks(Views w, Views x, View y, const Aux& aux, View dy, View before, MutView dx, BlockBody done,
                       ParamPlace g) const override;
  void param_grad(Views x, View y, const Aux& aux, View dy, MutViews g, Scalar scale) const override;
  void move_statistics(const Aux& aux, MutViews w) const override;
  void push_forward(Views w, Views x, View y, const Aux& aux, Views dx, Views dw, MutView dy) const override;

 private:
  double epsilon_, momentum_;
};

/// Normalisation by the statistics of one sample alone, the same in training and evaluation: of `groups` groups of
/// consecutive channels, each with its positions.
class SampleNorm : public Layer {
 public:
  bool keeps_units() const override { return true; }
  bool mixes_units() const override { return true; }
  void forward(const NodeCtx& at, Views w, Views x, MutView y, Aux& aux) const override;
  void forward_blocks(const NodeCtx& at, Views w, Views x, MutView y, Aux& aux, BlockBody done) const override;
  void pull_back(Views w, Views x, View y, const Aux& aux, View dy, MutViews dx) const override;
  void pull_back_blocks(Views w, Views x, View y, const Aux& aux, View dy, View before, MutView dx,
                        BlockBody done) const override;
  void param_grad(Views x, View y, const Aux& aux, View dy, MutViews g, Scalar scale) const override;
  void push_forward(Views w, Views x, View y, const Aux& aux, Views dx, Views dw, MutView dy) const override;

 protected:
  SampleNorm(const char* type, Index groups, double epsilon);

  Index groups_;
  double epsilon_;
};

/// All features of a sample together, γ and β a number a feature (Ba, Kiros & Hinton, 1607.06450).
class LayerNorm final : public SampleNorm {
 public:
  /// Throws UsageError unless ε > 0.
  explicit LayerNorm(double epsilon) : SampleNorm("layer_norm", 1, epsilon) {}
  std::string type() const override { return "layer_norm"; }
  nlohmann::ordered_json attributes() const override { return {{"epsilon", epsilon_}}; }
  Shape infer(std::span<const Shape> in) const override;
  std::vector<ParamSpec> params(std::span<const Shape> in) const override;
};

/// Groups of channels, γ and β a number a channel (Wu & He, 1803.08494).
class GroupNorm final : public SampleNorm {
 public:
  /// Throws UsageError unless groups ≥ 1 and ε > 0.
  GroupNorm(Index groups, double epsilon) : SampleNorm("group_norm", groups, epsilon) {}
  std::string type() const override { return "group_norm"; }
  nlohmann::ordered_json attributes() const override { return {{"groups", groups_}, {"epsilon", epsilon_}}; }
  Shape infer(std::span<const Shape> in) const override;
  std::vector<ParamSpec> params(std::span<const Shape> in) const override;
};

}  // namespace strata
