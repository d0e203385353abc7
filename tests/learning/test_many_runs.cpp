// Many runs in one process, with their files: memory stays what it was.
//
//   test_many_runs -- 1000      so many runs (default 200)
#include <malloc.h>

#include <boost/test/unit_test.hpp>

#include "framework/io/run_file.hpp"
#include "tests/support/builtin_rule.hpp"
#include "tests/support/count.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/learning.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

std::size_t in_use() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

}  // namespace

BOOST_AUTO_TEST_CASE(runs_leave_no_memory_behind) {
  const Setting s({.features = 11, .classes = 4, .clusters = 2, .train = 60, .test = 10}, 20, {9, 7});
  const Folder folder;
  const Catalog catalog = builtin_catalog();
  std::size_t before = 0;
  const int runs = count_or(200);
  constexpr int warm_up = 100;
  for (int i = 0; i < runs; ++i) {
    if (i == warm_up) before = in_use();
    const RuleEntry& rule = catalog.entries()[static_cast<std::size_t>(i) % catalog.entries().size()];
    const auto trainer = s.trainer(rule);
    train(*trainer, 1);
    trainer->evaluate_test();
    RunRecord record;
    record.status = "complete";
    for (const NodeId layer : trainer->graph().layers()) {
      record.layers.push_back(trainer->graph()[layer].name);
      record.layer_units.push_back(static_cast<std::int32_t>(trainer->graph()[layer].units));
      record.layer_depth.push_back(trainer->graph().depth(layer));
    }
    record.training = trainer->training();
    record.layer_metrics = trainer->layer_metrics();
    record.rule_metrics = trainer->rule_metrics();
    record.weights = trainer->weights(Trainer::Which::last);
    write_run_file(folder / "run.h5", record);
    BOOST_TEST(validate_run_file(folder / "run.h5").weights == record.weights.size());
  }
  const std::size_t after = in_use();
  BOOST_TEST_MESSAGE("after " << warm_up << " runs " << before << " bytes in use, after " << runs << " " << after);
  BOOST_TEST(after < before + (std::size_t{256} << 10));  // a run's own memory is 20 times that much
}
