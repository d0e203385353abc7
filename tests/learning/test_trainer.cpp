// The training loop: what it visits, measures, keeps and refuses, and that nothing but training moves parameters.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <set>

#include "rules/builtin.hpp"
#include "tests/support/learning.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// 60 examples to learn from and 20 to validate, 6 features, 3 classes; batches of 32 and 28.
Setting small() { return {{.features = 6, .classes = 3, .clusters = 2, .train = 80, .test = 30}, 20, {7, 5}}; }

const Catalog& catalog() {
  static const Catalog all = builtin_catalog();
  return all;
}
const RuleEntry& builtin(const std::string& name) { return catalog().at(name); }

/// Does nothing but write down what it was given.
class Recorder final : public LearningRule {
 public:
  struct Seen {
    std::vector<std::vector<Index>> batches;
    std::vector<std::uint64_t> steps;
  };
  explicit Recorder(Seen& seen) : seen_(seen) {}
  void compute(const Phase&, const Ctx& ctx, const Model& m, const Batch& batch, Workspace& ws,
               GradSink&) const override {
    output_error(ctx, m, batch, ws.acts(), ws.deltas());
    if (!ctx.update_stats) return;  // a measurement
    seen_.batches.emplace_back(batch.ids.begin(), batch.ids.end());
    seen_.steps.push_back(ctx.step);
  }

 private:
  Seen& seen_;
};

/// The parameters after two epochs.
std::string trained(const Setting& s, const RuleEntry& rule) {
  const auto trainer = s.trainer(rule, {{"lr", "0.01"}});
  train(*trainer, 2);
  return bytes(trainer->registry());
}

/// Trains until it diverges, at most 50 epochs, and checks that the histories are whole.
void check_divergence(Trainer& trainer) {
  train(trainer, 0);
  const double before = trainer.training()[0].train_loss;
  BOOST_CHECK_EXCEPTION(train(trainer, 50), DivergedError, says({"became non-finite in epoch "}));
  BOOST_TEST(trainer.training()[0].train_loss == before);
  BOOST_TEST(trainer.training().size() == trainer.layer_metrics().size());
  BOOST_TEST(static_cast<int>(trainer.training().size()) == trainer.epoch() + 1);
  for (std::size_t e = 0; e + 1 < trainer.training().size(); ++e) {
    BOOST_TEST(std::isfinite(trainer.training()[e].train_loss));
  }
  BOOST_TEST(trainer.best_epoch() >= 0);
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_epoch_goes_through_all_examples_and_keeps_the_smaller_last_batch) {
  const Setting s = small();
  Recorder::Seen seen;
  const auto trainer = s.trainer(std::make_unique<Recorder>(seen), {{"forward", default_optimizer("sgd")}});
  BOOST_TEST(trainer->epoch() == -1);
  trainer->next_epoch();
  BOOST_TEST(trainer->epoch() == 0);
  BOOST_TEST(seen.batches.empty());  // epoch 0 is before training
  train(*trainer, 2);
  BOOST_TEST(trainer->steps_per_epoch() == 2U);
  BOOST_TEST(trainer->steps_in_epoch() == 0U);  // none is under way
  BOOST_TEST((seen.steps == std::vector<std::uint64_t>{0, 1, 2, 3}));
  BOOST_REQUIRE(seen.batches.size() == 4U);
  for (std::size_t epoch = 0; epoch < 2; ++epoch) {
    std::vector<Index> visited = seen.batches[2 * epoch];
    BOOST_TEST(visited.size() == 32U);
    visited.insert(visited.end(), seen.batches[2 * epoch + 1].begin(), seen.batches[2 * epoch + 1].end());
    BOOST_TEST((visited == epoch_order(s.split.train, 1, static_cast<int>(epoch))));
  }
}

BOOST_AUTO_TEST_CASE(measuring_moves_no_parameter) {
  Setting s = small();
  s.net.dropout = 0.2;
  for (const RuleEntry& rule : catalog().entries()) {
    s.train.probe_examples = 16;
    const std::string few = trained(s, rule);
    s.train.probe_examples = 57;
    BOOST_TEST_CONTEXT(rule.name) { BOOST_TEST((trained(s, rule) == few)); }
  }
}

