// Attacks that ask for scores alone: the Square attack, and noise.

#include <boost/test/unit_test.hpp>

#include "framework/attacks/noise.hpp"
#include "framework/attacks/square.hpp"
#include "framework/core/errors.hpp"
#include "framework/parallel/parallel.hpp"
#include "tests/attacks/linear.hpp"
#include "tests/support/threads.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

using Attack = std::function<Adversarial(Oracle&, const Batch&, const Region&, std::uint64_t)>;

/// Of 60 features: two channels of 6 × 5, or all in a row.
std::vector<std::pair<std::string, Attack>> attacks() {
  std::vector<std::pair<std::string, Attack>> all;
  for (const Shape& image : {Shape{2, 6, 5}, Shape{60}}) {
    all.emplace_back("square " + to_string(image),
                     [image](Oracle& o, const Batch& b, const Region& r, std::uint64_t seed) {
                       return square(o, b, r, image, {.queries = 300}, seed);
                     });
  }
  for (const NoiseKind kind : {NoiseKind::uniform, NoiseKind::gaussian}) {
    all.emplace_back(kind == NoiseKind::uniform ? "uniform" : "gaussian",
                     [kind](Oracle& o, const Batch& b, const Region& r, std::uint64_t seed) {
                       return noise(o, b, r, {.kind = kind, .draws = 5}, seed);
                     });
  }
  return all;
}

// Keeps what it is asked; the scores never change, so that no query is better than another.
class Recorder final : public Oracle {
 public:
  std::vector<Matrix> asked;
  void scores(const Batch& batch, MutView scores) override {
    asked.push_back(batch.x);
    for (Index b = 0; b < scores.cols(); ++b) {
      for (Index k = 0; k < scores.rows(); ++k) {
        scores(k, b) = k == batch.labels[static_cast<std::size_t>(b)] ? Scalar(1) : Scalar(0);
      }
    }
  }
  bool gradient(const Batch&, AttackLoss, MutView, MutView) override { return false; }
};

// Eq. 2 of 1912.00049 as it stands there, r and s from 1.
double bump_of(Index h1, Index h2, Index r, Index s) {
  const Index n = h1 / 2, m = n - std::max(std::abs(r - h1 / 2 - 1), std::abs(s - h2 / 2 - 1));
  double sum = 0;
  for (Index k = 0; k <= m; ++k) sum += 1 / std::pow(static_cast<double>(n + 1 - k), 2);
  return sum;
}

Index count(const Adversarial& a) { return std::count(a.fooled.begin(), a.fooled.end(), 1); }

}  // namespace

BOOST_AUTO_TEST_CASE(within_the_region_and_right_about_what_was_fooled) {
  Linear net(random(3, 60, "w"), random(60, 40, "x"));
  for (const Norm norm : {Norm::linf, Norm::l2}) {
    for (const double epsilon : {0.0, 0.1, 0.9}) {
      for (const auto& [name, attack] : attacks()) {
        const Adversarial found = attack(net.oracle, net.batch(), {norm, epsilon, -1, 1}, 1);
        BOOST_TEST(found.x.maxCoeff() <= 1);
        BOOST_TEST(found.x.minCoeff() >= -1);
        Matrix scores(3, 40);
        net.oracle.scores(net.batch().moved_to(view(found.x)), mut_view(scores));
        const auto decided = decisions(view(scores));
        for (Index b = 0; b < 40; ++b) {
          BOOST_TEST(away(found.x, net.x, b, norm) <= epsilon * (1 + 1e-5) + 1e-6, name);
          const auto i = static_cast<std::size_t>(b);
          BOOST_TEST((decided[i] != net.labels[i]) == (found.fooled[i] != 0), name);
        }
        if (epsilon == 0) BOOST_TEST(count(found) == 0);
      }
    }
  }
}

