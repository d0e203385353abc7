// Energy-based rules against what they are known to compute: backprop's signals, and the gradient of the loss at rest.
// In double.
#include <boost/test/unit_test.hpp>
#include <cmath>

#include "tests/support/builtin_rule.hpp"
#include "tests/support/learning.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

using Given = std::map<std::string, std::string>;

/// A tanh net on six features and a batch of 12.
struct Some {
  Setting setting;
  BatchBuffer buffer;
  Batch batch;
  explicit Some(std::vector<Index> hidden)
      : setting({.features = 6, .classes = 3, .clusters = 2, .train = 60, .test = 10}, 20, std::move(hidden)),
        buffer(setting.data, 12),
        batch(buffer.gather(setting.data.train, std::span<const Index>(setting.split.train).first(12))) {}
  Some(const Some&) = delete;
  Some& operator=(const Some&) = delete;
};

/// The pseudo-gradients of all forward parameters, one after the other.
Vector gradients(Bench& bench, const Batch& batch) {
  bench.compute(batch);
  std::vector<Scalar> all;
  for (const ParamId id : bench.registry.group("forward")) {
    const Matrix g = bench.sink.has(id)
                         ? Matrix(std::as_const(bench.sink).gradient(id))
                         : Matrix(Matrix::Zero(bench.registry.value(id).rows(), bench.registry.value(id).cols()));
    all.insert(all.end(), g.data(), g.data() + g.size());
  }
  return Eigen::Map<Vector>(all.data(), static_cast<Index>(all.size()));
}

double apart(const Vector& a, const Vector& b) { return (a - b).norm() / b.norm(); }
double degrees(const Vector& a, const Vector& b) {
  return std::acos(std::min(Scalar(1), a.dot(b) / (a.norm() * b.norm()))) * 180 / M_PI;
}

}  // namespace

// Millidge et al.: predictions fixed, γ = 1, as many steps as hidden layers.
BOOST_AUTO_TEST_CASE(predictive_coding_under_fixed_prediction_is_backprop) {
  for (const SkipMode mode : {SkipMode::concat, SkipMode::project}) {
    for (const bool skip : {false, true}) {
      for (const std::string& loss : loss_names()) {
        Some net({7, 5, 8});
        if (skip) net.setting.net.skips = {{1, 3}};
        net.setting.net.skip_mode = mode;
        const Graph graph = net.setting.graph();
        Bench backprop(graph, loss, builtin("backprop"));
        const Vector exact = gradients(backprop, net.batch);
        const auto after = [&](const char* steps, const char* prediction) {
          Bench bench(graph, loss, builtin("predictive_coding"),
                      Given{{"prediction", prediction}, {"state-step", "1"}, {"steps", steps}});
          return gradients(bench, net.batch);
        };
        BOOST_TEST(apart(after("3", "fixed"), exact) < 1e-10);
        BOOST_TEST(apart(after("2", "fixed"), exact) > 1e-4);    // the first layer has heard nothing yet
        BOOST_TEST(apart(after("3", "relaxed"), exact) > 1e-4);  // predictions move with the states
      }
    }
  }
}

// Relaxation finds the state of lowest energy: its gradient with respect to the states vanishes, and with it the
// difference that another step would make.
BOOST_AUTO_TEST_CASE(predictive_coding_comes_to_rest) {
  Some net({7, 5, 8});
  const auto after = [&](const char* steps) {
    Bench bench(net.setting.graph(), "cross_entropy", builtin("predictive_coding"), Given{{"steps", steps}});
    return gradients(bench, net.batch);
  };
  const Vector rest = after("2000");
  BOOST_TEST(apart(after("2001"), rest) < 1e-10);
  BOOST_TEST(apart(after("20"), rest) < 0.5);
  BOOST_TEST(apart(after("20"), rest) < apart(after("5"), rest));
}

BOOST_AUTO_TEST_CASE(equilibrium_propagation_is_the_gradient_of_the_loss_at_rest) {
  for (const bool skip : {false, true}) {
    for (const std::string activation : {"tanh", "sigmoid"}) {
      Some net({5, 4});
      net.setting.net.activation = activation;
      if (skip) net.setting.net.skips = {{1, 3}};
      net.setting.net.skip_mode = SkipMode::concat;
      const Graph graph = net.setting.graph();
      Bench reference(graph, "cross_entropy", builtin("equilibrium_prop"), Given{{"free-steps", "400"}});
      const auto loss_at_rest = [&] {
        Matrix scores(3, 12);
        reference.rule->predict(reference.model, net.batch, reference.ws, mut_view(scores));
        return reference.loss->value(view(scores), net.batch);
      };
      std::vector<Scalar> numeric;
      for (const ParamId id : reference.registry.group("forward")) {
        for (Scalar& w : reference.registry.value(id).reshaped()) {
          const Scalar kept = w;
          constexpr Scalar h = 1e-5;
          w = kept + h;
          const double up = loss_at_rest();
          w = kept - h;
          const double down = loss_at_rest();
          w = kept;
          numeric.push_back((up - down) / (2 * h));
        }
      }
      const Vector exact = Eigen::Map<Vector>(numeric.data(), static_cast<Index>(numeric.size()));
      double before = 1;
      for (const char* nudge : {"0.1", "0.03", "0.01", "0.001"}) {
        Bench bench(graph, "cross_entropy", builtin("equilibrium_prop"),
                    Given{{"nudge", nudge}, {"free-steps", "400"}, {"nudged-steps", "400"}});
        const Vector found = gradients(bench, net.batch);
        BOOST_TEST(degrees(found, exact) < 1, activation << " " << nudge << ": " << degrees(found, exact) << "°");
        // The error of symmetric nudges falls with their square.
        const double error = apart(found, exact);
        BOOST_TEST((error < before / 4 || error < 1e-6), activation << " " << nudge << ": " << error);
        before = error;
      }
      // It is not backprop's: the states at rest are not those of a forward pass.
      Bench backprop(graph, "cross_entropy", builtin("backprop"));
      BOOST_TEST(apart(gradients(backprop, net.batch), exact) > 1e-2);
    }
  }
}
