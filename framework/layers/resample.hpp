// Images [channels, height, width] brought to another size without pooling, channel by channel.
#pragma once

#include "framework/layers/layer.hpp"
#include "framework/layers/planes.hpp"

namespace strata {

/// Zeros around each channel: [c, h, w] becomes [c, h + 2·rows, w + 2·columns].
class ZeroPad final : public Layer {
 public:
  /// Rows on either side, columns on either side. Throws UsageError unless they are 0 to 4096.
  explicit ZeroPad(const Extents& padding);
  std::string type() const override { return "zero_pad"; }
  nlohmann::ordered_json attributes() const override;
  /// Throws ShapeError unless there is one input, an image.
  Shape infer(std::span<const Shape> in) const override;
  std::shared_ptr<const Layer> bound(std::span<const Shape> in) const override;
  void forward(const NodeCtx&, Views, Views x, MutView y, Aux&) const override;
  void pull_back(Views, Views x, View y, const Aux&, View dy, MutViews dx) const override;
  void push_forward(Views w, Views x, View y, const Aux&, Views dx, Views dw, MutView dy) const override;

 private:
  void pad(View x, MutView y) const;

  Extents padding_;
  Planes planes_;
};

/// Each channel brought to `size` rows and columns.
///   nearest   y(i) = x(⌊i·in/out⌋), in whole numbers
///   bilinear  y(i) = (1 − λ) x(l) + λ x(min(l + 1, in − 1)) with s = max(0, (i + ½) in/out − ½), l = ⌊s⌋, λ = s − l
/// in both directions: torch's F.interpolate with align_corners=False and without antialiasing.
class Resize final : public Layer {
 public:
  /// mode is "nearest" or "bilinear". Throws UsageError on another, or unless height and width are 1 to 4096.
  Resize(const Extents& size, std::string mode);
  std::string type() const override { return "resize"; }
  nlohmann::ordered_json attributes() const override;
  /// Throws ShapeError unless there is one input, an image.
  Shape infer(std::span<const Shape> in) const override;
  std::shared_ptr<const Layer> bound(std::span<const Shape> in) const override;
  void forward(const NodeCtx&, Views, Views x, MutView y, Aux&) const override;
  void pull_back(Views, Views x, View y, const Aux&, View dy, MutViews dx) const override;
  void push_forward(Views w, Views x, View y, const Aux&, Views dx, Views dw, MutView dy) const override;

 private:
  /// What an output row or column is made of: (1 − weight)·low + weight·high.
  struct Tap {
    Index low, high;
    Scalar weight;
  };
  std::vector<Tap> taps(Index in, Index out) const;
  template <class Visit> void visit(Index i, Index j, const Visit& pixel) const;
  void interpolate(View x, MutView y) const;

  Extents size_;
  std::string mode_;
  bool nearest_;
  Planes planes_;
  std::vector<Tap> rows_, cols_;
};

}  // namespace strata