// Below its distance no example can fall; well above, the search finds what noise of that size does not.
BOOST_AUTO_TEST_CASE(square_searches_and_noise_does_not) {
  Linear net(random(3, 60, "w"), random(60, 40, "x", 0.3));
  for (const Norm norm : {Norm::linf, Norm::l2}) {
    double farthest = 0, nearest = 1e9;
    for (Index b = 0; b < 40; ++b) {
      farthest = std::max(farthest, net.distance(b, norm == Norm::linf));
      nearest = std::min(nearest, net.distance(b, norm == Norm::linf));
    }
    for (const auto& [name, attack] : attacks()) {
      BOOST_TEST(count(attack(net.oracle, net.batch(), {norm, 0.99 * nearest, -1, 1}, 1)) == 0, name);
    }
    const Region region{norm, 1.6 * farthest, -1, 1};
    const Index by_noise = std::max(count(attacks()[2].second(net.oracle, net.batch(), region, 1)),
                                    count(attacks()[3].second(net.oracle, net.batch(), region, 1)));
    for (std::size_t a = 0; a < 2; ++a) {
      const Index by_search = count(attacks()[a].second(net.oracle, net.batch(), region, 1));
      BOOST_TEST(by_search > by_noise,
                 attacks()[a].first << " " << to_string(norm) << ": " << by_search << " and " << by_noise);
      BOOST_TEST(by_search >= 30, attacks()[a].first << " " << to_string(norm) << ": " << by_search);
    }
    // The first queries of a longer search are spread otherwise, but more of them find more.
    const auto with = [&](int queries) {
      return count(square(net.oracle, net.batch(), region, {2, 6, 5}, {.queries = queries}, 1));
    };
    BOOST_TEST(with(1) <= with(20));
    BOOST_TEST(with(20) <= with(500));
  }
}

// Where the range cuts a perturbation short, what is left of ε goes to other pixels (algorithm 3).
BOOST_AUTO_TEST_CASE(square_spends_what_the_range_cuts_off) {
  const Matrix corners = random(100, 20, "x").unaryExpr([](Scalar v) { return v > 0 ? Scalar(1) : Scalar(-1); });
  Linear net(random(3, 100, "w"), corners);
  double nearest = 1e9;
  for (Index b = 0; b < 20; ++b) nearest = std::min(nearest, net.distance(b, false));
  const Region region{Norm::l2, 0.9 * nearest, -1, 1};
  const Adversarial found = square(net.oracle, net.batch(), region, {1, 10, 10}, {.queries = 500}, 1);
  double mean = 0;
  for (Index b = 0; b < 20; ++b) mean += away(found.x, corners, b, Norm::l2) / region.epsilon / 20;
  BOOST_TEST(count(found) == 0);
  BOOST_TEST(mean > 0.9);
}

BOOST_AUTO_TEST_CASE(square_starts_from_the_papers_bumps) {
  constexpr Index side = 9, image = 5 * side, upper = side / 2;
  Linear net(random(3, image * image, "w"), Matrix::Zero(image * image, 2));
  Recorder recorder;
  square(recorder, net.batch(), {Norm::l2, 1, -1, 1}, {1, image, image}, {.queries = 1}, 1);
  BOOST_REQUIRE(recorder.asked.size() == 2);
  Matrix bump(side, side);
  for (Index c = 0; c < side; ++c) {
    for (Index r = 0; r < side; ++r) {
      bump(r, c) = static_cast<Scalar>(c < upper ? bump_of(side, upper, r + 1, c + 1)
                                                 : -bump_of(side, side - upper, r + 1, c - upper + 1));
    }
  }
  bump.normalize();
  const Matrix turned = bump.transpose();
  for (Index b = 0; b < 2; ++b) {
    const Matrix all = Eigen::Map<const Matrix>(recorder.asked[1].col(b).data(), image, image);
    for (Index tile = 0; tile < 25; ++tile) {
      const Matrix one = all.block(tile / 5 * side, tile % 5 * side, side, side).normalized();
      double apart = 1e9;
      for (const Matrix& like : {bump, turned}) {
        apart = std::min({apart, double{(one - like).norm()}, double{(one + like).norm()}});
      }
      BOOST_TEST(apart < 1e-5);
    }
  }
}

