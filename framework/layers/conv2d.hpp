// Convolution of images: y = W ∗ x + b (convolution.hpp has its formula's details and the shapes of W).
//   pull_back   dx += W transposed ∗ dy      param_grad   gW += Σ_batch patchesᵀ dy,  gb += Σ dy of a map
//   push_forward   dy = W ∗ dx + dW ∗ x + db
#pragma once

#include <memory>

#include "framework/layers/convolution.hpp"
#include "framework/layers/layer.hpp"

namespace strata {

class Conv2d final : public Layer {
 public:
  struct Options {
    Index channels = 0;  ///< of the output
    Window window{{1, 1}};
    Index groups = 1;
    bool bias = true;
    std::string init = "xavier_normal";
    double gain = 1;
  };

  /// Throws UsageError on a number out of range.
  explicit Conv2d(Options options);

  std::string type() const override { return "conv2d"; }
  nlohmann::ordered_json attributes() const override;
  /// [channels, height, width]. Throws ShapeError if the input is no image, groups does not divide both channel counts, or
  /// the kernel is larger than the padded image.
  Shape infer(std::span<const Shape> in) const override;
  std::vector<ParamSpec> params(std::span<const Shape> in) const override;
  double multiply_adds(std::span<const Shape> in) const override;
  std::shared_ptr<const Layer> bound(std::span<const Shape> in) const override;

  void forward(const NodeCtx&, Views w, Views x, MutView y, Aux&) const override;
  void pull_back(Views w, Views x, View y, const Aux&, View dy, MutViews dx) const override;
  void pull_back_units(Views w, Views x, View y, const Aux&, View dy, std::span<const Index> unit,
                       MutViews dx) const override;
  void param_grad(Views x, View y, const Aux&, View dy, MutViews g, Scalar scale) const override;
  void forward_blocks(const NodeCtx&, Views w, Views x, MutView y, Aux&, BlockBody done) const override;
  void pull_back_blocks(Views w, Views x, View y, const Aux&, View dy, View before, MutView dx,
                        BlockBody done) const override;
  bool backward_blocks(Views w, Views x, View y, const Aux&, View dy, View before, MutView dx, BlockBody done,
                       ParamPlace g) const override;
  bool param_grad_blocks(Views x, View y, const Aux&, View dy, Scalar scale, ParamBlockBody done) const override;
  void push_forward(Views w, Views x, View y, const Aux&, Views dx, Views dw, MutView dy) const override;

 private:
  Options options_;
  std::shared_ptr<const Convolution> convolution_;  // of a bound layer
};

}  // namespace strata
