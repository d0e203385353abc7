// Rules from outside that throw, return what is not finite or break the interface: named, and the others go on.
#include <boost/test/unit_test.hpp>

#include "tests/cli/program.hpp"

using namespace strata::testing;

namespace {

const Start broken{.program = STRATA_BROKEN_RULES};
const std::string tiny = " --dataset clusters --hidden 6x2 --batch 64 --epochs 2 --quiet --out out";

struct Case {
  std::string rule;
  int code;  ///< of `run`
  Words says;
};
const std::vector<Case> cases = {
    {"throws", 1, {"rule throws: a slip of mine"}},
    {"throws_a_number", 1, {"rule throws_a_number: ", "no std::exception"}},
    {"not_finite", 3, {"rule not_finite: 'h1.weight' became non-finite in epoch 1, step"}},
    {"odd_shape", 1, {"rule odd_shape: gradient of 'h1.weight': got 3 × 3, expected 6 × 16"}},
    {"odd_signal", 1, {"rule odd_signal: ", "'logits': got 3 × 3, expected 4 × "}},
    {"no_such_parameter", 1, {"rule no_such_parameter: gradient of parameter 1000: expected 0 to 5"}},
    {"no_such_alias", 1, {"rule no_such_alias: gradient of parameter -7"}},
    {"no_such_node", 1, {"rule no_such_node: ", "node 99"}},
    {"other_groups", 1, {"rule other_groups: group 'nobody's': no optimizer"}},
    {"no_forward_phase", 1, {"rule no_forward_phase: ", "no phase that steps the group 'forward'"}},
    {"throws_early", 2, {"rule throws_early cannot train", "lost my way"}},
    {"nothing", 2, {"rule nothing cannot train", "makes no rule"}},
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_run_says_which_rule_and_what) {
  for (const Case& c : cases) {
    BOOST_TEST_CONTEXT(c.rule) {
      const Scratch in;
      const Outcome o = call(in, "run --rule " + c.rule + tiny, broken);
      BOOST_TEST(!o.killed);
      BOOST_TEST(o.code == (c.code == 1 ? 3 : c.code), o.err);
      for (const std::string& part : c.says)
        BOOST_TEST(contains(o.out + o.err, part), part << " is not in " << o.out << o.err);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_others_of_a_comparison_go_on) {
  const Scratch in;
  std::string rules = "backprop";
  for (const Case& c : cases) rules += "," + c.rule;
  const Outcome o = call(in, "compare --seeds 1 --rules " + rules + ",fa" + tiny, broken);
  BOOST_TEST(o.code == 3, o.err);
  for (const Case& c : cases) BOOST_TEST(contains(o.out, "\n" + c.rule + " "), c.rule);
  BOOST_TEST(run_files(in / "out").size() == 3U);  // backprop, fa, and the one that diverged
  for (const char* good : {"backprop-mlp-s0", "fa-mlp-s0"}) {
    BOOST_TEST(contains(run_files(in / "out")[good[0] == 'b' ? 0 : 1].string(), good));
  }
  BOOST_TEST(lines(o.err).size() <= cases.size() + 1);
}
