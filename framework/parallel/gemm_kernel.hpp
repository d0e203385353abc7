// The innermost loops of the matrix product: a block of C is held in registers while the whole chunk of the inner sum
// runs over it. Written with the vector extension of GCC and Clang, for the widest registers that the build has.
//
// Every element of C is one chain of fused multiply-adds over p = 0, 1, …, then one update of C; neither depends on
// where in a block the element lies, so the bits do not depend on how C was cut.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "framework/core/vector_size.hpp"

namespace strata::gemm_kernel {

#if defined(__AVX512F__)
constexpr int max_vectors = 4;  // of a column of the block
constexpr int sums = 24;        // 4 × 6 of them, 4 vectors of A and 1 of B fill 29 of 32 registers
#else
constexpr int max_vectors = 3;
constexpr int sums = 12;  // 3 × 4, and 3 + 1, are 16 registers
#endif
constexpr int lanes = vector_lanes;
/// Columns of a block that is `vectors` high: a low one is wide, since one sum in every cycle needs many of them at once.
constexpr int max_cols(int vectors) { return vectors == 1 ? sums / 2 : sums / vectors; }
constexpr Index block_rows = Index{max_vectors} * lanes;

using Vec __attribute__((vector_size(vector_bytes))) = Scalar;
// The same in memory: aligned as a Scalar is, and allowed to alias Scalars.
using UnalignedVec __attribute__((vector_size(vector_bytes), aligned(sizeof(Scalar)), may_alias)) = Scalar;

inline Vec load(const Scalar* p) { return *reinterpret_cast<const UnalignedVec*>(p); }
inline void store(Scalar* p, Vec v) { *reinterpret_cast<UnalignedVec*>(p) = v; }

// Half of it from `low` on, half from `high` on.
inline Vec load_halves(const Scalar* low, const Scalar* high) {
  using Half __attribute__((vector_size(vector_bytes / 2), aligned(sizeof(Scalar)), may_alias)) = Scalar;
  return [&]<std::size_t... E>(std::index_sequence<E...>) {
    return __builtin_shufflevector(*reinterpret_cast<const Half*>(low), *reinterpret_cast<const Half*>(high),
                                   int(E)...);
  }
  (std::make_index_sequence<lanes>{});
}

// Copies the last `count` < 2·width numbers of a row: width of them at once if there are as many, then width/2, …
template <int width> void copy_rest(const Scalar* from, Index count, Scalar* to) {
  if (count & width) {
    std::memcpy(to, from, width * sizeof(Scalar));
    from += width;
    to += width;
  }
  if constexpr (width > 1) copy_rest<width / 2>(from, count, to);
}

/// to[j] = from[j], j < count: in pieces of a vector, of half a vector, … A call of memcpy costs more than a short row.
inline void copy_row(const Scalar* from, Index count, Scalar* to) {
  Index j = 0;
  for (; j + lanes <= count; j += lanes) store(to + j, load(from + j));
  if (j < count) copy_rest<lanes / 2>(from + j, count - j, to + j);
}

// a·b + c with one rounding wherever the processor can. Said outright: from a·b + c the compiler makes one instruction in
// some blocks and two in others (GCC avoids chains of them on some processors), and the bits would tell the blocks apart.
inline Vec fused(Vec a, Vec b, Vec c) {
#if defined(__AVX512F__)
  if constexpr (sizeof(Scalar) == 4) return Vec(_mm512_fmadd_ps(__m512(a), __m512(b), __m512(c)));
  else return Vec(_mm512_fmadd_pd(__m512d(a), __m512d(b), __m512d(c)));
#elif defined(__AVX__) && defined(__FMA__)
  if constexpr (sizeof(Scalar) == 4) return Vec(_mm256_fmadd_ps(__m256(a), __m256(b), __m256(c)));
  else return Vec(_mm256_fmadd_pd(__m256d(a), __m256d(b), __m256d(c)));
#elif defined(__ARM_FEATURE_FMA)
  for (int i = 0; i < lanes; ++i) c[i] = std::fma(a[i], b[i], c[i]);
  return c;
#else
  return a * b + c;
#endif
}
inline Vec all(Scalar value) { return value - Vec{}; }

// In a register: read once from memory, not again by every multiply-add, which there are no ports for.
inline Vec held(Vec v) {
#if defined(__AVX__) && !defined(__AVX512F__)
  asm("" : "+x"(v));
#endif
  return v;
}

/// What happens to C: c = alpha·sum, or c = beta·c + alpha·sum.
struct Update {
  Scalar alpha, beta;
  bool overwrite;
};

// Where the numbers of a product stand: `column(p)` begins column p of A, `b(p, j)` is B(p, j).

/// A's columns lie lda apart. B(p, j) is b[p + j·ldb], or b[p·ldb + j] if by_rows.
template <bool by_rows> struct Strided {
  const Scalar* a;
  Index lda;
  const Scalar* b_at;
  Index ldb;
  static constexpr int widest = 12;
  const Scalar* column(Index p) const { return a + p * lda; }
  Scalar b(Index p, int j) const { return by_rows ? b_at[p * ldb + j] : b_at[p + j * ldb]; }
  static Index vector(int v) { return v * lanes; }
};

/// A's columns stand anywhere, and so do the vectors of a column: vector v of column p begins at a[at[p] + vectors[v]].
/// B(p, j) is b[p·ldb + j].
struct ScatteredA {
  const Scalar* a;
  const Index* at;
  const Index* vectors;
  const Scalar* b_at;
  Index ldb;
  static constexpr int widest = 12;
  const Scalar* column(Index p) const { return a + at[p]; }
  Scalar b(Index p, int j) const { return b_at[p * ldb + j]; }
  Index vector(int v) const { return vectors[v]; }
};

/// The same where each vector's second half begins `half` further on than the first.
struct HalvesA : ScatteredA {
  Index half;
};

template <class Operands> Vec vector_at(const Operands&, const Scalar* p) { return load(p); }
inline Vec vector_at(const HalvesA& of, const Scalar* p) { return load_halves(p, p + of.half); }

/// B's columns stand anywhere: B(p, j) is b[at[j] + p]. No wider than there are registers for the addresses.
struct ScatteredB {
  const Scalar* a;
  Index lda;
  const Scalar* b_at;
  const Index* at;
  static constexpr int widest = 8;
  const Scalar* column(Index p) const { return a + p * lda; }
  Scalar b(Index p, int j) const { return b_at[at[j] + p]; }
  static Index vector(int v) { return v * lanes; }
};

/// C (V·lanes × N) ← Σ_p A(:, p) B(p, :), p < k.
template <int V, int N, class Operands> void block(Index k, const Operands& of, Scalar* c, Index ldc, Update update) {
  const Operands in = of;  // in registers: what is written to C is not among them
  Index vector[V];
#pragma GCC unroll 12
  for (int v = 0; v < V; ++v) vector[v] = in.vector(v);
  // Kept in registers: every index is known once the loops are unrolled, which they must be early for that.
  Vec sum[N][V];
#pragma GCC unroll 12
  for (int j = 0; j < N; ++j) {
#pragma GCC unroll 12
    for (int v = 0; v < V; ++v) sum[j][v] = Vec{};
  }
  for (Index p = 0; p < k; ++p) {
    Vec column[V];
#pragma GCC unroll 12
    for (int v = 0; v < V; ++v) column[v] = held(vector_at(in, in.column(p) + vector[v]));
#pragma GCC unroll 12
    for (int j = 0; j < N; ++j) {
      const Vec factor = all(in.b(p, j));
#pragma GCC unroll 12
      for (int v = 0; v < V; ++v) sum[j][v] = fused(column[v], factor, sum[j][v]);
    }
  }
#pragma GCC unroll 12
  for (int j = 0; j < N; ++j) {
#pragma GCC unroll 12
    for (int v = 0; v < V; ++v) {
      Scalar* out = c + j * ldc + v * lanes;
      const Vec product = update.alpha * sum[j][v];
      store(out, update.overwrite ? product : fused(load(out), all(update.beta), product));
    }
  }
}

template <class Operands> using Block = void (*)(Index, const Operands&, Scalar*, Index, Update);

/// Columns of a block for these operands.
template <class Operands> constexpr int max_cols_of(int vectors) {
  return max_cols(vectors) < Operands::widest ? max_cols(vectors) : Operands::widest;
}

template <class Operands, int V, std::size_t... N>
constexpr std::array<Block<Operands>, max_cols(1)> blocks_of(std::index_sequence<N...>) {
  return {&block<V, static_cast<int>(N) + 1, Operands>...};
}
template <class Operands, std::size_t... V>
constexpr std::array<std::array<Block<Operands>, max_cols(1)>, sizeof...(V)> blocks(std::index_sequence<V...>) {
  return {
      blocks_of<Operands, int(V) + 1>(std::make_index_sequence<std::size_t(max_cols_of<Operands>(int(V) + 1))>{})...};
}

/// The block for `vectors` (1 … max_vectors) and `cols` (1 … max_cols_of<Operands>(vectors)).
template <class Operands> Block<Operands> block_for(Index vectors, Index cols) {
  static constexpr auto table = blocks<Operands>(std::make_index_sequence<max_vectors>{});
  return table[static_cast<std::size_t>(vectors - 1)][static_cast<std::size_t>(cols - 1)];
}

template <int stride, std::size_t... E> void exchange(Vec& low, Vec& high, std::index_sequence<E...>) {
  constexpr int n = lanes;
  const Vec l = __builtin_shufflevector(low, high, ((E & stride) ? n + int(E) - stride : int(E))...);
  const Vec h = __builtin_shufflevector(low, high, ((E & stride) ? n + int(E) : int(E) + stride)...);
  low = l;
  high = h;
}

template <int stride> [[gnu::always_inline]] inline void exchange_all(Vec (&rows)[lanes]) {
  if constexpr (stride > 0) {
    for (int i = 0; i < lanes; ++i) {
      if (!(i & stride)) exchange<stride>(rows[i], rows[i + stride], std::make_index_sequence<lanes>{});
    }
    exchange_all<stride / 2>(rows);
  }
}

/// to(i, p) = from(p, i) for a lanes × lanes block, of which `from` has `cols` columns and the others count as 0.
inline void transpose_block(const Scalar* from, Index ld_from, Scalar* to, Index ld_to, Index cols = lanes) {
  Vec rows[lanes];
  for (int i = 0; i < lanes; ++i) rows[i] = i < cols ? load(from + i * ld_from) : Vec{};
  exchange_all<lanes / 2>(rows);
  for (int i = 0; i < lanes; ++i) store(to + i * ld_to, rows[i]);
}

}  // namespace strata::gemm_kernel
