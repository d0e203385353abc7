#include <cstdlib>
#include <map>
#include <set>
#include <string_view>

#include "experiments/cli/plan.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace strata::fuzz {
namespace {

using cli::OptionDef;
using cli::Values;

// Deeper networks are right, and take long to build.
constexpr long long deep = 8, too_deep = 10'000;

// Instead of all rules.
class Rule final : public LearningRule {
 public:
  Traits traits() const override { return {.needs_chain = true}; }
  void compute(const Phase&, const Ctx&, const Model&, const Batch&, Workspace&, GradSink&) const override {}
};

RuleEntry rule(const std::string& name, std::vector<OptionSpec> options) {
  RuleEntry entry;
  entry.name = name;
  entry.options = std::move(options);
  entry.optimizers = {{"forward", default_optimizer("adam")}};
  entry.make = [](const Options&) { return std::make_unique<Rule>(); };
  return entry;
}

Examples examples(Index count) {
  Examples e;
  e.x = Matrix::Constant(2, count, Scalar(0.5));
  for (Index i = 0; i < count; ++i) {
    e.x(i % 2, i) = Scalar(1) / static_cast<Scalar>(1 + i);
    e.labels.push_back(static_cast<std::int32_t>(i % 3));
  }
  return e;
}

Dataset few_examples(const std::string&) {
  Dataset data;
  data.name = "few";
  data.sample_shape = {2};
  data.classes = 3;
  data.checksum = "0123456789abcdef";
  data.train = examples(12);
  data.test = examples(3);
  return data;
}

cli::Program program() {
  cli::Program p;
  p.layers = builtin_layers();
  p.rules.add(rule("one", {real_option("sigma", 0.1, 0, 10, ""), integer_option("steps", 3, 1, 100, ""),
                           flag_option("warm", true, ""), choice_option("kind", "a", {"a", "b"}, "")}));
  p.rules.add(rule("two", {}));
  p.datasets.add({"few", "", "", few_examples});
  return p;
}

// The options of run and of compare, with defaults that suit a few examples.
std::vector<OptionDef> options() {
  std::vector<OptionDef> all = {{"rules", "one", "NAME,…", ""}, {"network", "mlp", "NAME", ""},
                                {"networks", "", "NAME,…", ""}, {"seed", "0", "N", ""},
                                {"threads", "0", "N", ""},      {"config", "", "FILE", ""},
                                {"dry-run", "", "", ""}};
  for (const auto& more : {cli::network_options(), cli::training_options(), cli::data_options(),
                           cli::analysis_options(), cli::analysis_attack_options()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  for (OptionDef& o : all) {
    if (o.name == "hidden") o.fallback = "3";
    if (o.name == "batch") o.fallback = "2";
    if (o.name == "dataset") o.fallback = "few";
  }
  return all;
}

// An INI file against options, as parse_values does it. Declaring them takes far longer than reading a small file: what
// the file does not name is declared after it is read.
Values read(const std::string& path, std::string_view text, const std::vector<OptionDef>& table,
            const std::vector<std::string>& dotted) {
  const auto named = [&](const std::string& name) { return text.find(name) != text.npos; };
  std::vector<OptionDef> some;
  for (const OptionDef& o : table) {
    if (o.name == "config" || named(o.name)) some.push_back(o);
  }
  std::vector<std::string> of_rules;
  for (const std::string& name : dotted) {
    if (named(name.substr(name.find('.') + 1))) of_rules.push_back(name);
  }
  const Values values = cli::parse_values(some, of_rules, {"--config", path}, nullptr);
  std::map<std::string, std::string> given = values.others();
  std::set<std::string> from_file;
  for (const OptionDef& o : some) given.merge(values.given_of({o.name}));
  for (const auto& [name, value] : given) {
    if (values.from_file(name)) from_file.insert(name);
  }
  return {table, given, from_file};
}

// Layers that --hidden may ask for: widths, and what stands behind an x.
long long layers_of(const std::string& hidden) {
  long long layers = 0;
  for (const std::string& item : cli::split_text(hidden, ',')) {
    const std::size_t x = item.find('x');
    layers += x == item.npos ? 1 : std::strtoll(item.c_str() + x + 1, nullptr, 10) % 1'000'000;
  }
  return layers;
}

bool takes_long(const Values& values) {
  const auto long_list = [](const std::string& hidden) {
    const long long layers = layers_of(hidden);
    return layers > deep && layers <= too_deep;  // what is deeper is refused
  };
  if (long_list(values.text("hidden"))) return true;
  for (const auto& [name, value] : values.others()) {
    if (name.ends_with(".hidden") && long_list(value)) return true;
  }
  return false;
}

}  // namespace

void ini(Bytes bytes) {
  static MemoryFile file;
  static const cli::Program program = fuzz::program();
  static const std::vector<OptionDef> table = options();
  static const std::vector<std::string> dotted = cli::rule_option_names(program.rules);
  file.write(bytes);
  may_refuse([&] {
    const Values values = read(file.path(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, table, dotted);
    // Half of a plan is what each run writes down. Without seeds there are no runs, and all else is decided alike.
    std::vector<std::int32_t> seeds;
    if (values.given("seed")) seeds.push_back(static_cast<std::int32_t>(values.integer("seed", 0, 2'147'483'647)));
    values.integer("threads", 0, 1024);
    values.flag("dry-run");
    const auto rules = values.list("rules");
    const auto networks = values.list(values.given("networks") ? "networks" : "network");
    if (takes_long(values)) return;
    const cli::Plan plan = cli::make_plan(cli::Planner(program, values, rules, networks), seeds);
    promise(plan.runs.size() == rules.size() * networks.size() * seeds.size(), "there is a run for each of them");
    for (const cli::RunPlan& run : plan.runs) {
      promise(parse_schedule(to_text(run.settings.schedule)) == run.settings.schedule,
              "a schedule reads as it is written");
      promise(run.hash.size() == 8 && run.cost > 0, "a run has a name and a cost");
    }
  });
}

}  // namespace strata::fuzz
