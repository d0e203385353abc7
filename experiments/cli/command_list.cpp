#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/cli/commands.hpp"
#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"
#include "framework/learning/cost.hpp"
#include "framework/losses/loss.hpp"

namespace strata::cli {
namespace {

struct Listing {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

const std::vector<std::string> listed = {"rules", "datasets", "layers", "optimizers", "losses", "initializers"};

std::string or_dash(const std::string& text) { return text.empty() ? "–" : text; }

// In full with multiply-adds of an epoch over the first rule's, on the default network.
Listing rules_listing(const Catalog& rules, bool full) {
  Listing l;
  if (!full) {
    l.columns = {"rule", "family", "what it does", "needs", "source"};
    for (const RuleEntry& e : rules.entries()) {
      l.rows.push_back({e.name, e.family, e.summary, or_dash(e.needs), e.citation});
    }
    return l;
  }
  l.columns = {"rule", "family", "what it does", "source", "needs", "multiply-adds", "checked against", "numbers"};
  const Graph graph(mlp_graph(
      {.input = {784}, .hidden = std::vector<Index>(5, 256), .outputs = 10, .activation = "tanh", .skips = {}}));
  double unit = 0;
  for (const RuleEntry& e : rules.entries()) {
    std::string cost = "–";
    try {
      const double sum = multiply_adds_in_epoch(e, graph, "cross_entropy", 128);
      if (unit == 0) unit = sum;
      cost = shortest(std::round(10 * sum / unit) / 10);
    } catch (const UnsupportedError&) {
    }
    l.rows.push_back(
        {e.name, e.family, e.summary, e.citation, or_dash(e.needs), cost, or_dash(e.checked), or_dash(e.numbers)});
  }
  return l;
}

Listing listing(const Program& program, const std::string& what, bool full) {
  Listing l;
  if (what == "rules") {
    l = rules_listing(program.rules, full);
  } else if (what == "datasets") {
    l.columns = {"dataset", "what it is", "needs", "source"};
    for (const DatasetEntry& e : program.datasets.entries()) {
      l.rows.push_back({e.name, e.summary, or_dash(e.needs), e.source});
    }
  } else if (what == "layers") {
    l.columns = {"type", "what it does"};
    for (const LayerEntry& e : program.layers.entries()) l.rows.push_back({e.name, e.summary});
  } else if (what == "optimizers") {
    l.columns = {"optimizer", "what it does"};
    for (const OptimizerInfo& o : optimizer_catalog()) l.rows.push_back({o.name, o.summary});
  } else if (what == "losses") {
    l.columns = {"loss"};
    for (const std::string& name : loss_names()) l.rows.push_back({name});
  } else if (what == "initializers") {
    l.columns = {"initializer"};
    for (const std::string& name : initializer_names()) l.rows.push_back({name});
  } else {
    throw UsageError(unknown_name("list", what, listed));
  }
  return l;
}

void print_markdown(const Listing& l) {
  std::cout << "| " << join(l.columns, " | ") << " |\n|";
  for (std::size_t i = 0; i < l.columns.size(); ++i) std::cout << "---|";
  std::cout << '\n';
  for (auto row : l.rows) {
    row[0] = "`" + row[0] + "`";
    std::cout << "| " << join(row, " | ") << " |\n";
  }
}

void print_json(const Listing& l) {
  auto all = nlohmann::ordered_json::array();
  for (const auto& row : l.rows) {
    nlohmann::ordered_json item;
    for (std::size_t i = 0; i < row.size(); ++i) item[l.columns[i]] = row[i];
    all.push_back(std::move(item));
  }
  std::cout << all.dump(2) << '\n';
}

const std::vector<OptionDef> list_options = {{"markdown", "", "", "as a Markdown table"}, {"json", "", "", "as JSON"}};

int list(const Program& program, const Arguments& arguments) {
  std::vector<std::string> words;
  const Values values = parse_values(list_options, {}, arguments, &words);
  if (words.size() != 1) throw UsageError(cat("list: expected one of: ", join(listed)));
  if (values.flag("markdown") && values.flag("json"))
    throw UsageError("list: --markdown and --json: expected one of them");
  const Listing l = listing(program, words[0], values.flag("markdown") || values.flag("json"));
  if (values.flag("markdown")) {
    print_markdown(l);
  } else if (values.flag("json")) {
    print_json(l);
  } else {
    std::cout << aligned(l.columns, l.rows);
  }
  return 0;
}

}  // namespace

Command list_command() {
  return {.name = "list",
          .summary = "list rules, datasets, layers, optimizers, losses or initializers",
          .usage = cat(join(listed, "|"), " [OPTIONS]"),
          .about = {"Lists what this program knows, a line each; with `--markdown` or `--json`, rules also with what "
                    "they cost, were checked against and reach."},
          .groups = {{"", list_options}},
          .words = {.names = listed},
          .one_word = true,
          .call = list};
}

}  // namespace strata::cli
