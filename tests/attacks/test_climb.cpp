// Attacks along gradients: against torch (golden/make_attacks.py), and on linear nets, where the smallest perturbation is known.

#include <boost/test/unit_test.hpp>

#include "framework/attacks/climb.hpp"
#include "framework/core/errors.hpp"
#include "framework/parallel/parallel.hpp"
#include "tests/attacks/linear.hpp"
#include "tests/attacks/trained.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/threads.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

using Attack = Adversarial (*)(Oracle&, const Batch&, const Region&, const Climb&, std::uint64_t);

struct Named {
  const char* name;
  Attack attack;
  Climb how;
};

const std::vector<Named>& attacks() {
  static const std::vector<Named> all{
      {"fgsm", climb, Climb::fgsm()},
      {"bim", climb, Climb::bim(10)},
      {"pgd", climb, Climb::pgd(40, 2)},
      {"momentum_pgd", climb, Climb::momentum_pgd(40)},
      {"apgd", auto_climb, Climb::pgd(20, 2)},
      {"apgd_margin", auto_climb, {.steps = 20, .restarts = 2, .loss = AttackLoss::margin}}};
  return all;
}

}  // namespace

BOOST_AUTO_TEST_CASE(torch_ends_at_the_same_points) {
  const auto file = golden("attacks.json");
  GraphSpec spec{{7}, {}, "out"};
  const std::vector<Index> widths{6, 5, 4};
  std::string below = "input";
  for (std::size_t l = 0; l < 3; ++l) {
    const std::string name = l == 2 ? "out" : cat("h", l);
    spec.nodes.push_back({name, "dense", {below}, {{"units", widths[l]}, {"bias", false}}});
    if (l == 2) break;
    below = cat("a", l);
    spec.nodes.push_back({below, "tanh", {name}, nlohmann::ordered_json::object()});
  }
  Bench bench(Graph(spec), "cross_entropy", builtin("backprop"));
  for (std::size_t l = 0; l < 3; ++l) {
    bench.value(l == 2 ? "out.weight" : cat("h", l, ".weight")) = matrix_of(file.at("weights")[l]).cast<Scalar>();
  }
  const Matrix x = matrix_of(file.at("x")).transpose().cast<Scalar>();
  const auto labels = file.at("labels").get<std::vector<std::int32_t>>();
  Matrix one_hot = Matrix::Zero(4, x.cols());
  std::vector<Index> ids;
  for (Index b = 0; b < x.cols(); ++b) {
    one_hot(labels[static_cast<std::size_t>(b)], b) = 1;
    ids.push_back(b);
  }
  const Batch batch{.x = view(x), .one_hot = view(one_hot), .labels = labels, .ids = ids};
  TrueOracle oracle(bench.model, *bench.rule);
  Matrix scores(4, x.cols()), dx(7, x.cols());
  BOOST_REQUIRE(oracle.gradient(batch, AttackLoss::cross_entropy, mut_view(scores), mut_view(dx)));
  const auto error = [](const Matrix& found, const nlohmann::json& rows) {
    return (found.cast<double>() - matrix_of(rows).transpose()).cwiseAbs().maxCoeff();
  };
  BOOST_TEST(error(scores, file.at("scores")) < 1e-13);
  BOOST_TEST(error(dx, file.at("gradient")) < 1e-13);
  BOOST_TEST(file.at("cases").size() == 15U);
  for (const auto& c : file.at("cases")) {
    const Climb how{.steps = c.at("steps"),
                    .step = c.at("step"),
                    .random_start = false,
                    .momentum = c.at("momentum"),
                    .keep = Keep::last};
    const Region region{parse_norm(c.at("norm")), c.at("epsilon"), 0, 1};
    const Adversarial found = climb(oracle, batch, region, how, 1);
    BOOST_TEST(error(found.x, c.at("x")) < 1e-12, c.at("name") << " " << c.at("norm"));
  }
}

