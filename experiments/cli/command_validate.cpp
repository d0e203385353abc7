#include <cstdio>
#include <iostream>

#include "experiments/cli/commands.hpp"
#include "framework/core/errors.hpp"
#include "framework/io/run_file.hpp"

namespace strata::cli {

int validate_command(const Program&, const Arguments& arguments) {
  std::vector<std::string> files;
  parse_values({}, {}, arguments, &files);
  if (files.empty()) throw UsageError("validate: expected one or more run files");
  std::string first_fault;
  for (const std::string& file : files) {
    try {
      const RunFileInfo info = validate_run_file(file);
      std::cout << file << ": good: " << info.status << ", " << info.rule << " on " << info.network << " and "
                << info.dataset << ", seed " << info.seed << ", " << info.epochs << " epochs, " << info.layers
                << " layers, " << info.weights << " weight matrices\n";
    } catch (const Error& e) {
      if (files.size() == 1) throw;
      std::cout << file << ": bad\n";
      std::fprintf(stderr, "strata: %s\n", e.what());
      if (first_fault.empty()) first_fault = file;
    }
  }
  return first_fault.empty() ? 0 : 2;
}

}  // namespace strata::cli
