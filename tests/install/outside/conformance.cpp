#include "tests/conformance/conformance.hpp"

#include "parts.hpp"

// Only what is new here: what Strata brings is tested there.
int main(int argc, char** argv) {
  strata::cli::Program program;
  program.rules.add(outside::noisy_feedback());
  program.layers.add(outside::softsign());
  program.datasets.add(outside::rings());
  return strata::conformance::main(argc, argv, program);
}
