#include "framework/attacks/region.hpp"

#include <algorithm>
#include <cmath>

#include "framework/core/errors.hpp"
#include "framework/core/rng.hpp"
#include "framework/parallel/column_blocks.hpp"

namespace strata {
namespace {

double l2(const Scalar* x, Index n) { return Eigen::Map<const Vector>(x, n).cast<double>().norm(); }

}  // namespace

Norm parse_norm(const std::string& name) {
  if (name == "linf") return Norm::linf;
  if (name == "l2") return Norm::l2;
  throw UsageError(unknown_name("norm", name, {"linf", "l2"}));
}

std::string to_string(Norm norm) { return norm == Norm::linf ? "linf" : "l2"; }

void Region::check(View x) const {
  if (!(epsilon >= 0 && std::isfinite(epsilon))) {
    throw UsageError(cat("attack: epsilon = ", epsilon, ": expected a finite number, 0 or larger"));
  }
  if (!(low < high)) throw UsageError(cat("attack: inputs from ", low, " to ", high, ": expected a range"));
  for (Index c = 0; c < x.cols(); ++c) {
    for (Index r = 0; r < x.rows(); ++r) {
      if (x(r, c) >= low && x(r, c) <= high) continue;
      throw DataError(cat("attack: example ", c, ", feature ", r, " is ", x(r, c), ": expected ", low, " to ", high,
                          ", the range of the inputs"));
    }
  }
}

void Region::project(View clean, MutView x) const {
  const auto radius = static_cast<Scalar>(epsilon);
  for_columns(x.rows(), x.cols(), [&](Index c) {
    const auto from = clean.col(c).array();
    auto to = x.col(c).array();
    if (norm == Norm::linf) {
      to = to.max((from - radius).max(low)).min((from + radius).min(high));
      return;
    }
    Vector away = (to - from).matrix();
    const double length = l2(away.data(), away.size());
    // A little inside, so that rounding does not lead out of the ball.
    if (length > epsilon) away *= static_cast<Scalar>(epsilon / length * (1 - 4 * Eigen::NumTraits<Scalar>::epsilon()));
    to = (from + away.array()).max(low).min(high);
  });
}

void Region::step(View gradient, double size, MutView x) const {
  const auto length = static_cast<Scalar>(size);
  for_columns(x.rows(), x.cols(), [&](Index c) {
    const auto g = gradient.col(c).array();
    auto to = x.col(c).array();
    if (norm == Norm::linf) {
      // Comparisons rather than sign(): a NaN moves nothing.
      to += length * ((g > 0).select(Scalar(1), Vector::Zero(g.size()).array()) -
                      (g < 0).select(Scalar(1), Vector::Zero(g.size()).array()));
      return;
    }
    const double of = l2(gradient.data() + c * gradient.outerStride(), gradient.rows());
    if (of > 0 && std::isfinite(of)) to += static_cast<Scalar>(size / of) * g;
  });
}

void Region::start(View clean, std::span<const Index> ids, std::uint64_t seed, const std::string& stream,
                   MutView x) const {
  const Index n = clean.rows();
  for_columns(x.rows(), x.cols(), [&](Index c) {
    const Rng rng(seed, stream, static_cast<std::uint64_t>(ids[static_cast<std::size_t>(c)]));
    auto to = x.col(c).array();
    if (norm == Norm::linf) {
      for (Index r = 0; r < n; ++r) {
        const double away = epsilon * (2 * rng.uniform(static_cast<std::uint64_t>(r)) - 1);
        to[r] = clean(r, c) + static_cast<Scalar>(away);
      }
    } else {
      // A normal vector has any direction alike; u^(1/n) of the radius makes the ball's volume even.
      Eigen::VectorXd direction(n);
      for (Index r = 0; r < n; ++r) direction[r] = rng.normal(static_cast<std::uint64_t>(r));
      const double u = rng.uniform(static_cast<std::uint64_t>(n));
      const double radius = epsilon * std::pow(u, 1 / static_cast<double>(n)) / direction.norm();
      to = clean.col(c).array() + (radius * direction).cast<Scalar>().array();
    }
  });
  project(clean, x);
}

}  // namespace strata
