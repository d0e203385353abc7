// The same bits for any number of threads, through the whole program: histories and all weights of every rule.
#include <boost/test/unit_test.hpp>

#include "framework/io/run_file.hpp"
#include "tests/cli/program.hpp"

using namespace strata::testing;

namespace {

// Wide enough that its products are cut in several tiles; the last batch is smaller.
const std::string net = " --dataset clusters --hidden 300x2 --batch 240 --epochs 2 --save-weights last --out ";

}  // namespace

BOOST_AUTO_TEST_CASE(of_a_run) {
  for (const std::string rule : {"backprop", "dtp"}) {
    const Scratch in;
    for (const std::string threads : {"1", "2", "3", "8"}) {
      const Outcome o = call(in, "run --rule " + rule + net + threads + " --threads " + threads);
      BOOST_REQUIRE_MESSAGE(o.code == 0, o.err);
      const auto record = strata::read_run_file(only_run(in / threads), true);
      BOOST_TEST(record.provenance.at("threads") == std::stoi(threads));
      BOOST_TEST(record.weights.size() >= 6U);
      BOOST_TEST(difference(only_run(in / threads), only_run(in / "1")) == "", rule << " on " << threads);
    }
  }
}

BOOST_AUTO_TEST_CASE(of_a_grid) {
  const Scratch in;
  for (const std::string threads : {"1", "4"}) {
    const Outcome o = call(in, "compare --seeds 2" + net + threads + " --threads " + threads);
    BOOST_REQUIRE_MESSAGE(o.code == 0, o.err);
  }
  const auto one = run_files(in / "1"), four = run_files(in / "4");
  BOOST_REQUIRE(one.size() == 10U);  // all rules of the default
  BOOST_REQUIRE(four.size() == one.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    BOOST_TEST(one[i].filename() == four[i].filename());
    BOOST_TEST(difference(one[i], four[i]) == "", one[i].filename());
  }
}
