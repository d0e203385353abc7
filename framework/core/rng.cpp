#include "framework/core/rng.hpp"

#include <Random123/philox.h>

#include <cmath>
#include <numbers>
#include <numeric>

#include "framework/core/vector_math.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata {
namespace {

constexpr Index block = 512;  // elements drawn together; a multiple of 4 words and of every packet size

std::array<std::uint32_t, 4> philox(std::uint64_t key, std::uint64_t step, std::uint64_t index) {
  const r123::Philox4x32::ctr_type counter{{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                                            static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32)}};
  const r123::Philox4x32::key_type k{{static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)}};
  const auto out = r123::Philox4x32()(counter, k);
  return {out[0], out[1], out[2], out[3]};
}

// A uniform in (0, 1) from a word: never 0, so that log is finite, and never 1.
Scalar open_unit(std::uint32_t word) {
  if constexpr (sizeof(Scalar) == 4) {
    return (static_cast<Scalar>(word >> 9) + Scalar(0.5)) * Scalar(0x1p-23);
  } else {
    return (static_cast<Scalar>(word) + Scalar(0.5)) * Scalar(0x1p-32);
  }
}

using Block = Eigen::Array<Scalar, block, 1>;

void uniform_block(std::uint64_t key, std::uint64_t step, Index number, Block& u) {
  for (Index q = 0; q < block / 4; ++q) {
    const auto w = philox(key, step, static_cast<std::uint64_t>(number * (block / 4) + q));
    for (int j = 0; j < 4; ++j) u[q * 4 + j] = open_unit(w[static_cast<std::size_t>(j)]);
  }
}

// Box–Muller on whole fixed-size arrays: the vectorised path always, so the bits never depend on how work is cut.
void normal_block(std::uint64_t key, std::uint64_t step, Index number, Block& z) {
  Block u;
  uniform_block(key, step, number, u);
  constexpr Index half = block / 2;
  const Eigen::Array<Scalar, half, 1> radius = (Scalar(-2) * u.head<half>().log()).sqrt();
  const Eigen::Array<Scalar, half, 1> angle = Scalar(2 * std::numbers::pi) * u.tail<half>();
  if constexpr (sizeof(Scalar) == 4) {
    z.head<half>() = radius * angle.cos();
    z.tail<half>() = radius * angle.sin();
  } else {
    for (Index i = 0; i < half; ++i) z[i] = radius[i] * std::cos(angle[i]);
    for (Index i = 0; i < half; ++i) z[half + i] = radius[i] * std::sin(angle[i]);
  }
}

template <class Draw> void fill(MutView out, const Draw& draw) {
  const Index rows = out.rows();
  const Index total = rows * out.cols();
  const Index blocks = (total + block - 1) / block;
  constexpr Index per_task = 32;
  parallel_for((blocks + per_task - 1) / per_task, [&](Index task) {
    Block values;
    for (Index b = task * per_task; b < std::min(blocks, (task + 1) * per_task); ++b) {
      draw(b, values);
      const Index first = b * block;
      const Index last = std::min(total, first + block);
      for (Index i = first; i < last;) {  // a run within one column at a time
        const Index column = i / rows;
        const Index row = i % rows;
        const Index count = std::min(last - i, rows - row);
        out.col(column).segment(row, count) = values.segment(i - first, count).matrix();
        i += count;
      }
    }
  });
}

}  // namespace

std::uint64_t stable_hash(std::string_view text, std::uint64_t before) {
  std::uint64_t h = before;
  for (const char c : text) {
    h ^= static_cast<unsigned char>(c);
    h *= 0x100000001b3ULL;
  }
  return h;
}

Rng::Rng(std::uint64_t seed, std::uint64_t name_hash, std::uint64_t step) : step_(step) {
  // The seed and the name are mixed by one Philox call: related seeds give unrelated keys.
  const auto w = philox(name_hash, 0x5354524154410001ULL, seed);
  key_ = (static_cast<std::uint64_t>(w[0]) << 32) | w[1];
}

std::array<std::uint32_t, 4> Rng::words(std::uint64_t index) const { return philox(key_, step_, index); }

double Rng::uniform(std::uint64_t index) const {
  const auto w = words(index);
  const std::uint64_t bits = ((static_cast<std::uint64_t>(w[0]) << 32) | w[1]) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

double Rng::normal(std::uint64_t index) const {
  const auto w = words(index);
  const double u1 = (static_cast<double>(w[0]) + 0.5) * 0x1p-32;
  const double u2 = (static_cast<double>(w[1]) + 0.5) * 0x1p-32;
  return std::sqrt(-2.0 * std::log(u1)) * std::cos(2.0 * std::numbers::pi * u2);
}

std::uint64_t Rng::below(std::uint64_t bound, std::uint64_t index) const {
  const auto w = words(index);
  const std::uint64_t bits = (static_cast<std::uint64_t>(w[0]) << 32) | w[1];
  // Multiply-shift; the bias is at most bound / 2⁶⁴.
  return static_cast<std::uint64_t>((static_cast<unsigned __int128>(bits) * bound) >> 64);
}

void Rng::fill_normal(MutView out, Scalar mean, Scalar sd) const {
  fill(out, [&](Index number, Block& values) {
    normal_block(key_, step_, number, values);
    values = mean + sd * values;
  });
}

void Rng::fill_uniform(MutView out, Scalar low, Scalar high) const {
  fill(out, [&](Index number, Block& values) {
    uniform_block(key_, step_, number, values);
    values = low + (high - low) * values;
  });
}

std::vector<Index> Rng::permutation(Index n) const {
  std::vector<Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[static_cast<std::size_t>(below(i, i))]);
  }
  return order;
}

}  // namespace strata
