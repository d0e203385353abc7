#include "experiments/cli/train_options.hpp"

#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata::cli {
namespace {

const std::vector<std::string> weights_kept = {"none", "best", "last"};

SaveWeights save_weights(const std::string& text) {
  if (text == "none") return SaveWeights::none;
  if (text == "best") return SaveWeights::best;
  if (text == "last") return SaveWeights::last;
  throw UsageError(cat("--save-weights: ", unknown_name("value", text, weights_kept)));
}

std::string quoted(const std::string& argument) {
  const bool plain = !argument.empty() && argument.find_first_of(" \t\n\"'\\$&|;<>()*?[]{}`~#!") == std::string::npos;
  return plain ? argument : cat("'", argument, "'");
}

}  // namespace

std::vector<OptionDef> session_options(const std::string& out, bool weights) {
  std::vector<OptionDef> session = {
      {"out", out, "DIR", "where results go: a new folder, an empty one, or one of strata's", {.files = "/"}},
      threads_option(),
      {"config", "", "FILE", "an INI file with options; the command line wins", {.files = "*.ini"}},
      {"allow-other-binary", "", "", "go on with runs that another build of strata began"},
      {"dry-run", "", "", "say what would be trained, and how large it is; write nothing"},
      {"json", "", "", "print results as JSON"},
      {"quiet", "", "", "no progress"}};
  if (weights) {
    session.insert(session.begin() + 2, {"save-weights",
                                         "best",
                                         "WHICH",
                                         "none, best (epoch) or last: weights in the run files",
                                         {.names = weights_kept}});
  }
  return session;
}

std::string command_line(const std::string& command, const std::vector<std::string>& arguments) {
  std::string line = "strata " + command;
  for (const std::string& a : arguments) line += cat(" ", quoted(a));
  return line;
}

OptionDef threads_option() { return {"threads", "0", "N", "threads in all; 0 = as many as there are cores"}; }

int threads_of(const Values& values) {
  const auto threads = static_cast<int>(values.integer("threads", 0, 1024));
  return threads == 0 ? hardware_threads() : threads;
}

OptionDef rules_option() {
  return {"rules",
          "backprop,frozen,fa,dfa,dtp",
          "NAME,…",
          "see `strata list rules`; or all",
          {.names = {"all"}, .rules = true}};
}

OptionDef except_option() {
  return {
      "except", "", "RULE,…", "not these; in a [network.NAME] of the INI file: not on that network", {.rules = true}};
}

OptionDef network_option() {
  return {"network",
          "mlp",
          "NAME",
          "mlp, a [network.NAME] of the INI file, or a graph file FILE.json",
          {.names = {"mlp"}, .files = "*.json"}};
}

OptionDef networks_option() {
  return {"networks", "", "NAME,…", "several networks instead of one", {.names = {"mlp"}, .files = "*.json"}};
}

std::vector<std::string> rules_of(const Program& program, const Values& values) {
  auto rules = values.list("rules");
  if (rules == std::vector<std::string>{"all"}) rules = names_in(program.rules.entries());
  const auto except = values.list("except");
  for (const std::string& rule : except) {
    program.rules.at(rule);
    std::erase(rules, rule);
  }
  if (rules.empty()) {
    throw UsageError(cat("--rules: expected one rule or more", except.empty() ? "" : " that --except does not name"));
  }
  return rules;
}

std::vector<std::string> networks_of(const Values& values) {
  if (values.given("network") && values.given("networks")) {
    throw UsageError("--network and --networks: expected one of them");
  }
  auto networks = values.list(values.given("networks") ? "networks" : "network");
  if (networks.empty()) throw UsageError("--networks: expected one network or more");
  return networks;
}

RunnerSettings runner_settings(const Values& values, const std::string& command,
                               const std::vector<std::string>& arguments) {
  RunnerSettings settings;
  settings.threads = threads_of(values);
  settings.save_weights =
      values.declares("save-weights") ? save_weights(values.text("save-weights")) : SaveWeights::none;
  settings.allow_other_binary = values.flag("allow-other-binary");
  settings.quiet = values.flag("quiet");
  settings.command_line = command_line(command, arguments);
  return settings;
}

}  // namespace strata::cli
