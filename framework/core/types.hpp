// The one scalar type, and the matrix views everything else speaks in.
//
// Convention: a batch of activations is features × batch, one sample a column (column-major, so a sample is
// contiguous). A dense layer's weight is outputs × inputs, so y = W x + b.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <limits>
#include <span>

namespace strata {

/// float, or double in the libraries built for `strata-f64` and for the gradient checks. Never both in one program.
#ifdef STRATA_DOUBLE
using Scalar = double;
#else
using Scalar = float;
#endif

using Index = Eigen::Index;
using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>;
using Vector = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;

/// What is not known, or not defined.
inline constexpr double quiet_nan = std::numeric_limits<double>::quiet_NaN();

/// A read-only and a writable window on a matrix that somebody else owns. Cheap to copy.
using View = Eigen::Map<const Matrix, Eigen::Unaligned, Eigen::OuterStride<>>;
using MutView = Eigen::Map<Matrix, Eigen::Unaligned, Eigen::OuterStride<>>;
using Views = std::span<const View>;
using MutViews = std::span<MutView>;

inline View view(const Matrix& m) { return {m.data(), m.rows(), m.cols(), Eigen::OuterStride<>(m.rows())}; }
inline View view(const MutView& m) { return {m.data(), m.rows(), m.cols(), Eigen::OuterStride<>(m.outerStride())}; }
inline MutView mut_view(Matrix& m) { return {m.data(), m.rows(), m.cols(), Eigen::OuterStride<>(m.rows())}; }

/// The first `cols` columns of a buffer: how a batch smaller than the buffer is seen.
inline View left_cols(const Matrix& m, Index cols) {
  return {m.data(), m.rows(), cols, Eigen::OuterStride<>(m.rows())};
}
View left_cols(Matrix&& m, Index cols) = delete;  // a temporary: what is made of a view, say
inline MutView left_cols(Matrix& m, Index cols) { return {m.data(), m.rows(), cols, Eigen::OuterStride<>(m.rows())}; }

/// A view of nothing: "this result is not wanted".
inline MutView no_view() { return {nullptr, 0, 0, Eigen::OuterStride<>(0)}; }
inline bool wanted(const MutView& v) { return v.data() != nullptr; }
inline View nothing() { return {nullptr, 0, 0, Eigen::OuterStride<>(0)}; }
inline bool given(const View& v) { return v.data() != nullptr; }

}  // namespace strata
