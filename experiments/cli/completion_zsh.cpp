#include <sstream>

#include "experiments/cli/commands.hpp"
#include "experiments/cli/completion.hpp"
#include "experiments/cli/help.hpp"
#include "framework/core/errors.hpp"

namespace strata::cli {
namespace {

std::string with_backslashes(const std::string& text, const std::string& special) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != std::string::npos) out += '\\';
    out += c;
  }
  return out;
}

// In single quotes.
std::string single(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string zsh_files(const std::string& pattern) {
  if (pattern == "/") return "_files -/";
  return cat("_files -g \"", pattern, "\"");
}

// The action of an _arguments specification. One that begins with a space is called as it is, without options ahead.
std::string action(const Known& known, bool list, const Program& program) {
  const auto names = names_of(known, program);
  if (known.rules) {
    auto words = known.names;
    words.insert(words.begin(), list ? " _strata_rule_list" : " _strata_rules");
    return join(words, " ");
  }
  if (!names.empty() && !known.files.empty()) {
    return cat(" _alternative \"names\\:name\\:(", join(names, " "),
               ")\" \"files\\:file\\:", with_backslashes(zsh_files(known.files), "\":"), "\"");
  }
  if (!names.empty()) return list ? cat(" _values -s , name ", join(names, " ")) : cat("(", join(names, " "), ")");
  if (known.files.empty()) return "";
  return cat(list ? " _sequence " : "", zsh_files(known.files));
}

// "--name=[help]:VALUE:action"
std::string specification(const OptionDef& o, const Program& program) {
  const std::string help = with_backslashes(o.help, "[]\\");
  if (o.value.empty()) return single(cat("--", o.name, "[", help, "]"));
  return single(cat("--", o.name, "=[", help, "]:", with_backslashes(o.value, ":\\"), ":",
                    action(o.known, o.is_list(), program)));
}

// 'name:summary', as _describe takes them.
template <class Entries> std::string described(const Entries& entries) {
  std::string out;
  for (const auto& e : entries) out += cat("    ", single(cat(with_backslashes(e.name, ":\\"), ":", e.summary)), "\n");
  return out;
}

std::string command_function(const Command& command, const Program& program) {
  std::ostringstream out;
  out << "    " << command.name << ")\n      specs=(\n";
  std::string rule_options;
  for (const OptionDef& o : flat(command.groups)) {
    out << "        " << specification(o, program) << '\n';
    if (o.known.rules && !o.fallback.empty())
      rule_options = cat("      _strata_named_rules --", o.name, " ", o.fallback, "\n");
  }
  out << "        '(- *)--help[explain " << command.name << "]'\n";
  if (!(command.words == Known{})) {
    const std::string usage = command.usage.substr(0, command.usage.find(" ["));
    out << "        "
        << single(cat(command.one_word ? "1:" : "*:", with_backslashes(usage, ":\\[]"), ":",
                      action(command.words, false, program)))
        << '\n';
  }
  out << "      )\n" << (command.rule_options ? rule_options : "") << "      ;;\n";
  return out.str();
}

constexpr const char* zsh_functions = R"(
_strata_rules() {
  local -a rules more
  rules=( "${_strata_all_rules[@]}" )
  more=( "$@" )
  _describe -t rules rule rules -- more
}

# A list with commas.
_strata_rule_list() {
  local -a names
  names=( "$@" "${(@)_strata_all_rules%%:*}" )
  _values -s , rule $names
}

# Adds to specs the options of the rules that option $1 names on the line, or else of $2.
_strata_named_rules() {
  local rule named=$2
  local -i at=${words[(I)$1]} joined=${words[(I)$1=*]}
  if (( at )); then named=$words[at+1]; elif (( joined )); then named=${words[joined]#*=}; fi
  if [[ $named == all ]]; then named=${(j:,:)${_strata_all_rules%%:*}}; fi
  for rule in ${(s:,:)named}; do _strata_rule_options $rule; done
}
)";

}  // namespace

std::string zsh_completion(const Program& program) {
  std::ostringstream out;
  out << "#compdef strata\n# zsh completion for strata(1), written by `strata completion zsh`.\n\n"
         "typeset -ga _strata_all_rules\n_strata_all_rules=(\n"
      << described(program.rules.entries()) << ")\n"
      << zsh_functions << "\n_strata_rule_options() {\n  case $1 in\n";
  for (const RuleEntry& rule : program.rules.entries()) {
    out << "    " << rule.name << ") specs+=(\n";
    for (const auto& options : {own_options(rule), optimizer_option_defs(rule)}) {
      for (const OptionDef& o : options) out << "      " << specification(o, program) << '\n';
    }
    out << "    ) ;;\n";
  }
  out << "  esac\n}\n\n_strata() {\n  local curcontext=$curcontext state line\n  typeset -A opt_args\n"
         "  local -a specs commands\n"
         "  _arguments -C '(- *)--help[explain strata]' '(- *)--version[print the version]' '1:command:->command' "
         "'*::argument:->arguments' && return\n"
         "  case $state in\n  command)\n    commands=(\n"
      << described(commands())
      << "    )\n    _describe -t commands command commands\n    ;;\n  arguments)\n"
         "    curcontext=${curcontext%:*:*}:strata-$words[1]:\n    case $words[1] in\n";
  for (const Command& c : commands()) out << command_function(c, program);
  out << "    esac\n    _arguments $specs\n    ;;\n  esac\n}\n\n"
         "if [[ $funcstack[1] == _strata ]]; then _strata \"$@\"; else compdef _strata strata; fi\n";
  return out.str();
}

}  // namespace strata::cli
