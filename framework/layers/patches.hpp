// Images placed so that whatever a tap of a kernel reads lies in one stretch of memory.
//
// An image is padded with zeros, and with a stride split into the planes of pixels whose rows and columns have the same
// remainder. Then a tap reads a plane from some offset on, whatever stride, padding and dilation are: the same offset for all
// output pixels, if these are numbered along the plane's rows. That is the grid: out rows × a plane's columns, of which those
// beyond an output row read something else and count for nothing.
#pragma once

#include <algorithm>
#include <vector>

#include "framework/core/shape.hpp"
#include "framework/core/vector_size.hpp"

namespace strata {

/// A tap of a kernel: output pixel (i, j) reads pixel (i·stride + at) of the image, in each direction; `at` may be negative.
struct Tap {
  Index row, col;
};

class Patches {
 public:
  /// Of `channels` images with `image` rows and columns each, for `out` output rows and columns.
  Patches(Index channels, Extents image, Extents out, Extents stride, const std::vector<Tap>& taps);

  Index taps() const { return taps_; }
  /// True if two output rows together are a vector.
  bool half_vectors() const { return 2 * out_[1] == vector_lanes && out_[0] % 2 == 0; }
  /// True if output rows are whole vectors or halves: then products need not be made of the grid.
  bool of_pixels() const { return out_[1] % vector_lanes == 0 || half_vectors(); }
  /// What products are made of: output pixels, or else points of the grid; and where such a point reads, from what the
  /// first reads.
  Index points() const { return of_pixels() ? out_[0] * out_[1] : grid(); }
  Index offset(Index point) const { return of_pixels() ? point / out_[1] * plane_[1] + point % out_[1] : point; }

  /// Points of the grid, up to the last output pixel.
  Index grid() const { return (out_[0] - 1) * plane_[1] + out_[1]; }
  /// Points from one output row to the next.
  Index pitch() const { return plane_[1]; }

  /// Where grid point 0 reads, in the scratch memory: channel after channel, tap after tap. Point q reads q further on.
  const std::vector<Index>& reads() const { return reads_; }

  /// Numbers of scratch memory for so many of the channels, with room behind for a vector to be read from the last point.
  Index scratch_size(Index channels) const;

  /// Makes the scratch memory of so many channels ready for `place`.
  void clear(Index channels, Scalar* scratch) const;

  /// Places so many images, which lie one after the other, where the memory is clear or holds images placed before.
  void place(const Scalar* images, Index channels, Scalar* scratch) const;

  /// each(position, point, length): stretches of output pixels, in one row each, among `count` points from `first` on that lie
  /// `row_points` to a row; `position` is the first one's among all output pixels, `point` its place counted from `first`.
  template <class Each> void for_stretches(Index first, Index count, Index row_points, const Each& each) const {
    for (Index q = first; q < first + count;) {
      const Index row = q / row_points, col = q % row_points;
      const Index length = std::min(out_[1] - col, first + count - q);
      if (length > 0) each(row * out_[1] + col, q - first, length);
      q += length > 0 ? length : row_points - col;
    }
  }
  /// Of the points that products are made of.
  template <class Each> void for_stretches(Index first, Index count, const Each& each) const {
    for_stretches(first, count, of_pixels() ? out_[1] : pitch(), each);
  }

 private:
  // Which of a plane's rows, or columns, show the image, and the row or column of the first of them there.
  struct Shown {
    Index first, count, pixel;
  };
  struct Plane {
    Index row, col;  // remainder of its pixels' rows and columns
    Index at;        // in a channel's scratch
    Shown rows, cols;
  };
  Index channel_size() const { return static_cast<Index>(planes_.size()) * plane_[0] * plane_[1]; }

  Extents image_, out_, stride_;
  Index taps_;
  Extents lead_{};   // zeros before the image
  Extents plane_{};  // rows and columns of a plane
  std::vector<Plane> planes_;
  std::vector<Index> reads_;
};

}  // namespace strata
