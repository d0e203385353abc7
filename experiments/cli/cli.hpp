// The program as a library: a program outside the tree is the same with rules, layers and data sets of its own.
//
//   int main(int argc, char** argv) {
//     auto program = strata::cli::builtin_program();
//     program.rules.add(my_rule());
//     return strata::cli::main(argc, argv, program);
//   }
#pragma once

#include <functional>
#include <string>

#include "datasets/datasets.hpp"
#include "framework/layers/catalog.hpp"
#include "framework/learning/catalog.hpp"

namespace strata::cli {

class RunReader;

/// What a program knows.
struct Program {
  Catalog rules;
  LayerCatalog layers;
  DatasetCatalog datasets;
  const RunReader* reader = nullptr;  ///< main() sets it, before any thread starts
  /// Loads an HDF5 data set in a child process, to see whether it can be. main() sets it too.
  std::function<void(const std::string& path)> check_hdf5_data = {};
};

/// Everything that comes with Strata.
Program builtin_program();

/// Runs a command line. Results go to stdout, progress and errors to stderr. Never throws. Returns the exit code:
/// 0 ok, 1 runtime error, 2 usage or bad input, 3 some runs failed, 130 and 143 interrupted by SIGINT and SIGTERM.
int main(int argc, const char* const* argv, const Program& program);

}  // namespace strata::cli
