// Layers without parameters that route or scale: add, concat, flatten, dropout, normalize.
#pragma once

#include "framework/layers/layer.hpp"

namespace strata {

/// y = Σ x[i], two or more inputs of one shape: how a skip connection joins.
class Add final : public Layer {
 public:
  std::string type() const override { return "add"; }
  bool keeps_units() const override { return true; }
  Shape infer(std::span<const Shape> in) const override;
  bool passes_back() const override { return true; }
  void forward(const NodeCtx& at, Views w, Views x, MutView y, Aux& aux) const override;
  void forward_blocks(const NodeCtx&, Views, Views x, MutView y, Aux&, BlockBody done) const override;
  void pull_back(Views, Views x, View y, const Aux&, View dy, MutViews dx) const override;
  void push_forward(Views w, Views x, View y, const Aux&, Views dx, Views dw, MutView dy) const override;
};

/// y = [x[0]; x[1]; …], two or more flat inputs stacked.
class Concat final : public Layer {
 public:
  std::string type() const override { return "concat"; }
  Shape infer(std::span<const Shape> in) const override;
  void forward(const NodeCtx&, Views, Views x, MutView y, Aux&) const override;
  void pull_back(Views, Views x, View y, const Aux&, View dy, MutViews dx) const override;
  void push_forward(Views w, Views x, View y, const Aux&, Views dx, Views dw, MutView dy) const override;
};

/// The same numbers seen as one flat vector.
class Flatten final : public Layer {
 public:
  std::string type() const override { return "flatten"; }
  bool keeps_units() const override { return true; }
  bool passes_through() const override { return true; }
  Shape infer(std::span<const Shape> in) const override;
  void forward(const NodeCtx&, Views, Views x, MutView y, Aux&) const override;
  void pull_back(Views, Views x, View y, const Aux&, View dy, MutViews dx) const override;
  void push_forward(Views w, Views x, View y, const Aux&, Views dx, Views dw, MutView dy) const override;
};

/// In training y = x·m/(1 − rate), m Bernoulli(1 − rate) drawn anew each step; in evaluation y = x
/// (Srivastava et al. 2014, in the inverted form). Aux holds the factors m/(1 − rate).
class Dropout final : public Layer {
 public:
  /// Throws UsageError unless 0 ≤ rate < 1.
  explicit Dropout(double rate);
  std::string type() const override { return "dropout"; }
  nlohmann::ordered_json attributes() const override { return {{"rate", rate_}}; }
  bool keeps_units() const override { return true; }
  Shape infer(std::span<const Shape> in) const override;
  void forward(const NodeCtx&, Views, Views x, MutView y, Aux&) const override;
  void pull_back(Views, Views x, View y, const Aux&, View dy, MutViews dx) const override;
  void push_forward(Views w, Views x, View y, const Aux&, Views dx, Views dw, MutView dy) const override;

 private:
  double rate_;
};

/// y = (x − mean)/sd with fixed numbers, one for all features or one a feature. The first node of a graph whose
/// inputs are normalised.
class Normalize final : public Layer {
 public:
  /// mean and sd have the same length, 1 or the number of features. Throws UsageError on a non-finite mean or sd ≤ 0.
  Normalize(std::vector<double> mean, std::vector<double> sd);
  std::string type() const override { return "normalize"; }
  nlohmann::ordered_json attributes() const override;
  Shape infer(std::span<const Shape> in) const override;
  void forward(const NodeCtx&, Views, Views x, MutView y, Aux&) const override;
  void pull_back(Views, Views x, View y, const Aux&, View dy, MutViews dx) const override;
  void push_forward(Views w, Views x, View y, const Aux&, Views dx, Views dw, MutView dy) const override;

 private:
  std::vector<double> mean_, sd_;
  Vector shift_, factor_;
};

}  // namespace strata
