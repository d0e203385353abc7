// strata(1), from the same pages as the help, in the language of man(7).
#include <algorithm>
#include <cstdio>
#include <sstream>

#include "experiments/cli/build_info.hpp"
#include "experiments/cli/help.hpp"
#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"

namespace strata::cli {
namespace {

constexpr std::size_t line_width = 72;  // of the source; escapes come on top

// The code point at `at`, which moves behind it.
unsigned code_point(const std::string& text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(at++);
  if (first < 0x80) return first;
  const int more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1;
  unsigned code = first & (0x3FU >> more);
  for (int i = 0; i < more; ++i) code = code << 6U | (byte(at++) & 0x3FU);
  return code;
}

// A word or a line; with `fonts`, backticks switch to bold and back.
std::string escaped(const std::string& text, bool fonts) {
  std::string out;
  bool bold = false;
  for (std::size_t at = 0; at < text.size();) {
    const unsigned code = code_point(text, at);
    switch (code) {
      case '\\': out += "\\e"; break;
      case '-': out += "\\-"; break;  // a minus can be copied to a command line, a hyphen cannot
      case '\'': out += "\\(aq"; break;
      case '"': out += "\\(dq"; break;
      case '^': out += "\\(ha"; break;
      case '~': out += "\\(ti"; break;
      case '`':
        if (fonts) {
          bold = !bold;
          out += bold ? "\\fB" : "\\fR";
        } else {
          out += "\\(ga";
        }
        break;
      default:
        if (code < 0x80) {
          out += static_cast<char>(code);
        } else {
          char name[16];
          std::snprintf(name, sizeof name, "\\[u%04X]", code);
          out += name;
        }
    }
  }
  return out;
}

// A dot at the beginning of a line would be a request.
std::string as_line(const std::string& text) { return (text.starts_with('.') ? "\\&" : "") + text + "\n"; }

// Broken by the length of the source.
std::string flowing(const std::string& text) {
  std::string out;
  for (const std::string& line : wrapped(escaped(text, true), line_width)) out += as_line(line);
  return out;
}

std::string roff_of(const Paragraph& paragraph) { return ".PP\n" + flowing(paragraph.text); }

std::string roff_of(const Definitions& list) {
  std::string out;
  for (const Definition& d : list.items) {
    out += cat(".TP\n", as_line(cat("\\fB", escaped(d.term, false), "\\fR",
                                    d.value.empty() ? "" : cat(" \\fI", escaped(d.value, false), "\\fR"))));
    out += flowing(d.text);
  }
  return out;
}

std::string roff_of(const Verbatim& verbatim) {
  std::string out = ".PP\n.RS 4\n.nf\n";
  for (const std::string& line : verbatim.lines) out += line.empty() ? ".sp\n" : as_line(escaped(line, false));
  return out + ".fi\n.RE\n";
}

std::string section(std::string title) {
  for (char& c : title) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return cat(".SH ", escaped(title, false), "\n");
}

std::string subsection(const std::string& title) { return cat(".SS ", escaped(title, false), "\n"); }

// The commands that take a group of options.
std::vector<std::string> takers(const OptionGroup& group) {
  std::vector<std::string> names;
  for (const Command& c : commands()) {
    if (std::find(c.groups.begin(), c.groups.end(), group) != c.groups.end()) names.push_back(c.name);
  }
  return names;
}

std::string command_roff(const Command& command, std::vector<OptionGroup>& shared) {
  std::string out = subsection(cat("strata ", command.name, " ", command.usage));
  for (const std::string& text : command.about) out += roff_of(Paragraph{text});
  std::vector<std::string> elsewhere;
  for (const OptionGroup& group : command.groups) {
    if (takers(group).size() < 2 || group.title.empty()) {
      if (!group.title.empty()) out += roff_of(Paragraph{group.title + ":"});
      out += roff_of(defined(group.options));
      continue;
    }
    elsewhere.push_back(group.title);
    add_missing(shared, group);
  }
  if (!elsewhere.empty()) {
    out += roff_of(Paragraph{cat("And the options of these groups below: ", join(elsewhere), ".")});
  }
  if (command.rule_options) out += roff_of(Paragraph{"And the rules' own options, `--RULE.OPTION`."});
  return out;
}

std::string rules_roff(const Program& program) {
  std::string out;
  for (const RuleEntry& rule : program.rules.entries()) {
    std::string text = cat(rule.summary, ".");
    if (rule.citation != "–") text += cat(" ", rule.citation, ".");
    if (!rule.needs.empty()) text += cat(" Needs: ", rule.needs, ".");
    out += roff_of(Definitions{{{rule.name, "", cat("(", rule.family, ") ", text)}}});
    if (!rule.options.empty()) out += cat(".RS\n", roff_of(defined(own_options(rule))), ".RE\n");
  }
  return out;
}

// A heading begins a paragraph of its own.
std::string without_idle_breaks(const std::string& page) {
  std::string out, line;
  bool heading = false;
  for (std::istringstream in(page); std::getline(in, line);) {
    if (heading && (line == ".PP" || line == ".br")) continue;
    heading = line.starts_with(".SH ") || line.starts_with(".SS ");
    out += line + "\n";
  }
  return out;
}

}  // namespace

std::string roff_escaped(const std::string& text) { return escaped(text, false); }

std::string to_roff(const std::vector<Block>& blocks) {
  std::string out;
  for (const Block& block : blocks) out += std::visit([](const auto& b) { return roff_of(b); }, block);
  return out;
}

std::string man_page(const Program& program) {
  const BuildInfo build = build_info();
  std::string out = cat(".\\\" Written by `strata help --man`.\n.TH STRATA 1 ", build.date, " \"strata ", build.version,
                        "\" \"User Commands\"\n");
  out += section("Name") + "strata \\- train a network under different learning rules\n";
  out += section("Synopsis");
  for (const Command& c : commands()) {
    out += cat(".br\n\\fBstrata ", escaped(c.name, false), "\\fR ", escaped(c.usage, false), "\n");
  }
  out += ".br\n\\fBstrata \\-\\-version\\fR\n";
  out += section("Description");
  out += flowing(
      "Trains one network under many learning rules, on the CPU, and shows what each rule does to the representations "
      "inside it. Layers, optimizers, data, measurements and files are shared, so that two rules differ in nothing but "
      "the "
      "rule.");
  out +=
      roff_of(Paragraph{"Options are written out, `--name value` or `--name=value`; lists have commas and no spaces. "
                        "In the lists of options, "
                        "defaults stand in parentheses."});
  out += section("Commands");
  std::vector<OptionGroup> shared;
  for (const Command& c : commands()) out += command_roff(c, shared);
  out += section("Options of several commands");
  for (const OptionGroup& group : shared) {
    out += cat(subsection(cat(group.title, " (", join(takers(group)), ")")), roff_of(defined(group.options)));
  }
  for (const Topic& topic : topics(program)) {
    if (topic.name == "topics") continue;
    out += section(topic.title);
    for (const Block& block : topic.blocks) {
      const bool rules = topic.name == "rules" && std::holds_alternative<Definitions>(block);
      out += rules ? rules_roff(program) : to_roff({block});  // in full instead of a line each
    }
  }
  out += section("Examples");
  for (const Command& c : commands()) {
    for (const Example& e : c.examples) {
      if (!e.text.empty()) out += roff_of(Paragraph{e.text + ":"});
      out += roff_of(Verbatim{{e.line}});
    }
  }
  return without_idle_breaks(out);
}

}  // namespace strata::cli
