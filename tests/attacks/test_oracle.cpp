// What attacks are told: losses and their gradients, decisions, the true gradient and the feedback path of rules.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/attacks/linear.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

std::vector<double> values_of(AttackLoss loss, const Matrix& scores, const std::vector<std::int32_t>& labels) {
  std::vector<double> values(labels.size());
  attack_loss(loss, view(scores), labels, values, no_view());
  return values;
}

}  // namespace

BOOST_AUTO_TEST_CASE(losses_by_hand) {
  Matrix scores(4, 3);
  scores << 1, 3, 5,  //
      2, 3, 5,        //
      4, 0, 5,        //
      0, 1, 5;
  const auto margin = values_of(AttackLoss::margin, scores, {2, 2, 0});
  BOOST_TEST(margin[0] == (2.0 - 4) / (4 - 1));
  BOOST_TEST(margin[1] == (3.0 - 0) / (3 - 1));
  BOOST_TEST(margin[2] == 0);
  const auto entropy = values_of(AttackLoss::cross_entropy, scores, {2, 2, 0});
  BOOST_TEST(std::abs(entropy[0] - std::log(std::exp(-3) + std::exp(-2) + 1 + std::exp(-4))) < 1e-12);
  BOOST_TEST(std::abs(entropy[2] - std::log(4)) < 1e-12);
  Matrix two(2, 1);
  two << 1, 3;
  BOOST_TEST(values_of(AttackLoss::margin, two, {0})[0] == 2);
  Matrix one(1, 1);
  one << 3;
  BOOST_TEST(values_of(AttackLoss::margin, one, {0})[0] == 0);
  BOOST_TEST(values_of(AttackLoss::cross_entropy, one, {0})[0] == 0);
  BOOST_CHECK_EXCEPTION(values_of(AttackLoss::margin, two, {0, 1}), ShapeError, says({"1 columns", "2 labels"}));
}

BOOST_AUTO_TEST_CASE(their_gradients_are_central_differences) {
  const Matrix scores = random(6, 30, "scores", 3);
  std::vector<std::int32_t> labels;
  for (int b = 0; b < 30; ++b) labels.push_back(b % 6);
  for (const AttackLoss loss : {AttackLoss::cross_entropy, AttackLoss::margin}) {
    Matrix d(6, 30);
    attack_loss(loss, view(scores), labels, {}, mut_view(d));
    const double h = 1e-5;
    for (Index k = 0; k < 6; ++k) {
      Matrix up = scores, down = scores;
      up.row(k).array() += static_cast<Scalar>(h);
      down.row(k).array() -= static_cast<Scalar>(h);
      const auto above = values_of(loss, up, labels), below = values_of(loss, down, labels);
      for (std::size_t b = 0; b < 30; ++b) {
        BOOST_TEST(std::abs((above[b] - below[b]) / (2 * h) - d(k, static_cast<Index>(b))) < 2e-6);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(decisions_are_the_lowest_of_the_largest) {
  Matrix scores(3, 4);
  const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
  scores << 1, 2, 0, nan,  //
      3, 2, 0, 5,          //
      2, 1, 4, 1;
  BOOST_TEST(decisions(view(scores)) == (std::vector<std::int32_t>{1, 0, 2, -1}), boost::test_tools::per_element());
}

// Of every rule: true gradients are the decision's, and feedback paths differ from them where the rule has its own weights.
BOOST_AUTO_TEST_CASE(every_rules_oracles) {
  Setting s({.features = 11, .classes = 4, .clusters = 2, .train = 120, .test = 20}, 24, {9, 8});
  int with_feedback = 0, without_gradient = 0;
  const Catalog catalog = builtin_catalog();
  for (const RuleEntry& entry : catalog.entries()) {
    BOOST_TEST_CONTEXT(entry.name) {
      const auto rule = entry.make(resolve(entry, {}).options);
      std::string loss = "cross_entropy";
      if (const auto known = rule->traits().losses; !known.empty()) loss = known.front();
      if (!rule->unsupported(s.graph(), *make_loss(loss)).empty()) continue;
      Bench bench(s.graph(), loss, entry);
      BatchBuffer buffer(s.data, 10);
      const Batch batch = buffer.gather(s.data.train, std::span(s.split.train).first(10));
      TrueOracle truth(bench.model, *bench.rule);
      FeedbackOracle feedback(bench.model, *bench.rule);
      Matrix scores(4, 10), same(4, 10), dx(11, 10), by_feedback(11, 10);
      truth.scores(batch, mut_view(scores));
      feedback.scores(batch, mut_view(same));
      BOOST_TEST((bytes(same) == bytes(scores)));
      if (feedback.gradient(batch, AttackLoss::cross_entropy, mut_view(same), mut_view(by_feedback))) {
        ++with_feedback;
        BOOST_TEST((bytes(same) == bytes(scores)));
        BOOST_TEST(by_feedback.allFinite());
      }
      if (!truth.gradient(batch, AttackLoss::cross_entropy, mut_view(same), mut_view(dx))) {
        ++without_gradient;
        continue;
      }
      BOOST_TEST((bytes(same) == bytes(scores)));
      const auto along = [&](const Matrix& x) {
        Matrix scores_there(4, 10);
        truth.scores(batch.moved_to(view(x)), mut_view(scores_there));
        double sum = 0;
        for (const double v :
             values_of(AttackLoss::cross_entropy, scores_there, {batch.labels.begin(), batch.labels.end()}))
          sum += v;
        return sum;
      };
      const Matrix v = random(11, 10, "direction"), x = batch.x;
      const Scalar h = Scalar(1e-5);
      const double numeric = (along(x + h * v) - along(x - h * v)) / (2 * static_cast<double>(h));
      BOOST_TEST(std::abs(numeric - dx.cwiseProduct(v).sum()) < 1e-5 * (1 + dx.norm()));
      if (entry.name == "backprop") BOOST_TEST((by_feedback - dx).norm() < 1e-12 * dx.norm());
      if (entry.name == "fa") BOOST_TEST((by_feedback - dx).norm() > 0.1 * dx.norm());
    }
  }
  BOOST_TEST(with_feedback >= 8);
  BOOST_TEST(without_gradient == 1);  // equilibrium_prop: a state, not a function with a derivative at hand
}
