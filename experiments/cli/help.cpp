// `strata help`: which page a topic has. How pages look is help_page.cpp and man_page.cpp.
#include "experiments/cli/help.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "experiments/cli/terminal.hpp"
#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"
#include "framework/optim/optimizer.hpp"

namespace strata::cli {
namespace {

Page overview(const Program& program) {
  Definitions all, more;
  for (const Command& c : commands()) all.items.push_back({c.name, "", c.summary});
  for (const Topic& t : topics(program)) more.items.push_back({t.name, "", t.summary});
  return {
      {"", {Paragraph{"strata: train a network under different learning rules, and see what each does to it."}}},
      {"", {Paragraph{"Usage: strata COMMAND [OPTIONS]"}}},
      {"Commands", {all}},
      {"Topics of `strata help`, besides commands, rules, layers, data sets and optimizers", {more}},
      {"Examples",
       {Verbatim{{"strata compare --rules backprop,frozen,fa,dfa,dtp --seeds 3 --epochs 10",
                  "strata run --rule fa --hidden 128x3 --skip 1:3 --activation relu --seed 7 --out my-runs",
                  "strata help compare       # the options of a command",
                  "strata help dtp           # a rule, its options and their defaults"}}}},
      {"",
       {Paragraph{"Exit codes: 0 ok, 1 runtime error, 2 usage or bad input, 3 some runs failed or diverged, 130/143 "
                  "interrupted."}}}};
}

Page page_of(const Command& command, const Program& program) {
  Page page = {{"", {Paragraph{cat("Usage: strata ", command.name, " ", command.usage)}}}};
  for (const std::string& text : command.about) page.push_back({"", {Paragraph{text}}});
  for (const OptionGroup& group : command.groups) {
    if (!group.options.empty()) page.push_back({group.title, {defined(group.options)}});
  }
  if (command.rule_options) {
    page.push_back(
        {"",
         {Paragraph{"A rule's own options are written --RULE.OPTION VALUE, for example --dtp.sigma 0.3; `strata "
                    "help RULE` lists them."}}});
    page.push_back({"", {Paragraph{cat("Rules: ", join(names_in(program.rules.entries())), ".")}}});
  }
  Verbatim examples;
  for (const Example& e : command.examples) {
    examples.lines.push_back(e.text.empty() ? e.line : cat(e.line, "   # ", e.text));
  }
  if (!examples.lines.empty()) page.push_back({"Examples", {examples}});
  if (!command.see.empty())
    page.push_back({"", {Paragraph{cat("See also `strata help TOPIC`: ", join(command.see), ".")}}});
  return page;
}

Page page_of(const RuleEntry& rule) {
  Definitions facts{{{"Source", "", rule.citation}}};
  if (!rule.needs.empty()) facts.items.push_back({"Needs", "", rule.needs});
  if (!rule.checked.empty()) facts.items.push_back({"Checked against", "", rule.checked});
  if (!rule.numbers.empty()) facts.items.push_back({"Reaches", "", rule.numbers});
  Page page = {{"", {Paragraph{cat(rule.name, " (", rule.family, "): ", rule.summary)}, facts}}};
  const auto own = own_options(rule);
  if (!own.empty()) page.push_back({"Options", {defined(own)}});
  page.push_back(
      {"Optimizers",
       {Paragraph{"Their defaults are good for the default network. What an optimizer does not read must stay."},
        defined(optimizer_option_defs(rule))}});
  std::string ranges;
  for (const SearchRange& r : search_space(rule)) ranges += cat(ranges.empty() ? "" : ", ", r.option, " ", to_text(r));
  page.push_back({"Search space", {Paragraph{cat("What `strata tune` draws from: ", ranges, ".")}}});
  return page;
}

Page page_of(const LayerEntry& layer) {
  return {
      {"", {Paragraph{cat(layer.name, " (layer): ", layer.summary)}}},
      {"",
       {Paragraph{cat("In a graph file: {\"name\": …, \"type\": \"", layer.name,
                      "\", \"inputs\": […], …} with the attributes named above, if any; `strata help network`.")}}}};
}

Page page_of(const DatasetEntry& data) {
  return {{"", {Paragraph{cat(data.name, " (data set): ", data.summary)}}},
          {"", {Paragraph{cat("Needs: ", data.needs.empty() ? "nothing" : data.needs)}}},
          {"", {Paragraph{cat("From: ", data.source)}}}};
}

Page page_of(const OptimizerInfo& optimizer) {
  return {
      {"", {Paragraph{cat(optimizer.name, " (optimizer): ", optimizer.summary)}}},
      {"",
       {Paragraph{cat("Chosen by --optimizer ", optimizer.name, " for every rule, by --RULE.optimizer for one.")}}}};
}

std::vector<OptionDef> as_defs(const RuleEntry& rule, const std::vector<OptionSpec>& specs) {
  std::vector<OptionDef> defs;
  for (const OptionSpec& o : specs) {
    const std::string help = o.choices.empty() ? o.help : cat(o.help, ": ", join(o.choices));
    Known known{.names = o.choices};
    if (o.kind == OptionSpec::Kind::flag) known.names = {"true", "false"};
    defs.push_back({cat(rule.name, ".", o.name), o.fallback, "VALUE", help, known});
  }
  return defs;
}

// What the terminal has, but no lines too long to read; elsewhere a hundred columns.
std::size_t page_width() {
  const auto size = terminal_size(STDOUT_FILENO);
  return size ? std::clamp<std::size_t>(size->width, 60, 100) : 100;
}

const std::vector<OptionDef> help_options = {{"man", "", "", "all of the help as a man page, strata(1)"}};

int help(const Program& program, const Arguments& arguments) {
  std::vector<std::string> words;
  const Values values = parse_values(help_options, {}, arguments, &words);
  const std::size_t most = values.flag("man") ? 0 : 1;
  if (words.size() > most) {
    throw UsageError(
        cat("help: stray word '", words[most], "'; expected ", most == 0 ? "no topic beside --man" : "one topic"));
  }
  std::cout << (values.flag("man") ? man_page(program)
                                   : help_text(program, words.empty() ? "" : words[0], page_width()));
  return 0;
}

}  // namespace

std::vector<OptionDef> own_options(const RuleEntry& rule) { return as_defs(rule, rule.options); }
std::vector<OptionDef> optimizer_option_defs(const RuleEntry& rule) { return as_defs(rule, optimizer_options(rule)); }

std::vector<std::string> topic_names(const Program& program) {
  std::vector<std::string> names;
  const auto add = [&](const auto& entries) {
    for (std::string& name : names_in(entries)) names.push_back(std::move(name));
  };
  add(commands());
  add(topics(program));
  add(program.rules.entries());
  add(program.layers.entries());
  add(program.datasets.entries());
  add(optimizer_catalog());
  return names;
}

std::vector<std::string> names_of(const Known& known, const Program& program) {
  std::vector<std::string> names = known.names;
  const auto add = [&](bool wanted, std::vector<std::string> more) {
    if (wanted) names.insert(names.end(), more.begin(), more.end());
  };
  add(known.rules, names_in(program.rules.entries()));
  add(known.datasets, names_in(program.datasets.entries()));
  if (known.topics) add(true, topic_names(program));
  return names;
}

std::string help_text(const Program& program, const std::string& topic, std::size_t width) {
  const auto page_in = [&](const auto& entries) {
    for (const auto& e : entries) {
      if (e.name == topic) return page_of(e);
    }
    return Page{};
  };
  Page page;
  if (topic.empty()) page = overview(program);
  for (const Command& c : commands()) {
    if (c.name == topic) page = page_of(c, program);
  }
  for (const Topic& t : topics(program)) {
    if (page.empty() && t.name == topic) page = {{t.title, t.blocks}};
  }
  if (page.empty()) page = page_in(program.rules.entries());
  if (page.empty()) page = page_in(program.layers.entries());
  if (page.empty()) page = page_in(program.datasets.entries());
  if (page.empty()) page = page_in(optimizer_catalog());
  if (page.empty()) {
    const std::string guess = closest(topic, topic_names(program));
    throw UsageError(cat("unknown topic '", topic, "'", guess.empty() ? "" : cat(" (did you mean '", guess, "'?)"),
                         "; `strata help topics` lists them"));
  }
  return to_text(page, width);
}

Command help_command() {
  return {
      .name = "help",
      .summary = "explain a command, a rule or another topic",
      .usage = "[TOPIC] [OPTIONS]",
      .about = {"Explains a command, a rule, a layer, a data set, an optimizer, or another topic; `strata help topics` "
                "lists them. `strata COMMAND --help` is the same as `strata help COMMAND`."},
      .groups = {{"", help_options}},
      .words = {.topics = true},
      .one_word = true,
      .examples = {{"strata help dtp"}, {"strata help --man | man -l -", "read it as a man page"}},
      .call = help};
}

}  // namespace strata::cli
