// The feedback-alignment family beyond fa and dfa: what each promises of its feedback weights.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "framework/analysis/angle.hpp"
#include "tests/support/builtin_rule.hpp"
#include "tests/support/learning.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

const std::vector<std::string> layers = {"h1", "h2", "logits"};

Setting small() {
  Setting s({.features = 12, .classes = 5, .clusters = 2, .train = 90, .test = 10}, 20, {15, 9});
  s.train.batch = 24;
  return s;
}

const Matrix& value(const Trainer& trainer, const std::string& name) {
  return trainer.registry().value(trainer.registry().find(name));
}
const Matrix& weight(const Trainer& t, const std::string& layer) { return value(t, layer + ".weight"); }
const Matrix& feedback(const Trainer& t, const std::string& layer) { return value(t, "feedback/" + layer + ".weight"); }

}  // namespace

BOOST_AUTO_TEST_CASE(usf_transports_signs_of_one_size) {
  const Setting setting = small();
  const auto trainer = setting.trainer(builtin("usf"), {{"lr", "0.05"}, {"feedback-scale", "2"}});
  for (int epochs = 0; epochs < 3; ++epochs) {
    train(*trainer, epochs);
    for (const auto& layer : layers) {
      const Matrix& W = weight(*trainer, layer);
      const Matrix& B = feedback(*trainer, layer);
      // Xavier's standard deviation, times the scale.
      const double s = 2 * std::sqrt(2.0 / static_cast<double>(W.rows() + W.cols()));
      BOOST_TEST((B - s * Matrix(W.array().sign())).norm() < 1e-14);
    }
  }
}

BOOST_AUTO_TEST_CASE(brsf_draws_sizes_for_every_batch_and_keeps_signs) {
  const Setting setting = small();
  const auto trainer = setting.trainer(builtin("brsf"), {{"lr", "0.05"}});
  train(*trainer, 0);
  const Matrix first = feedback(*trainer, "h2");
  train(*trainer, 1);
  const Matrix& B = feedback(*trainer, "h2");
  BOOST_TEST((B.array().abs() - first.array().abs()).abs().minCoeff() > 0);
  for (const auto& layer : layers) {
    BOOST_TEST((feedback(*trainer, layer).array() * weight(*trainer, layer).array()).minCoeff() > 0);
  }
  // The sizes are draws of the initialiser: mean |B| is σ√(2/π), over 135 of them.
  const double sd = std::sqrt(2.0 / (9 + 15));
  BOOST_TEST(std::abs(B.array().abs().mean() / (sd * std::sqrt(2 / M_PI)) - 1) < 0.2);
}

BOOST_AUTO_TEST_CASE(frsf_keeps_sizes_and_follows_signs) {
  const Setting setting = small();
  const auto trainer = setting.trainer(builtin("frsf"), {{"lr", "0.2"}});
  train(*trainer, 0);
  const Matrix first = feedback(*trainer, "h2");
  train(*trainer, 4);
  const Matrix& B = feedback(*trainer, "h2");
  BOOST_TEST((B.array().abs() == first.array().abs()).all());
  BOOST_TEST((B.array() != first.array()).any());  // some weights have crossed 0
  for (const auto& layer : layers) {
    BOOST_TEST((feedback(*trainer, layer).array() * weight(*trainer, layer).array()).minCoeff() > 0);
  }
}

// Equal updates and equal decay: the difference shrinks by 1 − ηλ a step, to rounding.
BOOST_AUTO_TEST_CASE(kolen_pollack_weights_meet_as_their_equation_says) {
  const Setting setting = small();
  const auto trainer = setting.trainer(builtin("kolen_pollack"), {{"optimizer", "sgd"},
                                                                  {"lr", "0.05"},
                                                                  {"weight-decay", "0.1"},
                                                                  {"feedback-optimizer", "sgd"},
                                                                  {"feedback-lr", "0.05"},
                                                                  {"feedback-weight-decay", "0.1"}});
  train(*trainer, 0);
  std::map<std::string, Matrix> before;
  for (const auto& layer : layers) before[layer] = weight(*trainer, layer) - feedback(*trainer, layer);
  train(*trainer, 7);
  const int steps = 7 * 3;  // 70 examples in batches of 24
  for (const auto& layer : layers) {
    const Matrix after = weight(*trainer, layer) - feedback(*trainer, layer);
    BOOST_TEST((after - std::pow(1 - 0.05 * 0.1, steps) * before[layer]).norm() < 1e-12 * before[layer].norm());
  }
}

BOOST_AUTO_TEST_CASE(mirrors_turn_to_the_weights) {
  const Setting setting = small();
  const auto trainer = setting.trainer(builtin("weight_mirror"), {{"lr", "1e-4"}});
  train(*trainer, 0);
  std::map<std::string, double> before;
  for (const auto& layer : layers)
    before[layer] = angle_degrees(view(weight(*trainer, layer)), view(feedback(*trainer, layer)));
  train(*trainer, 20);
  for (const auto& layer : layers) {
    const double after = angle_degrees(view(weight(*trainer, layer)), view(feedback(*trainer, layer)));
    BOOST_TEST(before[layer] > 70);
    BOOST_TEST(after < 45, layer << ": " << before[layer] << "° before, " << after << "° after");
  }
}

// In the mean B tends to (σ²/λ) W: with decay 1, the size of the noise is the size of B over that of W, squared.
BOOST_AUTO_TEST_CASE(mirrors_grow_with_their_noise) {
  const auto ratio = [](const std::string& noise) {
    const Setting setting = small();
    const auto trainer =
        setting.trainer(builtin("weight_mirror"), {{"lr", "1e-6"}, {"mirror-noise", noise}, {"mirror-lr", "0.02"}});
    train(*trainer, 60);
    const Matrix& W = weight(*trainer, "h1");
    return W.cwiseProduct(feedback(*trainer, "h1")).sum() / W.squaredNorm();
  };
  BOOST_TEST(ratio("1") == 1, boost::test_tools::tolerance(0.15));
  BOOST_TEST(ratio("0.5") == 0.25, boost::test_tools::tolerance(0.15));
}

BOOST_AUTO_TEST_CASE(drtp_sends_the_target_back) {
  const Setting s = small();
  BatchBuffer buffer(s.data, 24);
  const std::vector<Index> ids(s.split.train.begin(), s.split.train.begin() + 24);
  const Batch batch = buffer.gather(s.data.train, ids);
  Bench drtp(s.graph(), "cross_entropy", builtin("drtp"));
  drtp.compute(batch);
  const Graph& g = drtp.net.graph();
  const auto h = [&](const char* name) { return Matrix(drtp.ws.acts()[g.find(name)]); };
  for (const std::string l : {"1", "2"}) {
    const Matrix a = h(("a" + l).c_str());
    const Matrix delta =
        (drtp.value("feedback/a" + l) * batch.one_hot / 24).cwiseProduct(Matrix(1 - a.array().square()));
    const Matrix below = l == "1" ? Matrix(batch.x) : h("a1");
    const Matrix expected = delta * below.transpose();
    BOOST_TEST((drtp.gradient("h" + l + ".weight") - expected).norm() < 1e-13 * expected.norm());
  }
  Bench backprop(s.graph(), "cross_entropy", builtin("backprop"));
  backprop.compute(batch);
  BOOST_TEST((bytes(drtp.gradient("logits.weight")) == bytes(backprop.gradient("logits.weight"))));
}
