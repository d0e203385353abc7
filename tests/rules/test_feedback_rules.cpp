// Oracles for the rules without inverses: with the right feedback they are each other, and their signals by hand.
#include <boost/test/unit_test.hpp>

#include "tests/support/builtin_rule.hpp"
#include "tests/support/learning.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

Setting small(std::vector<Index> hidden) {
  Setting s({.features = 12, .classes = 5, .clusters = 2, .train = 90, .test = 10}, 20, std::move(hidden));
  s.train.batch = 24;
  return s;
}

/// Feedback alignment whose B is W again before every step.
class Mirrored final : public LearningRule {
 public:
  Mirrored() : inner_(builtin("fa").make(resolve(builtin("fa"), {}).options)) {}

  void prepare(const Net& net, const Loss& loss, Registry& registry) override {
    inner_->prepare(net, loss, registry);
    copy(registry);
  }
  void compute(const Phase& phase, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink& g) const override {
    inner_->compute(phase, ctx, m, batch, ws, g);
  }
  void after_phase(const Phase&, const Ctx&, const Net&, Registry& registry) const override { copy(registry); }

 private:
  static void copy(Registry& registry) {
    for (ParamId id = 0; id < registry.size(); ++id) {
      const std::string& name = registry[id].name;
      if (name.starts_with("feedback/")) registry.value(id) = registry.value(registry.find(name.substr(9)));
    }
  }
  std::unique_ptr<LearningRule> inner_;
};

/// Batch of the setting's first 24 training examples.
struct SomeBatch {
  BatchBuffer buffer;
  std::vector<Index> ids;
  Batch batch;
  explicit SomeBatch(const Setting& s)
      : buffer(s.data, 24), ids(s.split.train.begin(), s.split.train.begin() + 24),
        batch(buffer.gather(s.data.train, ids)) {}
};

double apart(const Matrix& a, const Matrix& b) { return (a - b).norm() / b.norm(); }

/// f′ of tanh from its value.
Matrix slope(const Matrix& a) { return 1 - a.array().square(); }

}  // namespace

BOOST_AUTO_TEST_CASE(feedback_alignment_with_its_weights_mirrored_is_backprop_bit_for_bit) {
  for (const SkipMode mode : {SkipMode::add, SkipMode::project, SkipMode::concat}) {
    for (const double dropout : {0.0, 0.25}) {
      Setting s = small({15, 9, 15});
      s.net.skips = {{1, 3}, {1, 4}};
      if (mode == SkipMode::add) s.net.skips = {{1, 3}};
      s.net.skip_mode = mode;
      s.net.dropout = dropout;
      const auto backprop = s.trainer(builtin("backprop"), {{"lr", "0.01"}});
      const auto mirrored = s.trainer(std::make_unique<Mirrored>(), {{"forward", adam(0.01, 0.9, 0.99, 4.73e-8)}});
      const std::string start = bytes(backprop->registry(), "forward");
      train(*backprop, 3);
      train(*mirrored, 3);
      BOOST_TEST((bytes(mirrored->registry(), "forward") == bytes(backprop->registry(), "forward")));
      BOOST_TEST((bytes(backprop->registry(), "forward") != start));
    }
  }
}

BOOST_AUTO_TEST_CASE(feedback_alignment_with_its_own_weights_is_not_backprop) {
  const Setting s = small({15, 9});
  const SomeBatch some(s);
  Bench backprop(s.graph(), "cross_entropy", builtin("backprop"));
  Bench fa(s.graph(), "cross_entropy", builtin("fa"));
  backprop.compute(some.batch);
  fa.compute(some.batch);
  BOOST_TEST((bytes(fa.gradient("logits.weight")) == bytes(backprop.gradient("logits.weight"))));
  BOOST_TEST(apart(fa.gradient("h1.weight"), backprop.gradient("h1.weight")) > 0.5);
  BOOST_TEST(apart(fa.gradient("h2.weight"), backprop.gradient("h2.weight")) > 0.5);
}

