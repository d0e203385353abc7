// A rule's options: each kind, ranges, guesses; how they and the optimizers' are resolved; the catalog of rules.
#include <boost/test/unit_test.hpp>

#include "framework/core/errors.hpp"
#include "framework/learning/catalog.hpp"
#include "tests/support/says.hpp"

using namespace strata;
using strata::testing::says;

namespace {

const std::vector<OptionSpec> specs = {real_option("step", 2.876e-4, 1e-6, 2, "a number"),
                                       integer_option("epochs", 3, 0, 10, "a whole number"),
                                       flag_option("noisy", true, "a flag"),
                                       choice_option("init", "zeros", {"zeros", "normal", "uniform"}, "a choice"),
                                       {"note", OptionSpec::Kind::text, "none", "any text"}};

Options with(const std::string& name, const std::string& value) { return {"dtp", specs, {{name, value}}}; }

/// A rule that does nothing, with one option and two groups.
class Nothing final : public LearningRule {
  void compute(const Phase&, const Ctx&, const Model&, const Batch&, Workspace&, GradSink&) const override {}
};

RuleEntry entry(const std::string& name = "some") {
  RuleEntry e;
  e.name = name;
  e.options = {real_option("sigma", 0.25, 0, 1, "noise")};
  e.optimizers = {{"forward", adam(1e-4, 0.8, 0.95, 1e-7)}, {"inverse", default_optimizer("momentum")}};
  e.make = [](const Options&) { return std::make_unique<Nothing>(); };
  return e;
}

}  // namespace

BOOST_AUTO_TEST_CASE(defaults_are_read_back_typed) {
  const Options o("dtp", specs, {});
  BOOST_TEST(o.real("step") == 2.876e-4);
  BOOST_TEST(o.integer("epochs") == 3);
  BOOST_TEST(o.flag("noisy"));
  BOOST_TEST(o.text("init") == "zeros");
  BOOST_TEST(o.text("note") == "none");
  BOOST_TEST(o.json().dump() == R"({"step":0.0002876,"epochs":3,"noisy":true,"init":"zeros","note":"none"})");
}

BOOST_AUTO_TEST_CASE(good_values) {
  for (const auto& [text, value] : std::map<std::string, double>{{"1e-6", 1e-6}, {"2", 2}, {"0.5", 0.5}, {".5", 0.5}}) {
    BOOST_TEST(with("step", text).real("step") == value);
  }
  BOOST_TEST(with("epochs", "0").integer("epochs") == 0);
  BOOST_TEST(with("epochs", "10").integer("epochs") == 10);
  for (const char* yes : {"true", "1", "on", "yes"}) BOOST_TEST(with("noisy", yes).flag("noisy"));
  for (const char* no : {"false", "0", "off", "no"}) BOOST_TEST(!with("noisy", no).flag("noisy"));
  BOOST_TEST(with("init", "uniform").text("init") == "uniform");
  BOOST_TEST(with("note", "anything, really").text("note") == "anything, really");
}

BOOST_AUTO_TEST_CASE(bad_values_are_named_with_what_was_expected) {
  const std::map<std::string, std::vector<std::string>> bad = {
      {"step", {"nan", "NaN", "inf", "-inf", "1e999", "", " 1", "1 ", "0x1", "1,5", "one", "9e-7", "2.0001", "-1"}},
      {"epochs", {"-1", "11", "3.0", "3.5", "1e1", "", "nan", "99999999999999999999", "three"}},
      {"noisy", {"", "True", "2", "maybe"}},
      {"init", {"", "Zeros", "normal "}}};
  for (const auto& [name, values] : bad) {
    for (const std::string& value : values) {
      BOOST_TEST_CONTEXT(name << " '" << value << "'") {
        const std::string expected = name == "init" ? "known: zeros, normal, uniform" : "expected";
        BOOST_CHECK_EXCEPTION(with(name, value), UsageError, says({"--dtp." + name, value, expected}));
      }
    }
  }
  BOOST_CHECK_EXCEPTION(with("step", "3"), UsageError, says({"--dtp.step = 3", "from 1e-06 to 2"}));
  BOOST_CHECK_EXCEPTION(with("init", "norml"), UsageError, says({"'norml'", "did you mean 'normal'"}));
}

BOOST_AUTO_TEST_CASE(an_option_nobody_declared) {
  BOOST_CHECK_EXCEPTION(with("epoch", "3"), UsageError,
                        says({"--dtp.epoch", "did you mean 'epochs'", "step, epochs, noisy, init, note"}));
  BOOST_CHECK_THROW(with("", "3"), UsageError);
}

BOOST_AUTO_TEST_CASE(a_rules_author_asking_for_another_kind_is_told) {
  const Options o("dtp", specs, {});
  BOOST_CHECK_THROW(o.real("sigma"), std::logic_error);
  BOOST_CHECK_THROW(o.real("epochs"), std::logic_error);
  BOOST_CHECK_THROW(o.integer("step"), std::logic_error);
  BOOST_CHECK_THROW(o.flag("step"), std::logic_error);
  BOOST_CHECK_THROW(o.text("noisy"), std::logic_error);
  BOOST_CHECK_THROW(o.real("init"), std::logic_error);
}

