#include "framework/attacks/square.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "framework/core/errors.hpp"
#include "framework/core/rng.hpp"
#include "framework/parallel/column_blocks.hpp"

namespace strata {
namespace {

struct ImageSize {
  Index channels, height, width;
  Index size() const { return channels * height * width; }
};

ImageSize image_of(const Shape& shape) {
  if (shape.size() == 3) return {shape[0], shape[1], shape[2]};
  if (shape.size() == 1) return {1, 1, shape[0]};
  throw ShapeError(cat("attack: images ", to_string(shape), ": expected {channels, height, width} or {features}"));
}

// The share of the image that a square takes at a query, the paper's schedule for 10,000 of them.
double share_at(double first, int query, int queries) {
  const double at = 10000.0 * query / queries;
  double divisor = 1;
  for (const double step : {10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000}) {
    if (at > step) divisor *= 2;
  }
  return first / divisor;
}

struct Rectangle {
  Index top, left, height, width;
};

// One example's draws of one query, each asked for once.
class SquareDraws {
 public:
  SquareDraws(std::uint64_t seed, const std::string& stream, Index id)
      : rng_(seed, stream, static_cast<std::uint64_t>(id)) {}
  Index below(Index bound) { return static_cast<Index>(rng_.below(static_cast<std::uint64_t>(bound), next_++)); }
  Scalar sign() { return below(2) == 0 ? Scalar(-1) : Scalar(1); }
  Rectangle window(const ImageSize& image, Index side) {
    const Index height = std::min(side, image.height), width = std::min(side, image.width);
    return {below(image.height - height + 1), below(image.width - width + 1), height, width};
  }

 private:
  Rng rng_;
  std::uint64_t next_ = 0;
};

auto rows_of(Scalar* image, const ImageSize& of, const Rectangle& w, Index channel, Index row) {
  return Eigen::Map<Eigen::Array<Scalar, Eigen::Dynamic, 1>>(
      image + (channel * of.height + w.top + row) * of.width + w.left, w.width);
}

double squares_in(Scalar* image, const ImageSize& of, const Rectangle& w, Index channel) {
  double sum = 0;
  for (Index r = 0; r < w.height; ++r) sum += rows_of(image, of, w, channel, r).template cast<double>().square().sum();
  return sum;
}

// Eq. 2, in two halves of opposite sign: squares around the middle of each, one in the other and cut off at its rim, that
// of 2m + 1 pixels' side worth 1/(m + 1)².
void bump(Index height, Index width, bool upright, std::vector<double>& values) {
  values.assign(static_cast<std::size_t>(height * width), 0);
  const auto part = [&](Index top, Index left, Index rows, Index cols, double sign) {
    const Index n = std::max(rows, cols) / 2;
    for (Index r = 0; r < rows; ++r) {
      for (Index c = 0; c < cols; ++c) {
        double value = 0;
        for (Index m = std::max(std::abs(r - rows / 2), std::abs(c - cols / 2)); m <= n; ++m) {
          value += 1 / static_cast<double>((m + 1) * (m + 1));
        }
        values[static_cast<std::size_t>((top + r) * width + left + c)] = sign * value;
      }
    }
  };
  if (upright && height > 1) {
    part(0, 0, height / 2, width, 1);
    part(height / 2, 0, height - height / 2, width, -1);
  } else {
    part(0, 0, height, width / 2, 1);
    part(0, width / 2, height, width - width / 2, -1);
  }
}

class SquareSearch {
 public:
  SquareSearch(const ImageSize& image, const Region& region, const Square& how, std::uint64_t seed)
      : image_(image), region_(region), how_(how), seed_(seed) {
    if (how_.share == 0) how_.share = region.norm == Norm::linf ? 0.8 : 0.1;
  }