// A skip from 1 to 3: a1 gets what comes through B2, and the signal of the sum without any matrix.
BOOST_AUTO_TEST_CASE(an_identity_skip_transports_exactly) {
  Setting s = small({8, 9, 8});
  s.net.skips = {{1, 3}};
  const SomeBatch some(s);
  Bench fa(s.graph(), "cross_entropy", builtin("fa"));
  fa.compute(some.batch);
  const Graph& g = fa.net.graph();
  const auto value = [&](const char* name) { return Matrix(fa.ws.acts()[g.find(name)]); };
  const auto B = [&](const char* name) { return fa.value(std::string("feedback/") + name + ".weight"); };
  const Matrix e = fa.ws.deltas()[g.output()];
  const Matrix sum3 = (B("logits").transpose() * e).cwiseProduct(slope(value("a3")));
  const Matrix sum2 = (B("h3").transpose() * sum3).cwiseProduct(slope(value("a2")));
  const Matrix at_a1 = B("h2").transpose() * sum2 + sum3;
  const Matrix sum1 = at_a1.cwiseProduct(slope(value("a1")));
  BOOST_TEST(apart(fa.gradient("h3.weight"), sum3 * value("a2").transpose()) < 1e-13);
  BOOST_TEST(apart(fa.gradient("h2.weight"), sum2 * value("a1").transpose()) < 1e-13);
  BOOST_TEST(apart(fa.gradient("h1.weight"), sum1 * some.batch.x.transpose()) < 1e-13);
  BOOST_TEST(apart(fa.gradient("h1.bias"), sum1.rowwise().sum()) < 1e-13);
  // The way to the input goes through B1 too.
  Matrix dinput(12, 24);
  BOOST_TEST(fa.rule->feedback_input_gradient(fa.model, some.batch, fa.ws, mut_view(dinput)));
  BOOST_TEST(apart(dinput, B("h1").transpose() * sum1) < 1e-13);
}

BOOST_AUTO_TEST_CASE(feedback_is_neither_trained_nor_the_forward_weights) {
  for (const char* name : {"fa", "dfa"}) {
    const Setting s = small({15, 9});
    const auto trainer = s.trainer(builtin(name));
    const std::string before = bytes(trainer->registry(), "feedback");
    BOOST_TEST(!before.empty());
    train(*trainer, 2);
    BOOST_TEST((bytes(trainer->registry(), "feedback") == before));
  }
  Bench fa(small({15, 9}).graph(), "cross_entropy", builtin("fa"));
  for (const std::string layer : {"h1", "h2", "logits"}) {
    BOOST_TEST(apart(fa.value("feedback/" + layer + ".weight"), fa.value(layer + ".weight")) > 0.5);
  }
}

BOOST_AUTO_TEST_CASE(feedback_scale_and_init_are_heard) {
  const Graph graph = small({15, 9}).graph();
  for (const char* name : {"fa", "dfa"}) {
    const std::string which = name == std::string("fa") ? "feedback/h2.weight" : "feedback/a2";
    Bench one(graph, "cross_entropy", builtin(name));
    Bench three(graph, "cross_entropy", builtin(name), {{"feedback-scale", "3"}});
    BOOST_TEST(apart(three.value(which), 3 * one.value(which)) < 1e-14);
    Bench zero(graph, "cross_entropy", builtin(name), {{"feedback-init", "zeros"}});
    BOOST_TEST(zero.value(which).norm() == 0);
  }
}

BOOST_AUTO_TEST_CASE(direct_feedback_on_one_hidden_layer_is_feedback_alignment_bit_for_bit) {
  const Setting s = small({31});
  const auto fa = s.trainer(builtin("fa"), {{"lr", "0.01"}, {"epsilon", "1e-8"}});
  const auto dfa = s.trainer(builtin("dfa"), {{"lr", "0.01"}, {"epsilon", "1e-8"}});
  Registry& of_dfa = dfa->registry();
  of_dfa.value(of_dfa.find("feedback/a1")) =
      fa->registry().value(fa->registry().find("feedback/logits.weight")).transpose();
  train(*fa, 3);
  train(*dfa, 3);
  BOOST_TEST((bytes(of_dfa, "forward") == bytes(fa->registry(), "forward")));
  BOOST_TEST((bytes(of_dfa, "forward") != bytes(s.trainer(builtin("fa"))->registry(), "forward")));
}

