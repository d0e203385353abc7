// Running statistics (batch_norm) in training: every rule moves them once a step, by the plain forward pass; checkpoints hold
// them and predictions use them.

#include <boost/test/unit_test.hpp>
#include <cmath>

#include "framework/parallel/parallel.hpp"
#include "rules/builtin.hpp"
#include "tests/support/learning.hpp"
#include "tests/support/threads.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

const Catalog& catalog() {
  static const Catalog all = builtin_catalog();
  return all;
}

Setting with_norms(const std::string& type, std::vector<Index> hidden = {7, 5}) {
  Setting s({.features = 6, .classes = 3, .clusters = 2, .train = 80, .test = 30}, 20, std::move(hidden));
  s.edit = [type](GraphSpec& spec) { normalise_hidden(spec, type); };
  return s;
}

std::string statistics(const Registry& registry) {
  std::string all;
  for (ParamId id = 0; id < registry.size(); ++id) {
    const std::string& name = registry[id].name;
    if (name.ends_with(".mean") || name.ends_with(".variance")) all += name + bytes(registry.value(id));
  }
  return all;
}

bool supported(const Setting& s, const RuleEntry& rule) {
  return rule.make(resolve(rule, {}).options)->unsupported(s.graph(), *make_loss(s.loss)).empty();
}

}  // namespace

BOOST_AUTO_TEST_CASE(they_move_once_a_step_under_every_rule) {
  const Setting s = with_norms("batch_norm");
  // What two epochs of plain forward passes with these weights make of them.
  Bench plain(s.graph(), s.loss, catalog().at("backprop"));
  const std::string start = statistics(plain.registry);
  BatchBuffer buffer(s.data, s.train.batch);
  for (int epoch = 0; epoch < 2; ++epoch) {
    const auto order = epoch_order(s.split.train, s.train.seed, epoch);
    for (std::size_t first = 0; first < order.size(); first += 32) {
      const auto ids = std::span(order).subspan(first, std::min<std::size_t>(32, order.size() - first));
      plain.net.forward({}, plain.registry, buffer.gather(s.data.train, ids).x, plain.ws.acts());
      plain.ws.move_statistics(plain.registry);
    }
  }
  const std::string expected = statistics(plain.registry);
  BOOST_TEST((expected != start));
  int tried = 0;
  for (const RuleEntry& rule : catalog().entries()) {
    if (!supported(s, rule) || rule.name == "forward_forward") continue;  // which sees labels in the input
    std::map<std::string, std::string> given{{"lr", "0"}};
    for (const OptionSpec& o : rule.options) {
      if (o.name.ends_with("-epochs")) given[o.name] = "0";  // passes besides the main one
    }
    const auto trainer = s.trainer(rule, given);
    train(*trainer, 2);
    BOOST_TEST((statistics(trainer->registry()) == expected), rule.name);
    ++tried;
  }
  BOOST_TEST(tried >= 15);
}

BOOST_AUTO_TEST_CASE(measuring_and_predicting_leave_them_alone) {
  const Setting s = with_norms("batch_norm");
  for (const char* rule : {"backprop", "dtp", "forward_forward"}) {
    const auto trainer = s.trainer(catalog().at(rule));
    const std::string start = statistics(trainer->registry());
    train(*trainer, 0);  // the measurements of epoch 0
    trainer->evaluate_test();
    BOOST_TEST((statistics(trainer->registry()) == start), rule);
    train(*trainer, 1);
    BOOST_TEST((statistics(trainer->registry()) != start), rule);
  }
}

BOOST_AUTO_TEST_CASE(checkpoints_hold_them) {
  const Setting s = with_norms("batch_norm");
  for (const char* rule : {"backprop", "dtp", "forward_forward"}) {
    const RuleEntry& entry = catalog().at(rule);
    const auto whole = s.trainer(entry);
    train(*whole, 2);
    const auto cbor = nlohmann::json::to_cbor(whole->state());
    const std::string at_two = statistics(whole->registry());
    train(*whole, 4);
    const auto resumed = s.trainer(entry);
    resumed->restore(nlohmann::json::from_cbor(cbor));
    BOOST_TEST((statistics(resumed->registry()) == at_two), rule);
    train(*resumed, 4);
    BOOST_TEST((timeless(resumed->state()) == timeless(whole->state())), rule);
  }
}

BOOST_AUTO_TEST_CASE(predictions_use_them_and_do_not_depend_on_the_batch_around) {
  const Setting s = with_norms("batch_norm");
  for (const RuleEntry& rule : catalog().entries()) {
    if (!supported(s, rule)) continue;
    Bench bench(s.graph(), s.loss, rule);
    const auto predict = [&](Index first, Index count) {
      BatchBuffer buffer(s.data, count);
      const auto ids =
          std::span(s.split.train).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
      Matrix scores(3, count);
      bench.rule->predict(bench.model, buffer.gather(s.data.train, ids), bench.ws, mut_view(scores));
      return scores;
    };
    BOOST_TEST_CONTEXT(rule.name) {
      for (const char* norm : {"n1", "n2"}) {
        bench.value(cat(norm, ".mean")).setConstant(Scalar(0.3));
        bench.value(cat(norm, ".variance")).setConstant(Scalar(0.7));
      }
      const Matrix all = predict(0, 20), alone = predict(4, 1);
      BOOST_TEST((alone - all.col(4)).norm() < 1e-5 * alone.norm());
      bench.value("n2.variance") *= 2;
      BOOST_TEST((predict(4, 1) - alone).norm() > 1e-3 * alone.norm());
    }
  }
}

BOOST_AUTO_TEST_CASE(the_number_of_threads_does_not_show) {
  const testing::EightThreads eight;
  Setting s({.features = 40, .classes = 3, .clusters = 2, .train = 330, .test = 30}, 20, {200, 150});
  s.train.batch = 150;
  s.edit = [](GraphSpec& spec) { normalise_hidden(spec, "batch_norm"); };
  for (const char* rule : {"backprop", "dfa", "dtp"}) {
    const auto trained = [&] {
      const auto trainer = s.trainer(catalog().at(rule));
      train(*trainer, 2);
      return bytes(trainer->registry());
    };
    const std::string reference = trained();
    for (const int threads : {1, 2, 3, 8}) {
      with_threads(threads, [&] { BOOST_TEST((trained() == reference), rule << ", " << threads << " threads"); });
    }
  }
}

BOOST_AUTO_TEST_CASE(a_last_batch_of_one_example_is_refused_with_the_node) {
  Setting s = with_norms("batch_norm");
  s.train.batch = 59;  // of 60
  const auto trainer = s.trainer(catalog().at("backprop"));
  train(*trainer, 0);
  BOOST_CHECK_EXCEPTION(trainer->next_epoch(), UsageError, says({"batch_norm", "'n1'", "--batch"}));
}

// An example's Jacobian is not its own where a layer normalises over the batch.
BOOST_AUTO_TEST_CASE(no_gauss_newton_step_through_a_batch) {
  for (const char* type : {"batch_norm", "layer_norm"}) {
    const Setting s = with_norms(type);
    const auto trainer = s.trainer(catalog().at("backprop"));
    train(*trainer, 0);
    for (const double degrees : trainer->layer_metrics()[0].angle_to_gauss_newton) {
      BOOST_TEST(std::isnan(degrees) == (std::string(type) == "batch_norm"));
    }
    for (const double degrees : trainer->layer_metrics()[0].angle_to_backprop) BOOST_TEST(degrees == 0);
  }
}
