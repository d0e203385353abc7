// How a weight matrix starts.
//
// W is outputs × inputs, fan_in = inputs, fan_out = outputs, g the gain. In a kernel of a convolution each output channel
// reaches `positions` units: fan_out = outputs·positions (fan_in has them in its columns already).
//   xavier   variance g²·2/(fan_in + fan_out)   Glorot & Bengio 2010, eq. 16 (uniform), 12 (variance)
//   he       variance g²·2/fan_in               He et al. 2015 (1502.01852), eq. 10
//   lecun    variance g²/fan_in                 LeCun et al. 1998, "Efficient BackProp", eq. 16
//   orthogonal  g·Q with orthonormal rows or columns, whichever are fewer (Saxe et al. 1312.6120)
// `_normal` draws normals of that variance, `_uniform` uniforms on ±√(3·variance).
#pragma once

#include <string>
#include <vector>

#include "framework/core/rng.hpp"
#include "framework/core/types.hpp"

namespace strata {

struct Initializer {
  enum class Kind { zeros, ones, xavier, he, lecun, orthogonal, normal, uniform };
  Kind kind = Kind::zeros;
  bool uniform = false;  ///< for xavier, he and lecun: uniform instead of normal
  double gain = 1;       ///< for Kind::normal the standard deviation, for Kind::uniform the half width
  Index positions = 1;   ///< of a kernel: its height × width

  static Initializer zeros() { return {}; }
  static Initializer ones() { return {Kind::ones}; }
  static Initializer normal(double sd) { return {Kind::normal, false, sd}; }
  static Initializer uniform_within(double half_width) { return {Kind::uniform, true, half_width}; }
};

/// Parses "xavier_normal", "he_uniform", "lecun_normal", "orthogonal", "zeros". Throws UsageError otherwise.
Initializer initializer(const std::string& name, double gain = 1);

/// The names `initializer` accepts.
const std::vector<std::string>& initializer_names();

/// Standard deviation of an element drawn by `init` for a rows × cols matrix (0 for zeros and ones).
double initial_sd(const Initializer& init, Index rows, Index cols);

/// Fills `out` with a draw. Takes no memory but for orthogonal.
void draw_into(MutView out, const Initializer& init, const Rng& rng);

/// Draws a rows × cols matrix from `rng`.
Matrix draw(const Initializer& init, Index rows, Index cols, const Rng& rng);

}  // namespace strata
