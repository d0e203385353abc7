#include <map>
#include <sstream>

#include "experiments/cli/commands.hpp"
#include "experiments/cli/completion.hpp"
#include "experiments/cli/help.hpp"
#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"

namespace strata::cli {
namespace {

// What does not depend on the tables. All of it works on `cur`, the word under the cursor.
constexpr const char* functions = R"sh(
# Offers the words of $1 that begin with the word under the cursor; of a list with commas ($2), with its last item.
_strata_names() {
  local head= last=$cur name
  if [[ -n ${2-} && $cur == *,* ]]; then head=${cur%,*}, last=${cur##*,}; fi
  for name in $1; do
    if [[ $name == "$last"* && ,$head != *",$name,"* ]]; then COMPREPLY+=("$head$name"); fi
  done
  # A comma may follow, and so may more of a name that ends like this.
  if [[ -n ${2-} || ${COMPREPLY[0]-} == *[.:] ]]; then compopt -o nospace 2>/dev/null; fi
}

# Offers folders, and files whose names are like $1.
_strata_files() {
  local head= last=$cur file
  if [[ -n ${2-} && $cur == *,* ]]; then head=${cur%,*}, last=${cur##*,}; fi
  compopt -o filenames 2>/dev/null
  while IFS= read -r file; do
    if [[ -d ${file/#\~/$HOME} || $file == $1 ]]; then COMPREPLY+=("$head$file"); fi
  done < <(compgen -f -- "$last")
}

# Offers those options of $1 that are not on the line yet; with $2, the names of rules, those of each of them too.
_strata_options() {
  local option options=$1 rule given=" ${COMP_WORDS[*]:1:COMP_CWORD-1} "
  for rule in ${2//,/ }; do
    if [[ $cur == --$rule.* ]]; then options+=" $(_strata_rule_options "$rule")"; else options+=" --$rule."; fi
  done
  for option in $options; do
    if [[ $option == "$cur"* && $given != *" $option "* ]]; then COMPREPLY+=("$option"); fi
  done
  if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *. ]]; then compopt -o nospace 2>/dev/null; fi
}
)sh";

std::string quoted_words(const std::vector<std::string>& words) { return cat("'", join(words, " "), "'"); }

// What offers a value of this kind; "" where nothing is known of it.
std::string offer(const Known& known, bool list, const Program& program) {
  std::string text;
  const char* const commas = list ? " list" : "";
  if (const auto names = names_of(known, program); !names.empty()) {
    std::string words = quoted_words(names);
    if (known.rules) words = cat("\"", join(known.names, " "), known.names.empty() ? "" : " ", "$rules\"");
    text = cat("_strata_names ", words, commas);
  }
  if (!known.files.empty()) {
    if (!text.empty()) text.append("; ");
    text += cat("_strata_files '", known.files, "'", commas);
  }
  return text;
}

// "--a|--b) offer ;;" for all options that take a value, those with the same offer together.
std::string cases(const std::vector<OptionDef>& options, const Program& program, const std::string& indent) {
  std::vector<std::string> offers;
  std::map<std::string, std::vector<std::string>> by_offer;
  for (const OptionDef& o : options) {
    if (o.value.empty()) continue;
    const std::string text = offer(o.known, o.is_list(), program);
    if (!by_offer.contains(text)) offers.push_back(text);
    by_offer[text].push_back("--" + o.name);
  }
  std::string out;
  for (const std::string& text : offers) {
    out += cat(indent, join(by_offer[text], "|"), ")\n", indent, "  ", text.empty() ? "" : text + "; ", "return ;;\n");
  }
  return out;
}

std::string names_with_dashes(const std::vector<OptionDef>& options) {
  std::vector<std::string> names;
  for (const OptionDef& o : options) names.push_back("--" + o.name);
  return join(names, " ");
}

std::vector<OptionDef> all_options_of(const RuleEntry& rule) {
  auto all = own_options(rule);
  for (OptionDef& o : optimizer_option_defs(rule)) all.push_back(std::move(o));
  return all;
}

// The options whose value names the rules that are trained (--except has no fallback), and the rules where none is given.
std::string rules_on_the_line(const Command& command) {
  std::string fallback;
  std::vector<std::string> options;
  for (const OptionDef& o : flat(command.groups)) {
    if (!o.known.rules || o.fallback.empty()) continue;
    options.push_back("--" + o.name);
    fallback = o.fallback;
  }
  return cat("      named='", fallback,
             "'\n      for ((i = 2; i < COMP_CWORD; ++i)); do\n        case ${COMP_WORDS[i]} in ",
             options.empty() ? "''" : join(options, "|"), ") named=${COMP_WORDS[i + 1]} ;; esac\n",
             "        case $named in =) named=${COMP_WORDS[i + 2]-} ;; all) named=$rules ;; esac\n      done\n");
}

}  // namespace

std::string bash_completion(const Program& program) {
  std::vector<OptionDef> dotted;
  for (const RuleEntry& rule : program.rules.entries()) {
    for (OptionDef& o : all_options_of(rule)) dotted.push_back(std::move(o));
  }

  std::ostringstream out;
  out << "# bash completion for strata(1), written by `strata completion bash`.\n" << functions;
  out << "\n_strata_rule_options() {\n  case $1 in\n";
  for (const RuleEntry& rule : program.rules.entries()) {
    out << "    " << rule.name << ") echo '" << names_with_dashes(all_options_of(rule)) << "' ;;\n";
  }
  out << "  esac\n}\n\n_strata_rule_value() {\n  case $1 in\n" << cases(dotted, program, "    ") << "  esac\n}\n";

  out << "\n_strata() {\n"
         "  local cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}\n"
         "  local rules="
      << quoted_words(names_in(program.rules.entries()))
      << " named= i\n"
         "  COMPREPLY=()\n"
         "  # --name=value is three words, the second of them =.\n"
         "  if [[ $cur == = ]]; then cur=; elif [[ $option == = ]]; then option=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
         "  if ((COMP_CWORD == 1)); then\n"
         "    _strata_names "
      << quoted_words(names_in(commands()))
      << "\n    if [[ $cur == -* ]]; then _strata_names '--help --version'; fi\n    return\n  fi\n"
         "  case $option in --*.*) _strata_rule_value \"$option\"; return ;; esac\n"
         "  case $command in\n";
  for (const Command& c : commands()) {
    const auto options = flat(c.groups);
    out << "    " << c.name << ")\n";
    if (const std::string values = cases(options, program, "        "); !values.empty()) {
      out << "      case $option in\n" << values << "      esac\n";
    }
    const std::string words = offer(c.words, false, program);
    if (!words.empty()) out << "      if [[ $cur != -* ]]; then " << words << "; return; fi\n";
    if (c.rule_options) out << rules_on_the_line(c);
    out << "      _strata_options '" << names_with_dashes(options) << (options.empty() ? "" : " ")
        << "--help' \"$named\" ;;\n";
  }
  out << "  esac\n}\ncomplete -F _strata strata\n";
  return out.str();
}

}  // namespace strata::cli
