#include "parts.hpp"

strata::cli::Program outside::program() {
  auto program = strata::cli::builtin_program();
  program.rules.add(noisy_feedback());
  program.layers.add(softsign());
  program.datasets.add(rings());
  return program;
}
