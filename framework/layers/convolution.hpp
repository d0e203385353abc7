// Convolution of batches of images as matrix products: y = W ∗ x, what goes back through it, and the gradient of W.
//
// W is maps × (channels/groups · taps), column c·taps + row·width + col the tap in that row and column of the kernel for
// channel c of the group; torch's weight of [maps, channels/groups, rows, cols] is the same numbers row by row. As torch
// and everybody in the field, the kernel is not flipped.
//
// A sample's image is placed so that its patches can be read where they stand (patches.hpp): nothing is gathered. Its product
// is (grid points × patch) · Wᵀ, a block of points at a time, of which the output pixels are taken. Samples are the tasks. The
// gradient of W is summed over a few groups of samples, cut by shape, and these in index order: no bit depends on the number
// of threads.
#pragma once

#include <span>
#include <vector>

#include "framework/layers/patches.hpp"
#include "framework/layers/window.hpp"
#include "framework/parallel/gemm.hpp"

namespace strata {

class Convolution {
 public:
  /// Of images [channels, height, width] to `maps` channels. `groups` divides both; `window` fits the image.
  Convolution(const Shape& image, Index maps, Index groups, const Window& window);

  const Extents& output() const { return out_; }
  Index positions() const { return out_[0] * out_[1]; }
  Index taps() const { return window_.size[0] * window_.size[1]; }
  Index weight_cols() const { return channels_ / groups_ * taps(); }
  /// Of one sample.
  double multiply_adds() const;

  /// y = W ∗ x + bias + beta·y (beta = 0 overwrites; a bias without data is 0), then done(block) for all of y.
  void forward(View w, View bias, View x, MutView y, Scalar beta, BlockBody done) const;

  /// dx = before + (∂y/∂x)ᵀ dy, then done(block) for all of dx, if given. A `before` without data is 0; it may be dx itself.
  void pull_back(View w, View dy, View before, MutView dx, BlockBody done) const;

  /// As pull_back with beta = 1 for a dy that is zero but for row unit[c] of each column c.
  void pull_back_units(View w, View dy, std::span<const Index> unit, MutView dx) const;

  /// scale·(∂y/∂W)ᵀ dy in blocks of whole columns to weight(block), and scale·Σ dy of each map to bias(block), which is
  /// maps × 1; a body that is not given is not wanted.
  void gradients(View x, View dy, Scalar scale, BlockBody weight, BlockBody bias) const;

  /// pull_back and gradients (scale 1) in one, with their bits: each sample while it is in the cache. Only where that gains
  /// something, if `both_at_once`.
  void backward(View w, View x, View dy, View before, MutView dx, BlockBody done, BlockBody weight,
                BlockBody bias) const;
  bool both_at_once(Index samples) const;

 private:
  // Output pixels of one remainder of rows and columns: what goes back to them.
  struct Phase {
    Index row, col;           // the first, in the image
    Extents count;            // rows and columns of them
    std::vector<Index> taps;  // those of the kernel that reach them
    Patches patches;          // of dy
  };

  // The kernel covers the image once: a dense layer, with the same weights.
  bool dense() const {
    return positions() == 1 && groups_ == 1 && window_.size == Extents{height_, width_} &&
           window_.padding == Extents{0, 0};
  }
  // How the sums of the gradients are cut, and a task's part of them.
  struct Cut;
  class Part;
  bool worth_threads(Index samples) const;
  void for_samples(Index samples, FunctionRef<void(Index sample)> body) const;
  const Scalar* transport(View w) const;
  void pull_back_sample(const Scalar* transported, View dy, Index sample, bool clear, View before, MutView dx,
                        BlockBody done) const;
  void put_pixels(const Phase& phase, Index point, Index rows, MutView tile, MutView image, bool adds) const;
  void add_up(const Cut& cut, Scalar* sums, Scalar scale, BlockBody weight, BlockBody bias) const;

  Index channels_, height_, width_, maps_, groups_;
  Window window_;
  Extents out_;
  Patches patches_;  // of x
  std::vector<Phase> phases_;
  bool reaches_all_ = true;  // something goes back to every pixel
};

}  // namespace strata
