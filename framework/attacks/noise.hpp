// Random noise as large as a perturbation may be: what an attack that knows nothing does.
#pragma once

#include "framework/attacks/adversarial.hpp"
#include "framework/attacks/region.hpp"

namespace strata {

enum class NoiseKind {
  uniform,  ///< linf: each number uniform in [−ε, ε]; l2: a direction from the cube [−1, 1]ⁿ, ε long; then into the range
  gaussian  ///< linf: each number normal with standard deviation ε/2, put into the ball; l2: a normal direction, ε long
};

struct Noise {
  NoiseKind kind = NoiseKind::uniform;
  int draws = 10;  ///< an example is fooled if one of them fools it
};

/// Each draw of an example is a function of (seed, its id, the draw). Throws UsageError (draws below 1, and what
/// Region::check says), DataError on inputs outside the range.
Adversarial noise(Oracle& oracle, const Batch& batch, const Region& region, const Noise& how, std::uint64_t seed);

}  // namespace strata
