// The target-propagation family in linear nets, where its targets and inverses are known in closed form. In double.
#include <Eigen/LU>
#include <boost/test/unit_test.hpp>

#include "tests/support/builtin_rule.hpp"
#include "tests/support/learning.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

/// A linear net on eight features with `hidden` layers, and 24 examples of `classes` classes.
struct Linear {
  Setting setting;
  BatchBuffer buffer;
  Batch batch;
  Linear(std::vector<Index> hidden, Index classes)
      : setting({.features = 8, .classes = classes, .clusters = 2, .train = 90, .test = 10}, 20, std::move(hidden)),
        buffer(setting.data, 24),
        batch(buffer.gather(setting.data.train, std::span<const Index>(setting.split.train).first(24))) {
    setting.net.activation = "identity";
  }
  Linear(const Linear&) = delete;
  Linear& operator=(const Linear&) = delete;
};

double apart(const Matrix& a, const Matrix& b) { return (a - b).norm() / b.norm(); }

/// Jᵀ(JJᵀ + λI)⁻¹
Matrix damped_inverse(const Matrix& J, Scalar lambda) {
  const Matrix k = J * J.transpose() + lambda * Matrix::Identity(J.rows(), J.rows());
  return J.transpose() * k.inverse();
}

/// Steps the group inverse alone, with weight decay and steps that shrink as 1/t in the end.
void learn_inverses(Bench& bench, const Batch& batch, int steps, Scalar rate, Scalar decay) {
  const Phase phase{"inverse", {"inverse"}};
  const auto ids = bench.registry.group("inverse");
  for (int t = 0; t < steps; ++t) {
    const Ctx ctx{Mode::train, true, 1, static_cast<std::uint64_t>(t)};
    bench.sink.clear();
    bench.rule->compute(phase, ctx, bench.model, batch, bench.ws, bench.sink);
    bench.sink.resolve(bench.registry, ids);
    const Scalar size = rate / (1 + std::max(0, t - steps / 4) * Scalar(20) / static_cast<Scalar>(steps));
    for (const ParamId id : ids) {
      Matrix& w = bench.registry.value(id);
      w -= size * (std::as_const(bench.sink).gradient(id) + decay * w);
    }
  }
}

}  // namespace

// With g_l the exact inverse of f_l, ĥ_l = h_l − η̂ J⁻¹ e for each example, J = ∂h_L/∂h_l: the Gauss–Newton step.
BOOST_AUTO_TEST_CASE(exact_inverses_give_gauss_newton_targets) {
  for (const char* rule : {"dtp", "tp", "dtpdrl"}) {
    Linear net({8, 8}, 8);
    std::map<std::string, std::string> options = {{"inverse-activation", "identity"}, {"target-step", "0.1"}};
    if (rule == std::string("tp")) options["last-target"] = "inverse";
    Bench bench(net.setting.graph(), "cross_entropy", builtin(rule), options);
    const auto W = [&](const char* layer) -> Matrix& { return bench.value(std::string(layer) + ".weight"); };
    Matrix J = Matrix::Identity(8, 8);
    for (const auto& [layer, neuron] : {std::pair{"logits", "logits"}, std::pair{"h2", "a2"}}) {
      const Matrix inverse = W(layer).inverse();
      bench.value(std::string("inverse/") + neuron + "/dense.weight") = inverse;
      bench.value(std::string("inverse/") + neuron + "/dense.bias") =
          -inverse * bench.value(std::string(layer) + ".bias");
    }
    bench.compute(net.batch);
    const Graph& g = bench.net.graph();
    Matrix e(8, 24);
    bench.loss->gradient(bench.ws.acts()[g.output()], net.batch, mut_view(e));
    for (const auto& [above, point, layer] : {std::tuple{"logits", "a2", "h2"}, std::tuple{"h2", "a1", "h1"}}) {
      J = J * W(above);
      const Matrix step = Scalar(0.1) * J.inverse() * e;  // h − ĥ
      const View below = layer == std::string("h1") ? net.batch.x : bench.ws.acts()[g.find("a1")];
      const Matrix expected = 2.0 / 24 * step * below.transpose();
      BOOST_TEST(apart(bench.gradient(std::string(layer) + ".weight"), expected) < 1e-9, rule << " " << layer);
    }
  }
}

