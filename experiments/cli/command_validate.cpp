#include <cstdio>
#include <iostream>

#include "experiments/cli/commands.hpp"
#include "experiments/cli/run_reader.hpp"
#include "framework/core/errors.hpp"

namespace strata::cli {
namespace {

int validate(const Program& program, const Arguments& arguments) {
  std::vector<std::string> files;
  parse_values({}, {}, arguments, &files);
  if (files.empty()) throw UsageError("validate: expected one or more run files");
  std::string first_fault;
  for (const std::string& file : files) {
    try {
      const std::string found = program.reader->describe(file);
      std::cout << file << ": good: " << found << '\n';
    } catch (const Error& e) {
      if (files.size() == 1) throw;
      std::cout << file << ": bad\n";
      std::fprintf(stderr, "strata: %s\n", e.what());
      if (first_fault.empty()) first_fault = file;
    }
  }
  return first_fault.empty() ? 0 : 2;
}

}  // namespace

Command validate_command() {
  return {.name = "validate",
          .summary = "check run files",
          .usage = "FILE…",
          .about = {"Checks run files, and trials.h5 of a search: schema, groups, dimension scales, that all can be "
                    "read. Exit 2 if one is bad."},
          .groups = {},
          .words = {.files = "*.h5"},
          .see = {"files"},
          .call = validate};
}

}  // namespace strata::cli
