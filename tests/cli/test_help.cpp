// What the program says of itself: every topic, every option; that examples in it are right.
#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "experiments/cli/completion.hpp"
#include "experiments/cli/help.hpp"
#include "experiments/cli/text.hpp"
#include "tests/cli/program.hpp"

using namespace strata::testing;
using namespace strata::cli;

namespace {

const Program& program() {
  static const Program all = builtin_program();
  return all;
}

Outcome good(const Scratch& in, const std::string& line) {
  Outcome o = call(in, line);
  BOOST_TEST_CONTEXT(line) { BOOST_REQUIRE_MESSAGE(o.code == 0, "exit " << o.code << ": " << o.err); }
  return o;
}

// The indented lines of a topic from the one that holds `first` on, without the indentation, up to one that is not.
std::string excerpt(const std::string& text, const std::string& first) {
  std::string out;
  for (const std::string& line : lines(text)) {
    if (out.empty() && !contains(line, first)) continue;
    if (!line.empty() && !line.starts_with("  ")) break;
    out += (line.empty() ? line : line.substr(2)) + "\n";
  }
  return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(overview) {
  const Scratch in;
  for (const std::string line : {"help", "--help", "-h"}) {
    const Outcome o = good(in, line);
    BOOST_TEST(o.err == "");
    for (const Command& c : commands()) BOOST_TEST(contains(o.out, "\n  " + c.name + " "), line);
    for (const Topic& t : topics(program())) BOOST_TEST(contains(o.out, "\n  " + t.name + " "), line);
  }
  const Outcome nothing = call(in, "");
  BOOST_TEST(nothing.code == 2);
  BOOST_TEST(contains(nothing.out + nothing.err, "Usage: strata COMMAND"));
  BOOST_TEST(tree(in.path()).empty());
}

BOOST_AUTO_TEST_CASE(commands_say_all_there_is_to_say) {
  const Scratch in;
  for (const Command& c : commands()) {
    BOOST_TEST_CONTEXT(c.name) {
      BOOST_TEST(!c.summary.empty());
      BOOST_TEST(!c.about.empty());
      BOOST_TEST(contains(c.usage, "OPTIONS") == !flat(c.groups).empty());
      BOOST_TEST((c.call != nullptr));
      const std::string text = help_text(program(), c.name);
      BOOST_TEST(text.starts_with("Usage: strata " + c.name + " " + c.usage + "\n"));
      for (const OptionDef& o : flat(c.groups)) {
        BOOST_TEST(contains(text, "\n  --" + o.name + (o.value.empty() ? "" : " " + o.value)), o.name);
        if (!o.value.empty() && !o.fallback.empty()) BOOST_TEST(contains(text, "(" + o.fallback + ")"), o.name);
        // What can be listed holds the default.
        const auto names = names_of(o.known, program());
        for (const std::string& item : split_text(o.fallback, ',')) {
          const bool listed = std::find(names.begin(), names.end(), item) != names.end();
          BOOST_TEST((names.empty() || listed), o.name << ": " << item);
        }
      }
      const auto known = topic_names(program());
      for (const std::string& topic : c.see)
        BOOST_TEST((std::find(known.begin(), known.end(), topic) != known.end()), topic);
      BOOST_TEST(good(in, c.name + " --help").out == text);
      BOOST_TEST(good(in, "help " + c.name).out == text);
    }
  }
}

BOOST_AUTO_TEST_CASE(topics_are_all_there) {
  const auto names = topic_names(program());
  for (const std::string name : {"run", "compare", "fa", "dtp", "layers", "dense", "datasets", "fashion-mnist", "adam",
                                 "network", "config", "files", "progress", "exit-codes", "environment", "topics"}) {
    BOOST_TEST((std::count(names.begin(), names.end(), name) == 1), name);
  }
  for (const std::string& name : names) {
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(std::count(names.begin(), names.end(), name) == 1);  // no topic hides another
      const std::string text = help_text(program(), name);
      BOOST_TEST(lines(text).size() >= 3U);
      for (const std::string& line : lines(text)) BOOST_TEST(columns_of(line) <= 100U, line);
      for (const std::string& line : lines(help_text(program(), name, 60))) {
        const bool verbatim = line.starts_with("  strata ") || line.starts_with("   ");
        BOOST_TEST((verbatim || columns_of(line) <= 76U), line);
      }
    }
  }
  for (const strata::LayerEntry& e : program().layers.entries())
    BOOST_TEST(contains(help_text(program(), "layers"), "  " + e.name + " "));
  BOOST_TEST(contains(help_text(program(), "dropout"), "rate (0.5)"));
  BOOST_TEST(contains(help_text(program(), "environment"), "HDF5_USE_FILE_LOCKING"));
  BOOST_TEST(contains(help_text(program(), "exit-codes"), "130, 143"));
}

BOOST_AUTO_TEST_CASE(rules) {
  for (const strata::RuleEntry& rule : program().rules.entries()) {
    const std::string text = help_text(program(), rule.name);
    BOOST_TEST(text.starts_with(rule.name + " ("));
    BOOST_TEST(contains(text, "--" + rule.name + ".lr"));
    for (const auto& o : rule.options) BOOST_TEST(contains(text, "--" + rule.name + "." + o.name), o.name);
  }
  BOOST_TEST(contains(help_text(program(), "dtp"), "  Needs            a chain of layers\n"));
}

BOOST_AUTO_TEST_CASE(unknown_topics) {
  const Scratch in;
  BOOST_TEST(not_refused(call(in, "help dpt"), {"unknown topic 'dpt'", "did you mean 'dtp'", "strata help topics"}) ==
             "");
  BOOST_TEST(not_refused(call(in, "help layrs"), {"did you mean 'layers'"}) == "");
  BOOST_TEST(not_refused(call(in, "help run fast"), {"stray word 'fast'"}) == "");
  BOOST_TEST(not_refused(call(in, "help --man run"), {"stray word 'run'"}) == "");
  BOOST_TEST(not_refused(call(in, "help --man=1 --mann"), {"--man"}) == "");
  BOOST_TEST(not_refused(call(in, "completion"), {"expected one of: bash, zsh"}) == "");
  BOOST_TEST(not_refused(call(in, "completion fish"), {"'fish'", "bash, zsh"}) == "");
  BOOST_TEST(not_refused(call(in, "completion bash zsh"), {"expected one of"}) == "");
}

// Examples are copied.
BOOST_AUTO_TEST_CASE(examples_are_right) {
  const Scratch in;
  write(in / "grid.ini", excerpt(help_text(program(), "config"), "rules = "));
  const std::string tiny = " --dataset clusters --epochs 1 --dry-run";
  const Outcome grid = good(in, "compare --config grid.ini" + tiny);
  BOOST_TEST(contains(grid.out, "30 runs"), grid.out);
  std::string graph = excerpt(help_text(program(), "network"), "strata-graph");
  for (const auto& [wide, narrow] : {std::pair{"[784]", "[16]"}, std::pair{"\"units\": 10", "\"units\": 4"}}) {
    BOOST_REQUIRE(contains(graph, wide));
    graph.replace(graph.find(wide), std::string(wide).size(), narrow);
  }
  write(in / "net.json", graph);
  BOOST_TEST(contains(good(in, "run --network net.json" + tiny).out, "1 runs"));
  // Those of commands: options at least must exist.
  for (const Command& c : commands()) {
    for (const Example& e : c.examples) {
      BOOST_TEST_CONTEXT(e.line) {
        std::vector<std::string> given = words(e.line.substr(0, e.line.find_first_of("|>)")));
        const auto start = std::find(given.begin(), given.end(), c.name);
        BOOST_REQUIRE((start != given.end()));
        given.erase(given.begin(), start + 1);
        std::erase_if(given, [](const std::string& w) { return w.ends_with(".ini") || w == "--config"; });
        std::vector<std::string> free;
        std::vector<std::string> dotted;
        for (const auto& rule : program().rules.entries()) {
          for (const OptionDef& o : own_options(rule)) dotted.push_back(o.name);
        }
        BOOST_CHECK_NO_THROW(parse_values(flat(c.groups), dotted, given, &free));
        BOOST_TEST((free.empty() || !(c.words == Known{})));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(the_man_page_has_everything) {
  const Scratch in;
  const std::string page = good(in, "help --man").out;
  BOOST_TEST(page == man_page(program()));
  BOOST_TEST(contains(page, "\n.TH STRATA 1 2"));
  for (const std::string heading : {"NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "RULES", "LAYERS", "FILES",
                                    "EXIT STATUS", "ENVIRONMENT", "EXAMPLES"}) {
    BOOST_TEST(contains(page, "\n.SH " + heading + "\n"), heading);
  }
  for (const Command& c : commands()) {
    BOOST_TEST(contains(page, "\n\\fBstrata " + c.name + "\\fR"));
    BOOST_TEST(contains(page, "\n.SS strata " + c.name));
    for (const OptionDef& o : flat(c.groups))
      BOOST_TEST(contains(page, "\\fB" + roff_escaped("--" + o.name) + "\\fR"), o.name);
  }
  for (const auto& rule : program().rules.entries()) {
    BOOST_TEST(contains(page, "\n.TP\n\\fB" + rule.name + "\\fR\n"));
    for (const OptionDef& o : own_options(rule))
      BOOST_TEST(contains(page, "\\fB" + roff_escaped("--" + o.name) + "\\fR"), o.name);
  }
  for (const char c : page) BOOST_REQUIRE(static_cast<unsigned char>(c) < 0x80);
}

// Nothing in a text is taken for a request, an escape or a font.
BOOST_AUTO_TEST_CASE(escapes_of_man_pages) {
  BOOST_TEST(roff_escaped("--a-b 'c' \"d\" \\n ~x^2 `y` – …") ==
             "\\-\\-a\\-b \\(aqc\\(aq \\(dqd\\(dq \\en \\(tix\\(ha2 \\(gay\\(ga \\[u2013] \\[u2026]");
  const std::string roff = to_roff(
      {Paragraph{".SH `strata -x` 'y'"}, Verbatim{{".dot", "", "'quote"}}, Definitions{{{".strata", "", ".then"}}}});
  BOOST_TEST(roff ==
             ".PP\n\\&.SH \\fBstrata \\-x\\fR \\(aqy\\(aq\n"
             ".PP\n.RS 4\n.nf\n\\&.dot\n.sp\n\\(aqquote\n.fi\n.RE\n"
             ".TP\n\\fB.strata\\fR\n\\&.then\n");
}

// A program outside the tree with a rule of its own: it is in all that is generated.
BOOST_AUTO_TEST_CASE(generated_from_the_catalogs) {
  Program mine = builtin_program();
  strata::RuleEntry rule = mine.rules.at("fa");
  rule.name = "my_rule";
  rule.options = {strata::choice_option("flavour", "sweet", {"sweet", "sour"}, "of the [rule]: it's \"free\"")};
  mine.rules.add(rule);
  BOOST_TEST(contains(help_text(mine, "my_rule"), "--my_rule.flavour VALUE"));
  BOOST_TEST(contains(man_page(mine), "\\-\\-my_rule.flavour"));
  for (const std::string& script : {bash_completion(mine), zsh_completion(mine)}) {
    BOOST_TEST(contains(script, "my_rule"));
    BOOST_TEST(contains(script, "--my_rule.flavour"));
    BOOST_TEST(contains(script, "sweet sour"));
  }
  BOOST_TEST(contains(zsh_completion(mine), "of the \\[rule\\]: it'\\''s \"free\""));
}

BOOST_AUTO_TEST_CASE(wrapping) {
  BOOST_TEST((wrapped("a bb ccc  dddd", 4) == Words{"a bb", "ccc", "dddd"}));
  BOOST_TEST((wrapped("× … ab", 3) == Words{"× …", "ab"}));
  BOOST_TEST((wrapped("longest", 3) == Words{"longest"}));
  BOOST_TEST(wrapped("", 3).empty());
  BOOST_TEST(shortened("×…ab", 3) == "×…a");
  BOOST_TEST(shortened("ab", 3) == "ab");
  BOOST_TEST(shortened("…", 0) == "");
  const Page page = {
      {"", {Paragraph{"one two three"}}},
      {"List", {Definitions{{{"--a", "N", "text that is long"}, {std::string(40, 'x'), "", "y"}, {"--bb", "", ""}}}}}};
  BOOST_TEST(to_text(page, 20) == "one two three\n\nList:\n  --a N  text that is long\n  " + std::string(40, 'x') +
                                      "\n         y\n  --bb\n");
}