BOOST_AUTO_TEST_CASE(clipping_at_infinity_changes_no_byte_and_clipping_below_does) {
  for (const RuleEntry& rule : catalog().entries()) {
    Setting s = small();
    const std::string off = trained(s, rule);
    BOOST_TEST_CONTEXT(rule.name) {
      s.train.clip_norm = infinity;
      BOOST_TEST((trained(s, rule) == off));
      s.train.clip_value = infinity;
      BOOST_TEST((trained(s, rule) == off));
      s.train.clip_value = 1e-6;
      BOOST_TEST((trained(s, rule) != off));
      s.train.clip_value = 0;
      s.train.clip_norm = 1e-6;
      BOOST_TEST((trained(s, rule) != off));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_seed_gives_the_same_run_and_another_seed_another) {
  Setting s = small();
  const std::string one = trained(s, builtin("dtp"));
  BOOST_TEST((trained(s, builtin("dtp")) == one));
  s.train.seed = 2;
  BOOST_TEST((trained(s, builtin("dtp")) != one));
}

BOOST_AUTO_TEST_CASE(rules_share_initial_weights) {
  const Setting s = small();
  const std::string backprop = bytes(s.trainer(builtin("backprop"))->registry(), "forward");
  for (const RuleEntry& rule : catalog().entries()) {
    BOOST_TEST((bytes(s.trainer(rule)->registry(), "forward") == backprop), rule.name);
  }
}

BOOST_AUTO_TEST_CASE(a_run_may_start_from_the_values_of_another) {
  Setting s = small();
  s.train.seed = 1;
  const auto first = s.trainer(builtin("fa"));
  train(*first, 2);
  StartingValues values;
  for (const NamedMatrix& w : first->weights(Trainer::Which::last)) values[w.name] = w.value;
  values["feedback/logits.weight"].resize(1, 1);  // of another shape: drawn
  s.train.seed = 2;
  const auto drawn = s.trainer(builtin("fa"));
  s.train.start = std::make_shared<const StartingValues>(values);
  const auto second = s.trainer(builtin("fa"));
  for (ParamId id = 0; id < second->registry().size(); ++id) {
    const Parameter& p = second->registry()[id];
    BOOST_TEST_CONTEXT(p.name) {
      const Trainer& expected = p.name == "feedback/logits.weight" ? *drawn : *first;
      BOOST_TEST((p.value == expected.registry().value(id)));
    }
  }
  // What a rule makes of the weights before training is made of these.
  const auto signs = s.trainer(builtin("usf"));
  const Registry& r = signs->registry();
  BOOST_TEST(
      (r.value(r.find("feedback/h2.weight")).array().sign() == r.value(r.find("h2.weight")).array().sign()).all());
}

BOOST_AUTO_TEST_CASE(the_best_epoch_is_the_earliest_of_the_highest_validation_accuracy) {
  const Setting s = small();
  const auto still = s.trainer(builtin("backprop"), {{"lr", "0"}});
  train(*still, 3);
  BOOST_TEST(still->best_epoch() == 0);  // all the same

  const auto trainer = s.trainer(builtin("backprop"), {{"lr", "0.03"}});
  BOOST_TEST(trainer->best_epoch() == -1);
  std::vector<double> accuracies;
  int ties = 0;
  std::vector<std::string> weights;
  for (int e = 0; e <= 40; ++e) {
    trainer->next_epoch();
    const double accuracy = trainer->training().back().validation_accuracy;
    ties += e > 0 && accuracy == *std::max_element(accuracies.begin(), accuracies.end());
    accuracies.push_back(accuracy);
    weights.push_back(bytes(trainer->registry()));
    const auto best = std::max_element(accuracies.begin(), accuracies.end()) - accuracies.begin();
    BOOST_TEST(trainer->best_epoch() == best);
    std::string kept;
    for (const NamedMatrix& m : trainer->weights(Trainer::Which::best)) kept += m.name + bytes(m.value);
    BOOST_TEST((kept == weights[static_cast<std::size_t>(best)]));
  }
  BOOST_TEST(ties > 0, "no tie: the test shows nothing");
  BOOST_TEST(trainer->best_epoch() < 40);
  BOOST_TEST((weights.back() != weights[static_cast<std::size_t>(trainer->best_epoch())]));
}

BOOST_AUTO_TEST_CASE(the_test_set_is_read_at_the_best_and_the_last_epoch_alone) {
  const Setting s = small();
  const auto trainer = s.trainer(builtin("backprop"), {{"lr", "0.03"}});
  train(*trainer, 20);
  for (const EpochMetrics& row : trainer->training()) BOOST_TEST(std::isnan(row.test_accuracy));
  const std::string before = bytes(trainer->registry());
  trainer->evaluate_test();
  BOOST_TEST((bytes(trainer->registry()) == before));
  BOOST_REQUIRE(trainer->best_epoch() < 20);
  std::set<int> tested;
  for (const EpochMetrics& row : trainer->training()) {
    if (!std::isnan(row.test_loss) && !std::isnan(row.test_accuracy)) tested.insert(row.epoch);
  }
  BOOST_TEST((tested == std::set<int>{trainer->best_epoch(), 20}));
  const double at_best = trainer->training()[static_cast<std::size_t>(trainer->best_epoch())].test_loss;
  const double at_last = trainer->training().back().test_loss;

  // A run that ends at the best epoch tests the same weights; longer training moves the last test on.
  const auto shorter = s.trainer(builtin("backprop"), {{"lr", "0.03"}});
  train(*shorter, trainer->best_epoch());
  shorter->evaluate_test();
  BOOST_TEST(shorter->training().back().test_loss == at_best);
  BOOST_TEST(at_best != at_last);
  trainer->next_epoch();
  trainer->evaluate_test();
  BOOST_TEST(std::isnan(trainer->training()[20].test_loss));
  BOOST_TEST(!std::isnan(trainer->training()[21].test_loss));
}

BOOST_AUTO_TEST_CASE(a_huge_learning_rate_ends_as_diverged_and_says_where) {
  Setting s = small();
  s.net.activation = "identity";
  s.loss = "squared_error";
  check_divergence(*s.trainer(builtin("backprop"), {{"optimizer", "sgd"}, {"lr", "1e6"}}));
}

BOOST_AUTO_TEST_CASE(any_rule_whose_numbers_overflow_has_diverged) {
  Setting s = small();
  s.net.activation = "relu";
  for (const RuleEntry& rule : catalog().entries()) {
    if (!rule.make(resolve(rule, {}).options)->unsupported(s.graph(), *make_loss(s.loss)).empty()) continue;
    const auto trainer = s.trainer(rule);
    trainer->next_epoch();
    for (const ParamId id : trainer->registry().group("forward")) trainer->registry().value(id) *= Scalar(1e30);
    BOOST_TEST_CONTEXT(rule.name) { check_divergence(*trainer); }
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_finite_is_named_with_its_step) {
  for (const double clip : {0.0, 0.1}) {
    Setting s = small();
    s.train.clip_value = clip;
    const auto trainer = s.trainer(builtin("backprop"));
    train(*trainer, 1);
    trainer->registry().value(trainer->registry().find("h2.weight"))(0, 0) = std::numeric_limits<Scalar>::quiet_NaN();
    BOOST_CHECK_EXCEPTION(trainer->next_epoch(), DivergedError,
                          says({clip > 0 ? "the gradient of " : "", "'h1.weight'", "epoch 2, step 2"}));
    BOOST_TEST(trainer->epoch() == 1);
    BOOST_TEST(trainer->training().size() == 2U);
  }
}

// Caught at the step that made it so, not at the next one's gradient.
BOOST_AUTO_TEST_CASE(a_weight_that_overflows_is_named) {
  Setting s = small();
  s.data.train.x *= Scalar(1e17);  // gradients of about 1e34, steps of 1e40
  s.net.activation = "identity";
  s.loss = "squared_error";
  const auto trainer = s.trainer(builtin("backprop"), {{"optimizer", "sgd"}, {"lr", "1e6"}});
  train(*trainer, 0);
  BOOST_CHECK_EXCEPTION(trainer->next_epoch(), DivergedError, says({"became non-finite in epoch 1, step 0"}));
}

BOOST_AUTO_TEST_CASE(data_that_are_not_finite_are_refused) {
  for (const Scalar bad : {std::numeric_limits<Scalar>::quiet_NaN(), -std::numeric_limits<Scalar>::infinity()}) {
    Setting s = small();
    s.data.train.x(2, 7) = bad;
    BOOST_CHECK_EXCEPTION(s.trainer(builtin("backprop")), DataError, says({"feature 2", "training example 7"}));
    s.data.train.x(2, 7) = 0;
    s.data.test.x(0, 1) = bad;
    BOOST_CHECK_EXCEPTION(s.trainer(builtin("backprop")), DataError, says({"feature 0", "test example 1"}));
  }
}

BOOST_AUTO_TEST_CASE(a_stopped_run_goes_on_from_its_last_epoch_as_if_nothing_had_been) {
  const Setting s = small();
  for (const RuleEntry& rule : catalog().entries()) {
    BOOST_TEST_CONTEXT(rule.name) {
      const auto whole = s.trainer(rule);
      train(*whole, 3);
      const auto stopped = s.trainer(rule);
      train(*stopped, 1);
      const auto checkpoint = stopped->state();
      int asked = 0;
      BOOST_CHECK_THROW(stopped->next_epoch([&] { return ++asked == 2; }), Stopped);
      BOOST_TEST(asked == 2);
      BOOST_TEST(stopped->epoch() == 1);
      BOOST_TEST(stopped->steps_in_epoch() == 1U);
      BOOST_TEST(stopped->training().size() == 2U);
      stopped->restore(checkpoint);
      train(*stopped, 3);
      BOOST_TEST((timeless(stopped->state()) == timeless(whole->state())));
    }
  }
}

// Everything that training depends on, with dropout, momentum and moments in mid-run, through the checkpoint's format.
BOOST_AUTO_TEST_CASE(a_restored_run_continues_to_the_same_bytes) {
  Setting s = small();
  s.net.dropout = 0.2;
  s.train.schedule = parse_schedule("step:2:0.5");
  for (const RuleEntry& rule : catalog().entries()) {
    std::map<std::string, std::string> given;
    for (const OptionSpec& o : rule.options) {
      if (o.name.ends_with("-epochs")) given[o.name] = "1";  // passes besides the main one
    }
    for (const std::string optimizer : {"", "nesterov", "rmsprop"}) {
      if (!optimizer.empty()) given["optimizer"] = optimizer;
      BOOST_TEST_CONTEXT(rule.name << " " << optimizer) {
        for (const int at : {-1, 0, 2}) {
          const auto whole = s.trainer(rule, given);
          train(*whole, at);
          const auto cbor = nlohmann::json::to_cbor(whole->state());
          train(*whole, 4);
          whole->evaluate_test();
          const auto second = s.trainer(rule, given);
          second->restore(nlohmann::json::from_cbor(cbor));
          BOOST_TEST(second->epoch() == at);
          train(*second, 4);
          second->evaluate_test();
          BOOST_TEST((timeless(second->state()) == timeless(whole->state())), "from epoch " << at);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_state_of_something_else_is_refused) {
  Setting s = small();
  const auto trainer = s.trainer(builtin("fa"));
  train(*trainer, 1);
  const auto state = trainer->state();
  BOOST_CHECK_THROW(s.trainer(builtin("backprop"))->restore(state), DataError);
  BOOST_CHECK_THROW(s.trainer(builtin("dfa"))->restore(state), DataError);
  BOOST_CHECK_THROW(s.trainer(builtin("fa"), {{"optimizer", "sgd"}})->restore(state), DataError);
  for (const char* key : {"parameters", "groups", "best_values", "epoch", "passes", "training", "rule"}) {
    auto lacking = state;
    lacking.erase(key);
    BOOST_CHECK_THROW(s.trainer(builtin("fa"))->restore(lacking), DataError);
  }
  s.net.hidden = {8, 5};
  BOOST_CHECK_EXCEPTION(s.trainer(builtin("fa"))->restore(state), DataError, says({"h1.weight", "7 × 6", "8 × 6"}));
}

BOOST_AUTO_TEST_CASE(the_schedule_counts_epochs_of_training) {
  Setting s = small();
  s.train.schedule = parse_schedule("step:2:1e-30");
  const auto trainer = s.trainer(builtin("dtp"), {{"pretrain-epochs", "2"}, {"extra-inverse-epochs", "1"}});
  train(*trainer, 0);
  BOOST_TEST(trainer->steps_per_epoch() == 8U);  // of the first epoch: four walks of two batches
  train(*trainer, 1);
  BOOST_TEST(trainer->steps_per_epoch() == 4U);
  train(*trainer, 3);
  const auto& rows = trainer->layer_metrics();
  for (std::size_t layer = 0; layer < 3; ++layer) {
    BOOST_TEST(std::isnan(rows[0].update_norm[layer]));
    BOOST_TEST(rows[1].update_norm[layer] > 0);
    BOOST_TEST(rows[2].update_norm[layer] > 0);
    BOOST_TEST(rows[3].update_norm[layer] < 1e-20);
  }
}

BOOST_AUTO_TEST_CASE(measures_of_backprop_against_itself) {
  const Setting s = small();
  const auto trainer = s.trainer(builtin("backprop"));
  train(*trainer, 1);
  for (const LayerMetrics& row : trainer->layer_metrics()) {
    BOOST_REQUIRE(row.angle_to_backprop.size() == 3U);
    for (std::size_t layer = 0; layer < 3; ++layer) {
      BOOST_TEST(row.angle_to_backprop[layer] == 0);
      BOOST_TEST(row.grad_norm[layer] == row.backprop_norm[layer]);
      BOOST_TEST(row.grad_norm[layer] > 0);
    }
  }
  // Forward, weight gradient, and the way back through all but the first layer, for a batch of 32.
  const double forward = 6 * 7 + 7 * 5 + 5 * 3;
  BOOST_TEST(trainer->multiply_adds_per_step() == 32 * (3 * forward - 6 * 7));
  // An epoch has 60 examples, each of its evaluations those of validation.
  const auto& training = trainer->training();
  BOOST_TEST(training[0].train_multiply_adds == 0);
  BOOST_TEST(training[1].train_multiply_adds == 60 * (3 * forward - 6 * 7));
  BOOST_TEST(training[1].validation_multiply_adds == static_cast<double>(s.split.validation.size()) * forward);
  BOOST_TEST(std::isnan(training[1].test_multiply_adds));
}

// What runs once ahead of the first epoch is paid for by the first epoch.
BOOST_AUTO_TEST_CASE(pretraining_counts_in_multiply_adds) {
  const Setting s = small();
  const auto trainer = s.trainer(builtin("dtpdrl"));
  train(*trainer, 3);
  const auto& training = trainer->training();
  BOOST_TEST(training[1].train_multiply_adds > 1.5 * training[2].train_multiply_adds);
  BOOST_TEST(training[2].train_multiply_adds > 0);
  BOOST_TEST(training[3].train_multiply_adds == training[2].train_multiply_adds);
}

BOOST_AUTO_TEST_CASE(settings_that_make_no_sense) {
  const auto refused = [](const Setting& s, std::vector<std::string> parts) {
    BOOST_CHECK_EXCEPTION(s.trainer(builtin("backprop")), UsageError, says(std::move(parts)));
  };
  Setting s = small();
  s.train.batch = 61;
  refused(s, {"--batch 61", "1 to 60"});
  s.train.batch = 0;
  refused(s, {"--batch 0", "1 to 60"});
  s.train.batch = 60;
  BOOST_CHECK_NO_THROW(s.trainer(builtin("backprop")));

  const RuleEntry& dtp = builtin("dtp");
  const ResolvedRule resolved = resolve(dtp, {});
  BOOST_CHECK_EXCEPTION(s.trainer(dtp.make(resolved.options), {resolved.optimizers[0]}), UsageError,
                        says({"'inverse'", "no optimizer"}));
}

BOOST_AUTO_TEST_CASE(nets_that_do_not_fit_the_data_or_the_rule) {
  Setting s = small();
  s.net.outputs = 4;
  BOOST_CHECK_EXCEPTION(s.trainer(builtin("fa")), ShapeError, says({"'logits'", "[4]", "3 classes"}));
  s = small();
  s.net.input = {7};
  BOOST_CHECK_EXCEPTION(s.trainer(builtin("fa")), ShapeError, says({"[7]", "[6]"}));

  class Picky final : public LearningRule {
    std::string unsupported(const Graph&, const Loss& loss) const override { return "not under " + loss.name(); }
    void compute(const Phase&, const Ctx&, const Model&, const Batch&, Workspace&, GradSink&) const override {}
  };
  BOOST_CHECK_EXCEPTION(small().trainer(std::make_unique<Picky>(), {{"forward", default_optimizer("sgd")}}),
                        UnsupportedError, says({"not under cross_entropy"}));
}