  // The perturbation of one example at the start, and after a query's change.
  void start(Index id, Scalar* delta) const {
    SquareDraws draws(seed_, "attack/square start", id);
    const auto epsilon = static_cast<Scalar>(region_.epsilon);
    if (region_.norm == Norm::linf) {
      for (Index c = 0; c < image_.channels; ++c) {
        for (Index x = 0; x < image_.width; ++x) {
          const Scalar value = epsilon * draws.sign();
          for (Index y = 0; y < image_.height; ++y) delta[(c * image_.height + y) * image_.width + x] = value;
        }
      }
      return;
    }
    std::fill_n(delta, image_.size(), Scalar(0));
    const Index side = std::max<Index>(1, std::max(image_.height, image_.width) / 5);
    std::vector<double> eta;
    for (Index top = 0; top < image_.height; top += side) {
      for (Index left = 0; left < image_.width; left += side) {
        const Rectangle w{top, left, std::min(side, image_.height - top), std::min(side, image_.width - left)};
        bump(w.height, w.width, draws.below(2) == 0, eta);
        for (Index c = 0; c < image_.channels; ++c) add(delta, w, c, eta, draws.sign());
      }
    }
    to_length(delta);
  }

  void change(Index id, int query, Scalar* delta) const {
    SquareDraws draws(seed_, cat("attack/square ", query), id);
    const double share = share_at(how_.share, query, how_.queries);
    const double area = share * static_cast<double>(image_.height * image_.width);
    Index side = std::max<Index>(1, static_cast<Index>(std::lround(image_.height == 1 ? area : std::sqrt(area))));
    if (region_.norm == Norm::linf) {
      const Rectangle w = draws.window(image_, side);
      // Signs that the square has already would ask what is known: others are drawn, as the paper's own program does.
      bool changed = false;
      for (int attempt = 0; attempt < 16 && !changed; ++attempt) {
        for (Index c = 0; c < image_.channels; ++c) {
          const Scalar value = static_cast<Scalar>(region_.epsilon) * draws.sign();
          for (Index r = 0; r < w.height; ++r) {
            auto row = rows_of(delta, image_, w, c, r);
            changed = changed || (row != value).any();
            row.setConstant(value);
          }
        }
      }
      return;
    }
    side = std::max<Index>(side, 3);
    const Rectangle to = draws.window(image_, side), from = draws.window(image_, side);
    std::vector<double> eta;
    bump(to.height, to.width, draws.below(2) == 0, eta);
    const Eigen::Map<const Vector> all(delta, image_.size());
    const double used = all.cast<double>().squaredNorm();
    const double spare = std::max(0.0, region_.epsilon * region_.epsilon - used) / static_cast<double>(image_.channels);
    for (Index c = 0; c < image_.channels; ++c) {
      const double here = squares_in(delta, image_, to, c);
      // What both windows hold together: the other's numbers are cleared, those of this one changed.
      const double before = here + squares_in(delta, image_, from, c) - overlap(delta, to, from, c);
      const Scalar sign = draws.sign();
      std::vector<double> old(eta.size());
      for (Index r = 0; r < to.height; ++r) {
        const auto row = rows_of(delta, image_, to, c, r);
        for (Index i = 0; i < to.width; ++i) {
          old[static_cast<std::size_t>(r * to.width + i)] = row[i] / (std::sqrt(here) + 1e-10);
        }
      }
      double length = 0;
      for (std::size_t i = 0; i < old.size(); ++i) {
        old[i] += sign * eta[i];
        length += old[i] * old[i];
      }
      const double scale = length > 0 ? std::sqrt((before + spare) / length) : 0;
      for (Index r = 0; r < from.height; ++r) rows_of(delta, image_, from, c, r).setZero();
      for (Index r = 0; r < to.height; ++r) {
        auto row = rows_of(delta, image_, to, c, r);
        for (Index i = 0; i < to.width; ++i) {
          row[i] = static_cast<Scalar>(scale * old[static_cast<std::size_t>(r * to.width + i)]);
        }
      }
    }
    to_length(delta);
  }

 private:
  void add(Scalar* delta, const Rectangle& w, Index channel, const std::vector<double>& eta, Scalar sign) const {
    for (Index r = 0; r < w.height; ++r) {
      auto row = rows_of(delta, image_, w, channel, r);
      for (Index i = 0; i < w.width; ++i)
        row[i] += sign * static_cast<Scalar>(eta[static_cast<std::size_t>(r * w.width + i)]);
    }
  }
  double overlap(Scalar* delta, const Rectangle& a, const Rectangle& b, Index channel) const {
    const Index top = std::max(a.top, b.top), left = std::max(a.left, b.left);
    const Index bottom = std::min(a.top + a.height, b.top + b.height),
                right = std::min(a.left + a.width, b.left + b.width);
    if (top >= bottom || left >= right) return 0;
    return squares_in(delta, image_, {top, left, bottom - top, right - left}, channel);
  }
  void to_length(Scalar* delta) const {
    Eigen::Map<Vector> all(delta, image_.size());
    const double length = all.cast<double>().norm();
    if (length > 0) all *= static_cast<Scalar>(region_.epsilon / length);
  }

