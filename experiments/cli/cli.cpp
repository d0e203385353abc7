#include "experiments/cli/cli.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <new>

#include "datasets/hdf5.hpp"
#include "experiments/cli/build_info.hpp"
#include "experiments/cli/commands.hpp"
#include "experiments/cli/help.hpp"
#include "experiments/cli/memory.hpp"
#include "experiments/cli/run_reader.hpp"
#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"
#include "rules/builtin.hpp"

namespace strata::cli {
namespace {

// One line, whatever the message holds.
int complain(const std::string& message, int code) {
  std::string line = "strata: " + message;
  for (char& c : line) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  std::fprintf(stderr, "%s\n", line.c_str());
  return code;
}

int dispatch(const Program& program, Arguments arguments) {
  if (arguments.empty()) {
    std::cout << help_text(program, "");
    return 2;
  }
  const std::string name = arguments[0];
  arguments.erase(arguments.begin());
  if (name == "--version") {
    const BuildInfo info = build_info();
    std::cout << "strata " << info.version << " (" << info.git_commit.substr(0, 12)
              << (info.git_dirty ? "+changes" : "") << ", " << info.compiler << ", "
              << (sizeof(Scalar) == 4 ? "float32" : "float64") << ")\n";
    return 0;
  }
  if (name == "--help" || name == "-h") return help_command().call(program, {});
  for (const Command& command : commands()) {
    if (command.name != name) continue;
    for (const std::string& a : arguments) {
      if (a == "--help" || a == "-h") return help_command().call(program, {name});
    }
    return command.call(program, arguments);
  }
  throw UsageError(unknown_name("command", name, names_in(commands())));
}

// Data may be as large as memory: what a file claims beyond its own length is refused before it is read.
ChildWalker::Limits limits_of_data() {
  ChildWalker::Limits limits;
  const double available = available_memory();
  if (std::isfinite(available)) limits.bytes = std::max(limits.bytes, static_cast<std::size_t>(available));
  return limits;
}

}  // namespace

Program builtin_program() { return {builtin_catalog(), builtin_layers(), builtin_datasets(), nullptr, {}}; }

const std::vector<Command>& commands() {
  static const std::vector<Command> all = {
      run_command(),       compare_command(),    tune_command(),   collect_command(), report_command(),
      attribute_command(), attack_command(),     export_command(), import_command(),  list_command(),
      validate_command(),  completion_command(), help_command()};
  return all;
}

int main(int argc, const char* const* argv, const Program& program) {
  try {
    const RunReader reader;
    const ChildWalker data_walker([](const std::filesystem::path& file) { return load_hdf5_dataset(file).checksum; },
                                  limits_of_data());
    Program complete = program;
    complete.reader = &reader;
    complete.check_hdf5_data = [&](const std::string& path) { data_walker(path); };
    const int code = dispatch(complete, Arguments(argv + std::min(argc, 1), argv + argc));
    std::cout.flush();
    if (!std::cout) return complain("standard output: cannot be written", 1);
    return code;
  } catch (const InputError& e) {
    return complain(e.what(), 2);
  } catch (const std::bad_alloc&) {
    return complain("out of memory: try a smaller --batch, smaller layers or fewer --threads", 1);
  } catch (const std::exception& e) {
    return complain(e.what(), 1);
  }
}

}  // namespace strata::cli