// The last hidden layer's target by the gradient, as in Lee et al.: W_Lᵀ e instead of W_L⁻¹ e, and inverses from there.
BOOST_AUTO_TEST_CASE(the_last_target_may_be_a_step_along_the_gradient) {
  for (const char* rule : {"dtp", "tp"}) {
    Linear net({8, 8}, 5);
    Bench bench(net.setting.graph(), "cross_entropy", builtin(rule),
                {{"inverse-activation", "identity"}, {"target-step", "0.1"}, {"last-target", "gradient"}});
    const Matrix inverse = bench.value("h2.weight").inverse();
    bench.value("inverse/a2/dense.weight") = inverse;
    bench.value("inverse/a2/dense.bias") = -inverse * bench.value("h2.bias");
    bench.compute(net.batch);
    const Graph& g = bench.net.graph();
    Matrix e(5, 24);
    bench.loss->gradient(bench.ws.acts()[g.output()], net.batch, mut_view(e));
    const Matrix last = Scalar(0.1) * bench.value("logits.weight").transpose() * e;  // h − ĥ
    const Matrix of_h2 = 2.0 / 24 * last * bench.ws.acts()[g.find("a1")].transpose();
    const Matrix of_h1 = 2.0 / 24 * inverse * last * net.batch.x.transpose();
    BOOST_TEST(apart(bench.gradient("h2.weight"), of_h2) < 1e-12, rule);
    BOOST_TEST(apart(bench.gradient("h1.weight"), of_h1) < 1e-9, rule);
    for (ParamId id = 0; id < bench.registry.size(); ++id) {
      BOOST_TEST(!bench.registry[id].name.starts_with("inverse/logits"));
    }
  }
}

BOOST_AUTO_TEST_CASE(linear_inverses_of_ddtp_become_damped_inverses) {
  Linear net({7, 6}, 3);
  Bench bench(net.setting.graph(), "cross_entropy", builtin("ddtp_linear"), {{"sigma", "0.5"}});
  const Scalar decay = 0.02;
  learn_inverses(bench, net.batch, 6000, 0.8, decay);
  const Matrix J2 = bench.value("logits.weight"), J1 = J2 * bench.value("h2.weight");
  // The gradient is 2/units · (Q JJᵀ − Jᵀ), the mean over units; hence λ = decay · units/2.
  BOOST_TEST(apart(bench.value("inverse/a1.weight"), damped_inverse(J1, decay * 7 / 2)) < 0.03);
  BOOST_TEST(apart(bench.value("inverse/a2.weight"), damped_inverse(J2, decay * 6 / 2)) < 0.03);
}

// The inverses of a chain work one after the other: together they bring the output back to layer 1.
BOOST_AUTO_TEST_CASE(inverses_of_dtpdrl_become_damped_inverses) {
  Linear net({7, 6}, 3);
  Bench bench(net.setting.graph(), "cross_entropy", builtin("dtpdrl"),
              {{"sigma", "0.5"}, {"inverse-activation", "identity"}});
  const Scalar decay = 1e-3;
  learn_inverses(bench, net.batch, 12000, 0.8, decay);
  const Matrix J2 = bench.value("logits.weight"), J1 = J2 * bench.value("h2.weight");
  const Matrix Q3 = bench.value("inverse/logits/dense.weight"), Q2 = bench.value("inverse/a2/dense.weight");
  BOOST_TEST(apart(Q3, damped_inverse(J2, decay * 6 / 2)) < 0.03);
  BOOST_TEST(apart(Q2 * Q3, damped_inverse(J1, 0)) < 0.05);
}

// Targets straight from the output: 2η̂/B · Q e at every point.
BOOST_AUTO_TEST_CASE(targets_of_ddtp) {
  Linear net({7, 6}, 3);
  net.setting.net.skips = {{1, 3}};
  net.setting.net.skip_mode = SkipMode::concat;
  Bench bench(net.setting.graph(), "cross_entropy", builtin("ddtp_linear"), {{"target-step", "0.2"}});
  bench.compute(net.batch);
  const Graph& g = bench.net.graph();
  Matrix e(3, 24);
  bench.loss->gradient(bench.ws.acts()[g.output()], net.batch, mut_view(e));
  const Matrix delta = 2 * 0.2 / 24 * bench.value("inverse/a1.weight") * e;
  BOOST_TEST(apart(bench.gradient("h1.weight"), delta * net.batch.x.transpose()) < 1e-12);
  BOOST_TEST(apart(bench.gradient("h1.bias"), delta.rowwise().sum()) < 1e-12);
}
