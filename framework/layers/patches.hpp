// Patches of images as columns of a matrix (im2col), a block of positions at a time.
//
// An image is first placed into scratch memory: padded with zeros, and with a stride split into the planes of pixels whose
// rows and columns have the same remainder. After that every tap of the kernel reads contiguous stretches, whatever the
// stride, padding and dilation are.
#pragma once

#include <vector>

#include "framework/core/shape.hpp"

namespace strata {

/// A tap of a kernel: output pixel (i, j) reads pixel (i·stride + at) of the image, in each direction; `at` may be negative.
struct Tap {
  Index row, col;
};

class Patches {
 public:
  /// Of images of one channel with `image` rows and columns, for `out` output rows and columns.
  Patches(Extents image, Extents out, Extents stride, const std::vector<Tap>& taps);

  Index taps() const { return static_cast<Index>(offsets_.size()); }
  Index positions() const { return out_[0] * out_[1]; }

  /// Numbers of scratch memory for so many channels.
  Index scratch_size(Index channels) const;

  /// Places `channels` images, which lie one after the other.
  void place(const Scalar* images, Index channels, Scalar* scratch) const;

  /// panel(r, c·taps + t) = what output position first + r reads from channel c at tap t, r < count. The panel's columns lie
  /// `ld` ≥ count apart, and it has vector_lanes numbers of room behind it.
  void panel(const Scalar* scratch, Index channels, Index first, Index count, Scalar* panel, Index ld) const;

  /// No more positions than this at once.
  static constexpr Index max_count = 256;

 private:
  struct Plane {
    Index row, col;  // remainder of its pixels' rows and columns
    Index at;        // in a channel's scratch
  };

  Extents image_, out_, stride_;
  Extents lead_{};   // zeros before the image
  Extents plane_{};  // rows and columns of a plane
  std::vector<Plane> planes_;
  std::vector<Index> offsets_;  // of each tap for output pixel (0, 0), in a channel's scratch
};

}  // namespace strata
