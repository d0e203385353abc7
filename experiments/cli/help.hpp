// What the program says of itself: pages of paragraphs, lists and examples, from which both the text of `strata help` and
// the man page are made.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "experiments/cli/commands.hpp"

namespace strata::cli {

/// Text to be wrapped. What stands in `backticks` is to be typed as it is.
struct Paragraph {
  std::string text;
};
/// A list of things with what they mean.
struct Definition {
  std::string term, value, text;  ///< "--hidden", "WIDTHS", "hidden layers …"
};
struct Definitions {
  std::vector<Definition> items;
};
/// Lines that stay as they are.
struct Verbatim {
  std::vector<std::string> lines;
};
using Block = std::variant<Paragraph, Definitions, Verbatim>;

struct Section {
  std::string title;  ///< "" for none
  std::vector<Block> blocks;
};
using Page = std::vector<Section>;

/// For a terminal: lines of at most `width` columns, verbatim ones aside.
std::string to_text(const Page& page, std::size_t width);
/// Blocks in the language of man(7), with groff's names of characters: ASCII alone, lines below 80 columns.
std::string to_roff(const std::vector<Block>& blocks);
/// Text as an argument or a line of man(7): nothing in it is taken for a request or an escape.
std::string roff_escaped(const std::string& text);

/// A topic of the help that is neither a command nor an entry of a catalog.
struct Topic {
  std::string name, title, summary;  ///< "exit-codes", "Exit status", "what the program's exit code says"
  std::vector<Block> blocks;
};
std::vector<Topic> topics(const Program& program);

/// Everything `strata help` knows: commands, topics, rules, layers, data sets, optimizers.
std::vector<std::string> topic_names(const Program& program);

/// The names that a value can be, the program's own included.
std::vector<std::string> names_of(const Known& known, const Program& program);

/// A table of options; those of a rule as "--RULE.OPTION".
Definitions defined(const std::vector<OptionDef>& options);
/// A rule's own options, and those of its optimizers.
std::vector<OptionDef> own_options(const RuleEntry& rule);
std::vector<OptionDef> optimizer_option_defs(const RuleEntry& rule);

/// What `strata help TOPIC` prints; "" for the overview. Throws UsageError on an unknown one.
std::string help_text(const Program& program, const std::string& topic, std::size_t width = 100);

/// strata(1).
std::string man_page(const Program& program);

}  // namespace strata::cli
