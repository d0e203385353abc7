#include <algorithm>
#include <iostream>
#include <sstream>

#include "experiments/cli/commands.hpp"
#include "experiments/cli/plan.hpp"
#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"

namespace strata::cli {
namespace {

constexpr const char* exit_codes =
    "Exit codes: 0 ok, 1 runtime error, 2 usage or bad input, 3 some runs failed or diverged, 130/143 interrupted.\n";

std::string overview() {
  std::ostringstream out;
  out << "strata: train a network under different learning rules, and see what each does to it.\n\nUsage: strata "
         "COMMAND "
         "[OPTIONS]\n\n";
  std::vector<std::vector<std::string>> rows;
  for (const Command& c : commands()) rows.push_back({"  " + c.name, c.summary});
  out << aligned({"Commands", ""}, rows);
  out << "\nExamples:\n"
         "  strata compare --rules backprop,frozen,fa,dfa,dtp --seeds 3 --epochs 10\n"
         "  strata run --rule fa --hidden 128x3 --skip 1:3 --activation relu --seed 7 --out my-runs\n"
         "  strata help compare       the options of a command\n"
         "  strata help dtp           a rule, its options and their defaults\n\n"
      << exit_codes;
  return out.str();
}

std::string training_help(const Program& program, const std::string& name, const std::vector<OptionDef>& own) {
  std::ostringstream out;
  out << "Usage: strata " << name << " [OPTIONS]\n\n"
      << (name == "run"
              ? "Trains one network under one rule with one seed, into one HDF5 file.\n"
              : "Trains every rule on every network with every seed, each run into an HDF5 file of its own; prints a\n"
                "table, writes summary.h5 and summary.csv.\n")
      << "The same command again goes on where it stopped and skips what is finished; more --epochs extend finished "
         "runs.\n"
         "Ctrl-C saves and leaves.\n\n"
      << describe(own) << "\nNetwork:\n"
      << describe(network_options()) << "\nTraining:\n"
      << describe(training_options()) << "\nData:\n"
      << describe(data_options()) << "\nAnalysis of the hierarchy:\n"
      << describe(analysis_options())
      << "\nA rule's own options are written --RULE.OPTION VALUE, for example --dtp.sigma 0.3; `strata help RULE` "
         "lists them.\n"
         "An INI file (--config) holds the same options as lines NAME = VALUE, a rule's in a section [RULE], and "
         "further\n"
         "networks in sections [network.NAME] with network options; the command line wins.\n"
         "A graph file (--network FILE.json) describes any acyclic network; --print-graph of `run` shows the "
         "format.\n\n"
         "Rules:";
  std::size_t width = 6;
  for (const RuleEntry& e : program.rules.entries()) {
    const bool last = &e == &program.rules.entries().back();
    if (width + e.name.size() > 110) {
      out << "\n      ";
      width = 6;
    }
    out << ' ' << e.name << (last ? "" : ",");
    width += e.name.size() + 2;
  }
  out << '\n' << exit_codes;
  return out.str();
}

std::string rule_help(const RuleEntry& rule) {
  std::ostringstream out;
  out << rule.name << " (" << rule.family << "): " << rule.summary << "\n  " << rule.citation << '\n';
  if (!rule.needs.empty()) out << "  Needs: " << rule.needs << '\n';
  if (!rule.checked.empty()) out << "  Checked against: " << rule.checked << '\n';
  if (!rule.numbers.empty()) out << "  Reaches: " << rule.numbers << '\n';
  out << '\n';
  const auto table = [&](const std::vector<OptionSpec>& specs) {
    std::vector<OptionDef> defs;
    for (const OptionSpec& o : specs) {
      std::string help = o.help;
      if (!o.choices.empty()) help += ": " + join(o.choices);
      defs.push_back({rule.name + "." + o.name, o.fallback, "VALUE", help});
    }
    return describe(defs);
  };
  if (!rule.options.empty()) out << "Options:\n" << table(rule.options) << '\n';
  out << "Optimizers, with defaults that are good for the default network (what an optimizer does not read must "
         "stay):\n"
      << table(optimizer_options(rule));
  return out.str();
}

}  // namespace

std::string help_text(const Program& program, const std::string& topic) {
  if (topic.empty()) return overview();
  if (topic == "run") return training_help(program, topic, run_options());
  if (topic == "compare") return training_help(program, topic, compare_options());
  if (topic == "collect") {
    return cat(
        "Usage: strata collect [OPTIONS]\n\nWrites summary.h5 and summary.csv over all finished runs of a folder, and "
        "prints "
        "their table.\nFiles that cannot be read are named and left out (exit 3).\n\n",
        describe(collect_options()));
  }
  if (topic == "report") {
    return cat(
        "Usage: strata report [DIR] [OPTIONS]\n\nDraws the finished runs of a folder (strata-out): one HTML page that "
        "needs "
        "nothing else, and its pictures as SVG\nfiles. Accuracy, gradient and hierarchy, each with intervals over "
        "seeds and beside "
        "its null. Files that cannot be\nread are named and left out (exit 3).\n\n",
        describe(report_options()));
  }
  if (topic == "attribute") {
    return cat(
        "Usage: strata attribute FILE [OPTIONS]\n\nAnalyses the weights in a run's file: what its neurons depend on, "
        "whether "
        "that lies in the layer just\nbefore, and what that share would be before training, with permuted weights, and "
        "by layer "
        "sizes alone.\n\n",
        describe(attribute_options()),
        "\nExamples:\n  strata attribute strata-out/runs/RUN.h5 --query h4:17,h5:3 --ablate\n"
        "  strata attribute RUN.h5 --examples 1000 --k 10 --out run-attribution.h5\n"
        "  strata attribute RUN.h5 --against OTHER.h5 --permuted 0\n");
  }
  if (topic == "list") {
    return cat("Usage: strata list rules|datasets|layers|optimizers|losses|initializers [OPTIONS]\n\n",
               describe(list_options()));
  }
  if (topic == "validate") {
    return "Usage: strata validate FILE…\n\nChecks run files: schema, groups, dimension scales, that all can be read. "
           "Exit 2 if one "
           "is bad.\n";
  }
  if (topic == "help") return "Usage: strata help [COMMAND|RULE]\n";
  std::vector<std::string> known;
  for (const Command& c : commands()) known.push_back(c.name);
  for (const RuleEntry& e : program.rules.entries()) {
    if (e.name == topic) return rule_help(e);
    known.push_back(e.name);
  }
  throw UsageError(unknown_name("topic", topic, known));
}

int help_command(const Program& program, const Arguments& arguments) {
  if (arguments.size() > 1) throw UsageError(cat("help: stray word '", arguments[1], "'; expected one topic"));
  std::cout << help_text(program, arguments.empty() ? "" : arguments[0]);
  return 0;
}

}  // namespace strata::cli
