// Pooling: an image [channels, height, width] made smaller, channel by channel.
//
// Output pixel (i, j) sees the input pixels of its window, rows i·stride − padding + k with k < size, and columns
// likewise (window.hpp). The output has (extent + 2·padding − size)/stride + 1 rows and columns, rounded down.
#pragma once

#include "framework/layers/layer.hpp"
#include "framework/layers/planes.hpp"

namespace strata {

/// What the two kinds share: attributes size, stride, padding and the shapes.
class Pool : public Layer {
 public:
  nlohmann::ordered_json attributes() const override;
  /// Throws ShapeError unless there is one input, an image no smaller than the window with its padding.
  Shape infer(std::span<const Shape> in) const override;

 protected:
  /// Throws UsageError, in the name of `type`, on extents out of range (Window::check), or a padding above half the size:
  /// then some windows would see no pixel at all.
  Pool(const std::string& type, const Window& window);

  Planes planes_for(std::span<const Shape> in) const;
  /// Pairs of rows and columns, the usual case, which has loops of its own.
  bool in_pairs() const;

  Window window_;
  Planes planes_;
};

/// y(i, j) = the largest pixel of the window; padding is never it. Of equal ones the first, row by row, gets the
/// derivative. NaN counts as larger than all numbers. Aux holds the winner's place in its window, row·(columns of the
/// window) + column: below 4096², so exact in float.
class MaxPool final : public Pool {
 public:
  explicit MaxPool(const Window& window) : Pool("max_pool", window) {}
  std::string type() const override { return "max_pool"; }
  std::shared_ptr<const Layer> bound(std::span<const Shape> in) const override;
  void forward(const NodeCtx&, Views, Views x, MutView y, Aux& aux) const override;
  void pull_back(Views, Views x, View y, const Aux& aux, View dy, MutViews dx) const override;
  void push_forward(Views w, Views x, View y, const Aux& aux, Views dx, Views dw, MutView dy) const override;

 private:
  Index winner(Index i, Index j, Scalar place) const;

  std::vector<Index> offsets_;  ///< how far each place of a window is from its first, in a plane of the input
};

/// y(i, j) = Σ pixels of the window / (size rows · size columns): padding counts as zeros, at the edges too.
class AveragePool final : public Pool {
 public:
  explicit AveragePool(const Window& window) : Pool("average_pool", window) {}
  std::string type() const override { return "average_pool"; }
  std::shared_ptr<const Layer> bound(std::span<const Shape> in) const override;
  void forward(const NodeCtx&, Views, Views x, MutView y, Aux&) const override;
  void pull_back(Views, Views x, View y, const Aux&, View dy, MutViews dx) const override;
  void push_forward(Views w, Views x, View y, const Aux&, Views dx, Views dw, MutView dy) const override;

 private:
  void average(View x, MutView y) const;
};

/// y(c) = mean of channel c: [channels, height, width] becomes [channels].
class GlobalAveragePool final : public Layer {
 public:
  std::string type() const override { return "global_average_pool"; }
  /// Throws ShapeError unless there is one input, an image.
  Shape infer(std::span<const Shape> in) const override;
  void forward(const NodeCtx&, Views, Views x, MutView y, Aux&) const override;
  void pull_back(Views, Views x, View y, const Aux&, View dy, MutViews dx) const override;
  void push_forward(Views w, Views x, View y, const Aux&, Views dx, Views dw, MutView dy) const override;
};

}  // namespace strata