BOOST_AUTO_TEST_CASE(no_query_of_square_asks_what_it_knows) {
  Linear net(random(3, 60, "w"), random(60, 10, "x"));
  for (const Shape& image : {Shape{60}, Shape{1, 6, 10}, Shape{3, 4, 5}}) {
    Recorder recorder;
    square(recorder, net.batch(), {Norm::linf, 0.2, -1, 1}, image, {.queries = 100}, 1);
    BOOST_REQUIRE(recorder.asked.size() == 101);  // and the clean examples
    int idle = 0;
    for (std::size_t q = 2; q < recorder.asked.size(); ++q) {
      for (Index b = 0; b < 10; ++b) idle += recorder.asked[q].col(b) == recorder.asked[1].col(b);
    }
    BOOST_TEST(idle == 0, to_string(image) << ": " << idle << " of 990");
  }
}

BOOST_AUTO_TEST_CASE(noise_has_the_size_that_it_says) {
  Linear net(random(3, 60, "w"), Matrix::Zero(60, 30));
  for (const NoiseKind kind : {NoiseKind::uniform, NoiseKind::gaussian}) {
    const Adversarial l2 = noise(net.oracle, net.batch(), {Norm::l2, 0.5, -1, 1}, {kind, 1}, 1);
    for (Index b = 0; b < 30; ++b) BOOST_TEST(std::abs(away(l2.x, net.x, b, Norm::l2) - 0.5) < 1e-5);
    const Adversarial linf = noise(net.oracle, net.batch(), {Norm::linf, 0.5, -1, 1}, {kind, 1}, 1);
    const double sd = std::sqrt(linf.x.cast<double>().squaredNorm() / static_cast<double>(linf.x.size()));
    // Uniform: ε/√3. Normal with ε/2, what is beyond ε put there: .96 of ε/2.
    const double expected = kind == NoiseKind::uniform ? 0.5 / std::sqrt(3) : 0.5 / 2 * 0.96;
    BOOST_TEST(std::abs(sd - expected) < 0.02 * expected);
  }
}

BOOST_AUTO_TEST_CASE(threads_and_the_batch_around_do_not_show_in_queries) {
  const testing::EightThreads eight;
  Linear net(random(4, 60, "w"), random(60, 50, "x", 0.5));
  for (const Norm norm : {Norm::linf, Norm::l2}) {
    const Region region{norm, norm == Norm::linf ? 0.15 : 0.8, -1, 1};
    for (const auto& [name, attack] : attacks()) {
      const Adversarial reference = attack(net.oracle, net.batch(), region, 1);
      for (const int threads : {1, 2, 8}) {
        with_threads(threads, [&] {
          BOOST_TEST((bytes(attack(net.oracle, net.batch(), region, 1).x) == bytes(reference.x)),
                     name << " " << threads);
        });
      }
      const std::vector<Index> some{2, 17, 49};
      const SubBatch part(net.batch(), some);
      const Adversarial alone = attack(net.oracle, part.batch(), region, 1);
      for (std::size_t i = 0; i < some.size(); ++i) {
        BOOST_TEST((alone.x.col(static_cast<Index>(i)).array() == reference.x.col(some[i]).array()).all(), name);
      }
      BOOST_TEST((bytes(attack(net.oracle, net.batch(), region, 2).x) != bytes(reference.x)), name);
    }
  }
}

BOOST_AUTO_TEST_CASE(refusals) {
  Linear net(random(3, 6, "w"), random(6, 4, "x"));
  const Region region{Norm::linf, 0.1, -1, 1};
  const auto search = [&](const Shape& image, const Square& how) {
    square(net.oracle, net.batch(), region, image, how, 1);
  };
  BOOST_CHECK_EXCEPTION(search({6}, {.queries = 0}), UsageError, says({"queries = 0", "at least 1"}));
  BOOST_CHECK_EXCEPTION(search({6}, {.share = 2}), UsageError, says({"share = 2", "0 to 1"}));
  BOOST_CHECK_EXCEPTION(search({1, 2, 2}, {}), ShapeError, says({"[1, 2, 2]", "6 features"}));
  BOOST_CHECK_EXCEPTION(search({2, 3}, {}), ShapeError, says({"[2, 3]", "{channels, height, width}"}));
  BOOST_CHECK_EXCEPTION(noise(net.oracle, net.batch(), region, {.draws = 0}, 1), UsageError, says({"draws = 0"}));
  BOOST_CHECK_EXCEPTION(noise(net.oracle, net.batch(), {Norm::linf, -1, -1, 1}, {}, 1), UsageError,
                        says({"epsilon = -1"}));
}
