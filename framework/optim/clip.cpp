#include "framework/optim/clip.hpp"

#include <array>
#include <cmath>
#include <vector>

#include "framework/core/errors.hpp"
#include "framework/parallel/column_blocks.hpp"

namespace strata {
namespace {

// Σ x² in eight interleaved sums, which lets the compiler vectorise without changing the order.
double sum_of_squares(const Scalar* x, Index n) {
  constexpr Index lanes = 8;
  std::array<double, lanes> sums{};
  for (Index i = 0; i + lanes <= n; i += lanes) {
    for (Index j = 0; j < lanes; ++j) sums[j] += static_cast<double>(x[i + j]) * static_cast<double>(x[i + j]);
  }
  for (Index i = n - n % lanes; i < n; ++i) sums[0] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  double total = 0;
  for (const double s : sums) total += s;
  return total;
}

template <class Function> void for_each_element(MutView m, const Function& f) {
  for_column_blocks(m.rows(), m.cols(), [&](Index first, Index count) {
    for (Index c = first; c < first + count; ++c) {
      Scalar* x = m.data() + c * m.outerStride();
      for (Index r = 0; r < m.rows(); ++r) x[r] = f(x[r]);
    }
  });
}

void require_positive(const char* what, double bound) {
  if (!(bound > 0)) throw UsageError(cat(what, " ", bound, ": expected > 0 (infinity switches it off)"));
}

}  // namespace

double global_norm(std::span<const MutView> gradients) {
  double total = 0;
  std::vector<double> columns;
  for (const MutView& g : gradients) {
    columns.assign(static_cast<std::size_t>(g.cols()), 0);
    for_column_blocks(g.rows(), g.cols(), [&](Index first, Index count) {
      for (Index c = first; c < first + count; ++c) {
        columns[static_cast<std::size_t>(c)] = sum_of_squares(g.data() + c * g.outerStride(), g.rows());
      }
    });
    for (const double c : columns) total += c;
  }
  return std::sqrt(total);
}

double clip_by_norm(std::span<MutView> gradients, double max_norm) {
  require_positive("clipping norm", max_norm);
  const double norm = global_norm(gradients);
  const double factor = max_norm / (norm + 1e-6);
  if (factor >= 1 || std::isinf(max_norm)) return norm;
  const auto by = static_cast<Scalar>(factor);
  for (const MutView& g : gradients) for_each_element(g, [by](Scalar x) { return by * x; });
  return norm;
}

void clip_by_value(std::span<MutView> gradients, double limit) {
  require_positive("clipping value", limit);
  if (std::isinf(limit)) return;
  const auto bound = static_cast<Scalar>(limit);
  for (const MutView& g : gradients) {
    // Comparisons that a NaN fails, so that it stays one.
    for_each_element(g, [bound](Scalar x) { return x > bound ? bound : x < -bound ? -bound : x; });
  }
}

}  // namespace strata
