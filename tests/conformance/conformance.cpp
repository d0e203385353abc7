#include "tests/conformance/conformance.hpp"

#include <filesystem>

#include "tests/conformance/suites.hpp"

namespace strata::conformance {

int main(int argc, char** argv, const cli::Program& program) {
  auto& all = boost::unit_test::framework::master_test_suite();
  all.p_name.value = argc > 0 ? std::filesystem::path(argv[0]).filename().string() : "conformance";
  all.add(rule_suite(program.rules.entries()));
  all.add(thread_suite(program.rules.entries()));
  all.add(layer_suite(program.layers.entries()));
  all.add(dataset_suite(program.datasets.entries()));
  const auto init = [] { return true; };
  return boost::unit_test::unit_test_main(+init, argc, argv);
}

}  // namespace strata::conformance