  ImageSize image_;
  Region region_;
  Square how_;
  std::uint64_t seed_;
};

std::vector<double> margins(View scores, std::span<const std::int32_t> labels) {
  std::vector<double> all;
  for (Index b = 0; b < scores.cols(); ++b) {
    const Index y = labels[static_cast<std::size_t>(b)];
    double rival = -std::numeric_limits<double>::infinity();
    for (Index k = 0; k < scores.rows(); ++k) {
      if (k != y) rival = std::max(rival, static_cast<double>(scores(k, b)));
    }
    all.push_back(scores(y, b) - rival);
  }
  return all;
}

}  // namespace

Adversarial square(Oracle& oracle, const Batch& batch, const Region& region, const Shape& image, const Square& how,
                   std::uint64_t seed) {
  if (how.queries < 1) throw UsageError(cat("attack: queries = ", how.queries, ": expected at least 1"));
  if (!(how.share >= 0 && how.share <= 1)) throw UsageError(cat("attack: share = ", how.share, ": expected 0 to 1"));
  if (features(image) != batch.x.rows()) {
    throw ShapeError(cat("attack: images ", to_string(image), " and ", batch.x.rows(), " features: expected the same"));
  }
  region.check(batch.x);
  const SquareSearch search(image_of(image), region, how, seed);
  Best best(batch, Keep::best);
  std::vector<Index> columns = best.standing();

  // Of the columns that still stand: the clean examples, the best perturbation so far, and its margin.
  auto part = std::make_unique<SubBatch>(batch, columns);
  Matrix delta(batch.x.rows(), batch.size()), tried, x, scores;
  std::vector<double> margin;
  const auto ask = [&](const Matrix& perturbation) {
    const Batch clean = part->batch();
    x = clean.x + perturbation;
    region.project(clean.x, mut_view(x));
    scores.resize(batch.classes(), x.cols());
    oracle.scores(clean.moved_to(view(x)), mut_view(scores));
    best.see(columns, view(x), view(scores), AttackLoss::margin);
    return margins(view(scores), clean.labels);
  };
  delta.setZero();
  ask(delta);  // those that are wrong when clean are done
  for_columns(delta.rows(), delta.cols(),
              [&](Index c) { search.start(batch.ids[static_cast<std::size_t>(c)], delta.col(c).data()); });
  // Under l2, what the range has cut off of a perturbation is there to be spent elsewhere; under linf signs are kept.
  const auto keep = [&](const Matrix& perturbation, Index c) {
    if (region.norm == Norm::l2) delta.col(c) = x.col(c) - part->batch().x.col(c);
    else delta.col(c) = perturbation.col(c);
  };
  margin = ask(delta);
  for (Index c = 0; c < delta.cols(); ++c) keep(delta, c);
  for (int query = 1; query < how.queries && !best.all_fooled(); ++query) {
    const std::vector<Index> standing = best.standing();
    if (static_cast<double>(standing.size()) < 0.8 * static_cast<double>(columns.size())) {
      Matrix kept(delta.rows(), static_cast<Index>(standing.size()));
      std::vector<double> of_kept;
      std::size_t from = 0;
      for (std::size_t i = 0; i < standing.size(); ++i) {
        while (columns[from] != standing[i]) ++from;
        kept.col(static_cast<Index>(i)) = delta.col(static_cast<Index>(from));
        of_kept.push_back(margin[from]);
      }
      columns = standing;
      delta = std::move(kept);
      margin = std::move(of_kept);
      part = std::make_unique<SubBatch>(batch, columns);
    }
    tried = delta;
    const Batch clean = part->batch();
    for_columns(tried.rows(), tried.cols(),
                [&](Index c) { search.change(clean.ids[static_cast<std::size_t>(c)], query, tried.col(c).data()); });
    const std::vector<double> now = ask(tried);
    for (std::size_t i = 0; i < now.size(); ++i) {
      if (!(now[i] < margin[i])) continue;
      margin[i] = now[i];
      keep(tried, static_cast<Index>(i));
    }
  }
  return best.take();
}

}  // namespace strata