BOOST_AUTO_TEST_CASE(nothing_given_means_the_entrys_own) {
  const ResolvedRule r = resolve(entry(), {});
  BOOST_TEST(r.options.real("sigma") == 0.25);
  BOOST_TEST((r.optimizers == entry().optimizers));
}

BOOST_AUTO_TEST_CASE(each_group_has_its_optimizers_options) {
  std::vector<std::string> names;
  for (const OptionSpec& o : optimizer_options(entry())) names.push_back(o.name);
  const std::vector<std::string> of_forward = {"optimizer", "lr",      "momentum", "beta1",
                                               "beta2",     "epsilon", "alpha",    "weight-decay"};
  std::vector<std::string> expected = of_forward;
  for (const std::string& name : of_forward) expected.push_back("inverse-" + name);
  BOOST_TEST((names == expected));

  const ResolvedRule r = resolve(
      entry(),
      {{"sigma", "0.5"}, {"lr", "0.3"}, {"beta2", "0.5"}, {"weight-decay", "0.1"}, {"inverse-momentum", "0.3"}});
  BOOST_TEST(r.options.real("sigma") == 0.5);
  OptimizerSpec forward = adam(0.3, 0.8, 0.5, 1e-7);
  forward.weight_decay = 0.1;
  OptimizerSpec inverse = default_optimizer("momentum");
  inverse.momentum = 0.3;
  BOOST_TEST((r.optimizers[0].second == forward));
  BOOST_TEST((r.optimizers[1].second == inverse));
}

BOOST_AUTO_TEST_CASE(another_optimizer_brings_its_own_defaults_but_lr) {
  OptimizerSpec rmsprop = default_optimizer("rmsprop");
  rmsprop.lr = 1e-4;
  ResolvedRule r = resolve(entry(), {{"optimizer", "rmsprop"}});
  BOOST_TEST((r.optimizers[0].second == rmsprop));
  BOOST_TEST((r.optimizers[1] == entry().optimizers[1]));
  rmsprop.lr = 0.5;
  rmsprop.alpha = 0.7;
  r = resolve(entry(), {{"optimizer", "rmsprop"}, {"lr", "0.5"}, {"alpha", "0.7"}});
  BOOST_TEST((r.optimizers[0].second == rmsprop));
  // Named or not, the entry's own optimizer keeps the entry's values.
  BOOST_TEST((resolve(entry(), {{"optimizer", "adam"}}).optimizers == entry().optimizers));
  r = resolve(entry(), {{"inverse-optimizer", "sgd"}});
  BOOST_TEST((r.optimizers[0] == entry().optimizers[0]));
  BOOST_TEST(r.optimizers[1].second.name == "sgd");
  BOOST_TEST(r.optimizers[1].second.momentum == 0);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_resolved) {
  const auto refused = [](const std::map<std::string, std::string>& given, std::vector<std::string> parts) {
    BOOST_CHECK_EXCEPTION(resolve(entry(), given), UsageError, says(std::move(parts)));
  };
  refused({{"sigm", "0.5"}}, {"--some.sigm", "did you mean 'sigma'", "inverse-weight-decay"});
  refused({{"feedback-lr", "0.5"}}, {"--some.feedback-lr"});
  refused({{"sigma", "2"}}, {"--some.sigma = 2", "from 0 to 1"});
  refused({{"lr", "nan"}}, {"--some.lr", "nan"});
  refused({{"lr", "-1"}}, {"--some.lr = -1"});
  refused({{"optimizer", "adma"}}, {"--some.optimizer", "did you mean 'adam'"});
  // Declared, but this optimizer does not read it.
  refused({{"momentum", "0.9"}}, {"adam", "momentum = 0.9"});
  refused({{"optimizer", "sgd"}, {"beta1", "0.5"}}, {"sgd", "beta1 = 0.5"});
  refused({{"inverse-alpha", "0.5"}}, {"momentum", "alpha = 0.5"});
}

BOOST_AUTO_TEST_CASE(a_catalog_keeps_the_order_and_guesses) {
  Catalog catalog;
  for (const char* name : {"backprop", "dtp", "fa"}) catalog.add(entry(name));
  BOOST_CHECK_EXCEPTION(catalog.add(entry("dtp")), UsageError, says({"'dtp'", "already"}));
  BOOST_TEST(catalog.entries().size() == 3U);
  BOOST_TEST(catalog.entries()[1].name == "dtp");
  BOOST_TEST(catalog.at("fa").name == "fa");
  BOOST_CHECK_EXCEPTION(catalog.at("backprob"), UsageError,
                        says({"unknown rule 'backprob'", "did you mean 'backprop'", "backprop, dtp, fa"}));
}