BOOST_AUTO_TEST_CASE(direct_feedback_by_hand) {
  for (const bool skip : {false, true}) {
    Setting s = small({8, 9, 8});
    if (skip) s.net.skips = {{1, 3}};
    const SomeBatch some(s);
    Bench dfa(s.graph(), "cross_entropy", builtin("dfa"));
    Bench backprop(s.graph(), "cross_entropy", builtin("backprop"));
    dfa.compute(some.batch);
    backprop.compute(some.batch);
    const Graph& g = dfa.net.graph();
    const auto value = [&](const std::string& name) { return Matrix(dfa.ws.acts()[g.find(name)]); };
    const Matrix e = dfa.ws.deltas()[g.output()];
    for (const int l : {1, 2, 3}) {
      const Matrix a = value(cat("a", l));
      const Matrix delta = (dfa.value(cat("feedback/a", l)) * e).cwiseProduct(slope(a));
      const Matrix below = l == 1 ? Matrix(some.batch.x) : value(cat("a", l - 1));
      BOOST_TEST_CONTEXT("layer " << l) {
        BOOST_TEST(apart(dfa.gradient(cat("h", l, ".weight")), delta * below.transpose()) < 1e-13);
        BOOST_TEST(apart(dfa.gradient(cat("h", l, ".bias")), delta.rowwise().sum()) < 1e-13);
      }
    }
    for (const std::string name : {"logits.weight", "logits.bias"}) {
      BOOST_TEST((bytes(dfa.gradient(name)) == bytes(backprop.gradient(name))));
    }
    Matrix dinput(12, 24);
    BOOST_TEST(dfa.rule->feedback_input_gradient(dfa.model, some.batch, dfa.ws, mut_view(dinput)));
    const Matrix delta1 = (dfa.value("feedback/a1") * e).cwiseProduct(slope(value("a1")));
    BOOST_TEST(apart(dinput, dfa.value("h1.weight").transpose() * delta1) < 1e-13);
  }
}

BOOST_AUTO_TEST_CASE(frozen_has_the_true_gradient_of_the_last_layer_and_no_other) {
  for (const auto mode : {SkipMode::add, SkipMode::project, SkipMode::concat}) {
    Setting s = small({5, 5, 5});
    s.net.skips = {{1, 3}, {2, 4}};
    s.net.skip_mode = mode;
    const SomeBatch some(s);
    Bench frozen(s.graph(), "cross_entropy", builtin("frozen"));
    Bench backprop(s.graph(), "cross_entropy", builtin("backprop"));
    frozen.compute(some.batch);
    backprop.compute(some.batch);
    const std::string last = mode == SkipMode::concat ? "logits" : "h4";
    int moved = 0;
    for (const ParamId id : frozen.registry.group("forward")) {
      const std::string& name = frozen.registry[id].name;
      BOOST_TEST(frozen.has(name) == (name.starts_with(last + ".") || name == "p2_4.weight"), name);
      if (!frozen.has(name)) continue;
      ++moved;
      BOOST_TEST((bytes(frozen.gradient(name)) == bytes(backprop.gradient(name))), name);
    }
    BOOST_TEST(moved == (mode == SkipMode::project ? 3 : 2));
  }
}

BOOST_AUTO_TEST_CASE(backprops_path_to_the_input_is_the_true_one) {
  Setting s = small({8, 9, 8});
  s.net.skips = {{1, 3}};
  s.net.dropout = 0.3;  // off when evaluating
  const SomeBatch some(s);
  Bench backprop(s.graph(), "cross_entropy", builtin("backprop"));
  Matrix scores(5, 24), dscores(5, 24), expected(12, 24), dinput(12, 24);
  backprop.rule->predict(backprop.model, some.batch, backprop.ws, mut_view(scores));
  backprop.loss->gradient(view(scores), some.batch, mut_view(dscores));
  BOOST_TEST(
      backprop.rule->predict_pull_back(backprop.model, some.batch, backprop.ws, view(dscores), mut_view(expected)));
  BOOST_TEST(backprop.rule->feedback_input_gradient(backprop.model, some.batch, backprop.ws, mut_view(dinput)));
  BOOST_TEST(expected.norm() > 0);
  BOOST_TEST(apart(dinput, expected) < 1e-13);
}
