// A page of help as text for a terminal.
#include <algorithm>

#include "experiments/cli/help.hpp"
#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"

namespace strata::cli {
namespace {

constexpr std::size_t widest_term = 36;  // a wider one has a line of its own

std::string term_of(const Definition& d) { return d.value.empty() ? d.term : cat(d.term, " ", d.value); }

std::string text_of(const Paragraph& paragraph, std::size_t width) {
  std::string out;
  for (const std::string& line : wrapped(paragraph.text, width)) out += line + "\n";
  return out;
}

std::string text_of(const Definitions& list, std::size_t width) {
  std::size_t left = 0;
  for (const Definition& d : list.items) {
    if (columns_of(term_of(d)) <= widest_term) left = std::max(left, columns_of(term_of(d)));
  }
  const std::string gap(left + 4, ' ');
  std::string out;
  for (const Definition& d : list.items) {
    std::string line = cat("  ", term_of(d));
    for (const std::string& part : wrapped(d.text, std::max<std::size_t>(width, gap.size() + 24) - gap.size())) {
      if (columns_of(line) + 2 > gap.size()) {
        out += line + "\n";
        line.clear();
      }
      out += cat(line, std::string(gap.size() - columns_of(line), ' '), part, "\n");
      line.clear();
    }
    if (!line.empty()) out += line + "\n";
  }
  return out;
}

std::string text_of(const Verbatim& verbatim, std::size_t) {
  std::string out;
  for (const std::string& line : verbatim.lines) out += cat(line.empty() ? "" : "  ", line, "\n");
  return out;
}

}  // namespace

std::string to_text(const Page& page, std::size_t width) {
  std::string out;
  for (const Section& section : page) {
    if (!out.empty()) out += '\n';
    const bool prose = !section.blocks.empty() && std::holds_alternative<Paragraph>(section.blocks[0]);
    if (!section.title.empty()) out += cat(section.title, prose ? "\n\n" : ":\n");
    bool first = true, after_list = false;
    for (const Block& block : section.blocks) {
      const bool list = std::holds_alternative<Definitions>(block);
      if (!first && !(list && after_list)) out += '\n';
      out += std::visit([&](const auto& b) { return text_of(b, width); }, block);
      first = false;
      after_list = list;
    }
  }
  return out;
}

Definitions defined(const std::vector<OptionDef>& options) {
  Definitions list;
  for (const OptionDef& o : options) {
    const bool shown = !o.fallback.empty() && !o.value.empty();
    list.items.push_back({"--" + o.name, o.value, shown ? cat(o.help, " (", o.fallback, ")") : o.help});
  }
  return list;
}

}  // namespace strata::cli
