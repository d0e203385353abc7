// Fully connected: y = W x + b, W outputs × inputs, b outputs × 1.
//   pull_back   dx += Wᵀ dy          param_grad   gW += dy xᵀ,  gb += Σ_batch dy          push_forward   dy = W dx + dW x + db
#pragma once

#include "framework/layers/layer.hpp"

namespace strata {

class Dense final : public Layer {
 public:
  /// Throws UsageError unless units ≥ 1.
  Dense(Index units, bool bias = true, std::string init = "xavier_normal", double gain = 1);

  std::string type() const override { return "dense"; }
  nlohmann::ordered_json attributes() const override;
  Shape infer(std::span<const Shape> in) const override;
  std::vector<ParamSpec> params(std::span<const Shape> in) const override;
  double multiply_adds(std::span<const Shape> in) const override;
  void forward(const NodeCtx&, Views w, Views x, MutView y, Aux&) const override;
  void pull_back(Views w, Views x, View y, const Aux&, View dy, MutViews dx) const override;
  void pull_back_units(Views w, Views x, View y, const Aux&, View dy, std::span<const Index> unit,
                       MutViews dx) const override;
  void param_grad(Views x, View y, const Aux&, View dy, MutViews g, Scalar scale) const override;
  void forward_blocks(const NodeCtx&, Views w, Views x, MutView y, Aux&, BlockBody done) const override;
  void pull_back_blocks(Views w, Views x, View y, const Aux&, View dy, View before, MutView dx,
                        BlockBody done) const override;
  bool param_grad_blocks(Views x, View y, const Aux&, View dy, Scalar scale, ParamBlockBody done) const override;
  void push_forward(Views w, Views x, View y, const Aux&, Views dx, Views dw, MutView dy) const override;

 private:
  Index units_;
  bool bias_;
  std::string init_;
  double gain_;
};

}  // namespace strata