BOOST_AUTO_TEST_CASE(linear_nets_fall_just_beyond_their_distance) {
  // Two classes: with more, the loss climbs towards several of them at once.
  Linear net(random(2, 30, "w"), random(30, 40, "x", 0.3));
  for (const Norm norm : {Norm::linf, Norm::l2}) {
    for (const Named& a : attacks()) {
      for (const double part : {0.98, 1.1}) {
        int decided = 0;
        for (Index b = 0; b < net.x.cols(); ++b) {
          const Region region{norm, part * net.distance(b, norm == Norm::linf), -1, 1};
          const SubBatch one(net.batch(), {b});
          const Adversarial found = a.attack(net.oracle, one.batch(), region, a.how, 1);
          decided += found.fooled[0];
          BOOST_TEST(away(found.x, one.batch().x, 0, norm) <= region.epsilon * (1 + 1e-6));
          if (part < 1) BOOST_TEST(!found.fooled[0], a.name << " " << to_string(norm) << " " << b);
        }
        BOOST_TEST(decided == (part < 1 ? 0 : 40), a.name << " " << to_string(norm) << " fools " << decided);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(nothing_leaves_the_ball_or_the_range) {
  Linear net(random(4, 20, "w"), random(20, 70, "x"));
  for (const Norm norm : {Norm::linf, Norm::l2}) {
    for (const double epsilon : {0.0, 0.05, 0.7, 30.0}) {
      for (const Keep keep : {Keep::best, Keep::last}) {
        for (Named a : attacks()) {
          a.how.keep = keep;
          const Adversarial found = a.attack(net.oracle, net.batch(), {norm, epsilon, -1, 1}, a.how, 1);
          BOOST_TEST(found.x.maxCoeff() <= 1);
          BOOST_TEST(found.x.minCoeff() >= -1);
          for (Index b = 0; b < net.x.cols(); ++b) {
            BOOST_TEST(away(found.x, net.x, b, norm) <= epsilon * (1 + 1e-12) + 1e-15);
          }
          Matrix scores(4, 70);
          net.oracle.scores(net.batch().moved_to(view(found.x)), mut_view(scores));
          const auto decided = decisions(view(scores));
          for (std::size_t b = 0; b < 70; ++b) {
            BOOST_TEST((decided[b] != net.labels[b]) == (found.fooled[b] != 0), a.name << " " << epsilon);
          }
          if (epsilon == 0) BOOST_TEST((bytes(found.x) == bytes(net.x)));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(more_restarts_and_more_room_fool_no_fewer) {
  Trained net;
  const Batch batch = net.batch();
  const auto fooled = [&](const Climb& how, double epsilon) {
    return climb(net.oracle, batch, {Norm::linf, epsilon, -100, 100}, how, 1).fooled;
  };
  const auto count = [](const std::vector<char>& f) { return std::count(f.begin(), f.end(), 1); };
  const auto once = fooled(Climb::pgd(2), 0.1), often = fooled(Climb::pgd(2, 8), 0.1);
  for (std::size_t b = 0; b < once.size(); ++b) BOOST_TEST(often[b] >= once[b]);
  BOOST_TEST(count(often) > 0);
  BOOST_TEST(count(often) < 100);
  auto before = count(fooled(Climb::pgd(10), 0));
  for (const double epsilon : {0.05, 0.1, 0.2, 0.4, 0.8, 1.6}) {
    const auto now = count(fooled(Climb::pgd(10), epsilon));
    BOOST_TEST(now >= before);
    BOOST_TEST(now >= count(fooled(Climb::fgsm(), epsilon)));
    before = now;
  }
  BOOST_TEST(before == 100);
}

BOOST_AUTO_TEST_CASE(threads_and_the_batch_around_do_not_show) {
  const testing::EightThreads eight;
  Linear net(random(5, 30, "w"), random(30, 90, "x", 0.5));
  for (const Norm norm : {Norm::linf, Norm::l2}) {
    const Region region{norm, norm == Norm::linf ? 0.1 : 0.5, -1, 1};
    for (const Named& a : attacks()) {
      const Adversarial reference = a.attack(net.oracle, net.batch(), region, a.how, 1);
      for (const int threads : {1, 2, 3, 8}) {
        with_threads(threads, [&] {
          const Adversarial found = a.attack(net.oracle, net.batch(), region, a.how, 1);
          BOOST_TEST((bytes(found.x) == bytes(reference.x)), a.name << " " << threads << " threads");
        });
      }
      const std::vector<Index> some{3, 40, 41, 89};
      const SubBatch part(net.batch(), some);
      const Adversarial alone = a.attack(net.oracle, part.batch(), region, a.how, 1);
      for (std::size_t i = 0; i < some.size(); ++i) {
        BOOST_TEST((alone.x.col(static_cast<Index>(i)) - reference.x.col(some[i])).norm() < 1e-9, a.name);
      }
    }
  }
  const Region region{Norm::linf, 0.1, -1, 1};
  const Matrix one = climb(net.oracle, net.batch(), region, Climb::pgd(3), 1).x;
  BOOST_TEST((bytes(one) != bytes(climb(net.oracle, net.batch(), region, Climb::pgd(3), 2).x)));
}

BOOST_AUTO_TEST_CASE(refusals) {
  Linear net(random(3, 6, "w"), random(6, 4, "x"));
  const Region region{Norm::linf, 0.1, -1, 1};
  const auto attack = [&](const Region& r, const Climb& how) { climb(net.oracle, net.batch(), r, how, 1); };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  BOOST_CHECK_EXCEPTION(attack({Norm::linf, -0.1, -1, 1}, {}), UsageError, says({"epsilon = -0.1", "0 or larger"}));
  BOOST_CHECK_EXCEPTION(attack({Norm::linf, nan, -1, 1}, {}), UsageError, says({"epsilon = nan"}));
  BOOST_CHECK_EXCEPTION(attack({Norm::linf, 0.1, 1, 1}, {}), UsageError, says({"from 1 to 1", "a range"}));
  BOOST_CHECK_EXCEPTION(attack({Norm::linf, 0.1, 0, 1}, {}), DataError, says({"example 0", "0 to 1"}));
  BOOST_CHECK_EXCEPTION(attack(region, {.steps = 0}), UsageError, says({"steps = 0", "at least 1"}));
  BOOST_CHECK_EXCEPTION(attack(region, {.restarts = 0}), UsageError, says({"restarts = 0"}));
  BOOST_CHECK_EXCEPTION(attack(region, {.step = -1}), UsageError, says({"step = -1"}));
  BOOST_CHECK_EXCEPTION(attack(region, {.momentum = nan}), UsageError, says({"momentum = nan"}));
  BOOST_CHECK_EXCEPTION(parse_norm("l1"), UsageError, says({"'l1'", "linf, l2"}));
}
