// Counter-based random numbers in named streams (Random123's Philox 4×32-10; Salmon et al., SC 2011).
//
// Element i of a stream is a pure function of (seed, stream name, step, i): nothing is drawn in sequence, so the
// numbers do not depend on threads, on the order of calls, or on what else a run draws. Two rules, or a plain and
// a skip network, therefore share initial weights and batch order for the same seed.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "framework/core/types.hpp"

namespace strata {

/// 64-bit FNV-1a, used to turn a stream's name into part of a Philox key. Stable across platforms and versions.
/// `before`: the hash of what the text continues.
std::uint64_t stable_hash(std::string_view text, std::uint64_t before = 0xcbf29ce484222325ULL);

class Rng {
 public:
  /// The stream `name` of `seed`; `step` tells apart the draws of different training steps.
  Rng(std::uint64_t seed, std::string_view name, std::uint64_t step = 0) : Rng(seed, stable_hash(name), step) {}
  /// The same by the name's stable_hash.
  Rng(std::uint64_t seed, std::uint64_t name_hash, std::uint64_t step);

  /// Four independent 32-bit words for counter `index`.
  std::array<std::uint32_t, 4> words(std::uint64_t index) const;

  /// Uniform in [0, 1), 53 random bits.
  double uniform(std::uint64_t index) const;

  /// Standard normal (Box–Muller in double).
  double normal(std::uint64_t index) const;

  /// Uniform in {0, …, bound − 1}, unbiased to 2⁻⁶⁴. Requires bound ≥ 1.
  std::uint64_t below(std::uint64_t bound, std::uint64_t index) const;

  /// out(r, c) = mean + sd · z with z standard normal, for the element of index c·rows + r.
  /// Runs in parallel; the bits do not depend on the number of threads.
  void fill_normal(MutView out, Scalar mean, Scalar sd) const;

  /// out(r, c) uniform in [low, high).
  void fill_uniform(MutView out, Scalar low, Scalar high) const;

  /// A uniformly random permutation of 0 … n−1 (Fisher–Yates).
  std::vector<Index> permutation(Index n) const;

 private:
  std::uint64_t key_;
  std::uint64_t step_;
};

}  // namespace strata
