#include "rules/columns.hpp"

#include <cmath>

#include "framework/parallel/column_blocks.hpp"

namespace strata::rules {

void normalise_columns(View x, bool centred, Scalar radius, MutView out) {
  for_column_blocks(x.rows(), x.cols(), [&](Index first, Index count) {
    MutView n = out;
    for (Index b = first; b < first + count; ++b) {
      const Scalar c = centred ? x.col(b).mean() : Scalar(0);
      n.col(b) = x.col(b).array() - c;
      const Scalar length = n.col(b).stableNorm();  // large values give a large norm, not an infinite one
      n.col(b) *= length > 0 ? radius / length : Scalar(0);
    }
  });
}

void pull_back_normalised(View x, bool centred, Scalar radius, MutView d) {
  for_column_blocks(x.rows(), x.cols(), [&](Index first, Index count) {
    MutView out = d;
    for (Index b = first; b < first + count; ++b) {
      const Scalar c = centred ? x.col(b).mean() : Scalar(0);
      const auto y = (x.col(b).array() - c).matrix();
      const Scalar length = y.stableNorm();
      if (!(length > 0)) {
        out.col(b).setZero();
        continue;
      }
      const Scalar along = y.dot(out.col(b)) / length;
      out.col(b) = (out.col(b) - along / length * y) * (radius / length);
      if (centred) out.col(b).array() -= out.col(b).mean();
    }
  });
}

void channel_deviations(View x, MutView z) {
  const Index n = x.rows() / z.rows();
  for_column_blocks(x.rows(), x.cols(), [&](Index first, Index count) {
    for (Index b = first; b < first + count; ++b) {
      for (Index c = 0; c < z.rows(); ++c) {
        const auto channel = x.col(b).segment(c * n, n).array();
        z(c, b) = std::sqrt((channel - channel.mean()).square().sum() / static_cast<Scalar>(n - 1));
      }
    }
  });
}

void pull_back_deviations(View x, View z, View dz, MutView dx) {
  const Index n = x.rows() / z.rows();
  for_column_blocks(x.rows(), x.cols(), [&](Index first, Index count) {
    for (Index b = first; b < first + count; ++b) {
      for (Index c = 0; c < z.rows(); ++c) {
        const auto channel = x.col(b).segment(c * n, n).array();
        const Scalar slope = z(c, b) > 0 ? dz(c, b) / (static_cast<Scalar>(n - 1) * z(c, b)) : Scalar(0);
        dx.col(b).segment(c * n, n) = (channel - channel.mean()) * slope;
      }
    }
  });
}

}  // namespace strata::rules
