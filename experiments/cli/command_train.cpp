// `strata run` and `strata compare`: options to a plan, the plan to a store, results to stdout.
#include <algorithm>
#include <cstdio>
#include <iostream>

#include "experiments/cli/claims.hpp"
#include "experiments/cli/commands.hpp"
#include "experiments/cli/findings_robustness.hpp"
#include "experiments/cli/initial_weights.hpp"
#include "experiments/cli/interrupt.hpp"
#include "experiments/cli/plan.hpp"
#include "experiments/cli/results.hpp"
#include "experiments/cli/runner.hpp"
#include "experiments/cli/store.hpp"
#include "experiments/cli/surrogate.hpp"
#include "experiments/cli/text.hpp"
#include "experiments/cli/train_options.hpp"
#include "experiments/cli/tune_options.hpp"
#include "framework/core/errors.hpp"
#include "framework/losses/loss.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata::cli {
namespace {

using Outcome = RunResult::Outcome;

OptionDef claim_option() {
  return {"claim",
          "",
          "NAME,…",
          cat("also the verdict on claims of the article: ", join(claim_names())),
          {.names = claim_names()}};
}

// `own` options, those of where results go and how, and those that describe the grid.
std::vector<OptionGroup> training_groups(std::vector<OptionDef> own) {
  auto groups = grid_options(std::move(own));
  for (OptionGroup& group : groups) {
    if (group.title == "Training") group.options.push_back(weights_option());
  }
  groups.insert(groups.begin() + 1, {"Results and session", session_options("strata-out", true)});
  return groups;
}

std::vector<OptionGroup> run_options() {
  return training_groups({{"rule", "backprop", "NAME", "see `strata list rules`", {.rules = true}},
                          network_option(),
                          {"seed", "0", "N", "initial weights, batch order, noise"},
                          {"print-graph", "", "", "print the network as a graph file and train nothing"}});
}

std::vector<OptionGroup> compare_options() {
  auto groups = training_groups(
      {rules_option(),
       except_option(),
       network_option(),
       networks_option(),
       {"seeds", "3", "N", "the seeds 0 … N-1"},
       {"tuned", "", "FILE", "hyper-parameters of each rule as `strata tune` found them", {.files = "*.json"}},
       claim_option()});
  std::vector<OptionDef> search = {{"tune", "16", "N", "first search for each rule's hyper-parameters, by N trials"}};
  for (OptionDef& o : search_options()) search.push_back(std::move(o));
  groups.insert(groups.begin() + 2, {"Search for hyper-parameters", std::move(search)});
  return groups;
}

std::vector<OptionDef> collect_options() {
  return {{"out", "strata-out", "DIR", "the folder", {.files = "/"}},
          claim_option(),
          {"json", "", "", "print results as JSON"}};
}

// What a run keeps in memory: parameters with their optimizer's state, copies of the best and the previous epoch, and
// activations and gradients of a batch.
struct Size {
  double forward = 0, own = 0, bytes = 0;
};

Size size_of(const Program& program, const RunPlan& run) {
  const Graph graph(run.graph, program.layers);
  const auto loss = make_loss(run.loss);
  Registry registry(0);
  const Net net(graph, registry);
  const int main_parameters = registry.size();
  program.rules.at(run.rule).make(run.resolved.options)->prepare(net, *loss, registry);
  Size size;
  for (ParamId id = 0; id < registry.size(); ++id) {
    const auto n = static_cast<double>(registry.value(id).size());
    (id < main_parameters ? size.forward : size.own) += n;
    int slots = 0;
    for (const auto& [group, spec] : run.resolved.optimizers) {
      if (registry[id].trainable && registry[id].group == group) slots = make_optimizer(spec)->slots();
    }
    size.bytes += n * (3 + slots) * sizeof(Scalar);  // value, gradient, best value
  }
  double units = 0;
  for (NodeId id = 0; id < graph.size(); ++id) units += static_cast<double>(graph[id].units);
  // Evaluation uses batches of 500.
  size.bytes += 2 * units * static_cast<double>(std::max<Index>(run.settings.batch, 500)) * sizeof(Scalar);
  return size;
}

int print_plan(const Program& program, const Plan& plan, const std::string& out, int threads) {
  std::vector<std::vector<std::string>> rows;
  double largest = 0;
  for (const RunPlan& run : plan.runs) {
    std::vector<std::string> row = {run.rule, run.network, std::to_string(run.seed)};
    if (!run.unsupported.empty()) {
      row.push_back("unsupported: " + run.unsupported);
    } else {
      const Size size = size_of(program, run);
      largest = std::max(largest, size.bytes);
      row.insert(row.end(), {with_commas(size.forward), with_commas(size.own), bytes_text(size.bytes),
                             run.stem() + ".h5", describe_state(run, out, *program.reader)});
    }
    rows.push_back(std::move(row));
  }
  const double data = static_cast<double>(plan.data->train.x.size() + plan.data->test.x.size()) * sizeof(Scalar);
  std::cout << aligned({"rule", "network", "seed", "parameters", "rule's own", "memory", "file", "state"}, rows,
                       {2, 3, 4, 5})
            << '\n'
            << plan.runs.size() << " runs; data " << plan.data->name << ": " << plan.split.train.size() << " training, "
            << plan.split.validation.size() << " validation, " << plan.data->test.size() << " test examples, "
            << bytes_text(data) << "; " << threads << " threads; at most "
            << bytes_text(data + largest * std::min<double>(threads, static_cast<double>(plan.runs.size())))
            << " in all\n";
  return 0;
}

int exit_code(const std::vector<RunResult>& results) {
  if (interrupted() != 0) {
    const auto cut = [](const RunResult& r) { return r.outcome == Outcome::interrupted; };
    if (std::any_of(results.begin(), results.end(), cut)) return 128 + interrupted();
  }
  const auto lost = [](const RunResult& r) { return r.outcome == Outcome::failed || r.outcome == Outcome::diverged; };
  return std::any_of(results.begin(), results.end(), lost) ? 3 : 0;
}

// Why rules were left out, a line for each rule and network.
std::vector<std::string> left_out(const std::vector<RunResult>& results) {
  std::vector<std::string> lines;
  for (const RunResult& r : results) {
    if (r.outcome != Outcome::unsupported) continue;
    const std::string line = cat(r.plan->rule, " on ", r.plan->network, ": ", r.message);
    add_missing(lines, line);
  }
  return lines;
}

// The tables that follow the one of accuracies: the hierarchy, and the claims.
std::string findings_text(ClaimRuns runs, const std::vector<std::string>& claims) {
  std::vector<const RunRecord*> records = runs.records;
  std::erase(records, nullptr);
  runs.analysed = analysed_runs(records);
  std::string text;
  if (const std::string hierarchy = text_of(hierarchy_table(runs.analysed)); !hierarchy.empty()) {
    text += cat("\n", hierarchy);
  }
  if (const std::string robust = text_of(robustness_table(runs.analysed)); !robust.empty()) text += cat("\n", robust);
  for (const std::string& claim : claims) text += cat("\n", claim_text(claim, runs));
  return text;
}

std::vector<std::string> claims_of(const Values& values) {
  const auto claims = values.list("claim");
  for (const std::string& claim : claims) check_claim(claim);
  return claims;
}

// Trains and reports. `single`: a run, whose failure is the program's. `tuned`: the search that the settings come from.
int train(const Program& program, const Values& values, Plan plan, const std::string& command,
          const Arguments& arguments, bool single, const std::vector<Tuned>& tuned = {}) {
  start_from_weights(program, values, plan);
  attack_by_surrogate(program, values, plan);
  const RunnerSettings settings = runner_settings(values, command, arguments);
  const auto unsupported = [](const RunPlan& run) { return !run.unsupported.empty(); };
  if (std::all_of(plan.runs.begin(), plan.runs.end(), unsupported)) {
    const RunPlan& run = plan.runs.front();
    throw UnsupportedError(cat("rule ", run.rule, " cannot train the network ", run.network, ": ", run.unsupported,
                               single ? "" : "; no other rule of this comparison can either"));
  }
  const std::string out = values.text("out");
  if (out.empty()) throw UsageError("--out: expected a folder");
  if (values.flag("dry-run")) return print_plan(program, plan, out, settings.threads);

  if (!plan.data->note.empty() && !settings.quiet) std::fprintf(stderr, "strata: %s\n", plan.data->note.c_str());
  watch_signals();
  std::vector<RunResult> results;
  {
    Store store(out);
    results = execute(program, plan, store, settings);
    std::vector<std::string> complaints;
    write_summaries(store.folder(), stored_runs(store.folder(), *program.reader, complaints));
    for (const std::string& c : complaints) std::fprintf(stderr, "strata: left out of the summaries: %s\n", c.c_str());
  }
  for (const RunResult& r : results) {
    if (r.outcome == Outcome::failed) {
      std::fprintf(stderr, "strata: %s, network %s, seed %d failed: %s\n", r.plan->rule.c_str(),
                   r.plan->network.c_str(), r.plan->seed, r.message.c_str());
    }
    const bool longer = r.outcome == Outcome::complete && r.record.training.back().epoch > r.plan->settings.epochs;
    if (longer && !settings.quiet) {
      std::fprintf(stderr,
                   "strata: %s, seed %d was finished with %d epochs, more than the %d asked for; shown as it is\n",
                   r.plan->rule.c_str(), r.plan->seed, r.record.training.back().epoch, r.plan->settings.epochs);
    }
  }
  const auto rows = result_rows(results);
  const auto cells = cells_of(rows);
  if (values.flag("json")) {
    auto json = to_json(rows, cells);
    for (auto& row : json) {
      for (const auto& t : to_json(tuned)) {
        if (row["rule"] == t["rule"] && row["network"] == t["network"]) row["tuned"] = t;
      }
    }
    std::cout << json.dump(2) << '\n';
  } else if (single) {
    const ResultRow& row = rows.front();
    std::cout << row.summary.rule << " on " << row.summary.network << " and " << row.summary.dataset << ", seed "
              << row.summary.seed << ": " << row.summary.status;
    if (row.summary.status == "complete") {
      std::cout << ", test " << percent(row.summary.test_accuracy) << " % at the best epoch (" << row.summary.best_epoch
                << "), " << percent(row.summary.test_accuracy_last) << " % at the last (" << row.summary.epochs << "), "
                << duration(row.summary.seconds);
    } else if (!row.reason.empty()) {
      std::cout << ": " << row.reason;
    }
    if (!row.summary.file.empty()) std::cout << "\n" << (std::filesystem::path(out) / row.summary.file).string();
    std::cout << '\n';
  } else {
    std::cout << text_of(results_table(cells));
    if (!tuned.empty()) std::cout << '\n' << text_of(tuned_table(tuned));
    std::vector<const RunRecord*> records;
    for (const RunResult& r : results) records.push_back(r.outcome == Outcome::complete ? &r.record : nullptr);
    std::cout << findings_text({{}, rows, std::move(records), left_out(results)}, claims_of(values));
  }
  return exit_code(results);
}

int run(const Program& program, const Arguments& arguments) {
  const Values values = parse_values(flat(run_options()), rule_option_names(program.rules), arguments, nullptr);
  const auto seed = static_cast<std::int32_t>(values.integer("seed", 0, 2'147'483'647));
  Plan plan = make_plan(Planner(program, values, {values.text("rule")}, {values.text("network")}), {seed});
  if (values.flag("print-graph")) {
    std::cout << to_json(plan.runs.front().graph).dump(2) << '\n';
    return 0;
  }
  return train(program, values, std::move(plan), "run", arguments, true);
}

// The settings of the rules and networks that are compared: the file may hold more.
std::vector<Tuned> of_plan(const TunedFile& file, const Planner& planner) {
  const Plan plan = planner.plan();
  const auto in = [](const std::vector<std::string>& all, const std::string& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
  };
  std::vector<Tuned> found;
  for (const Tuned& t : file.tuned) {
    if (in(plan.rules, t.rule) && in(plan.networks, t.network)) found.push_back(t);
  }
  return found;
}

int compare(const Program& program, const Arguments& arguments) {
  const Values values = parse_values(flat(compare_options()), rule_option_names(program.rules), arguments, nullptr);
  claims_of(values);
  std::vector<std::int32_t> seeds(static_cast<std::size_t>(values.integer("seeds", 1, 100'000)));
  for (std::size_t i = 0; i < seeds.size(); ++i) seeds[i] = static_cast<std::int32_t>(i);
  const auto rules = rules_of(program, values);
  const bool searched = values.given("tune");
  for (const OptionDef& o : search_options()) {
    if (values.given(o.name) && !searched) throw UsageError(cat("--", o.name, ": has no effect without --tune"));
  }
  if (searched && values.given("weights")) {
    throw UsageError("--tune and --weights: expected one of them, since trials start from drawn weights");
  }
  if (searched && values.given("tuned")) throw UsageError("--tune and --tuned: expected one of them");
  const TuningSettings settings = searched ? tuning_settings(program, values, "tune", rules) : TuningSettings();
  const Planner planner(program, values, rules, networks_of(values));
  if (!searched && !values.given("tuned")) {
    return train(program, values, make_plan(planner, seeds), "compare", arguments, false);
  }
  TunedFile tuned;
  if (!searched) {
    const std::string& path = values.text("tuned");
    tuned = read_tuned_file(path);
    Plan plan = make_plan(planner, seeds, chosen_settings(tuned, path, planner));
    return train(program, values, std::move(plan), "compare", arguments, false, of_plan(tuned, planner));
  }
  Tuning tuning = plan_tuning(program, planner, settings);
  if (values.flag("dry-run")) {
    std::cout << text_of(tuning_plan_table(tuning)) << "then " << seeds.size()
              << " seeds with each of the settings found\n";
    return 0;
  }
  const std::filesystem::path out = values.text("out");
  if (out.empty()) throw UsageError("--out: expected a folder");
  watch_signals();
  { const Store store(out); }  // it is ours, or refuses before anything is trained
  const RunnerSettings runner = runner_settings(values, "compare", arguments);
  tuned = search_into(out / "search", program, planner, settings, runner, tuning);
  if (tuning.interrupted) return 128 + interrupted();
  const auto missing = without_setting(tuning);
  for (const std::string& line : missing) std::fprintf(stderr, "strata: %s\n", line.c_str());
  Plan plan =
      make_plan(planner, seeds, chosen_settings(tuned, (out / "search" / "tuned.json").string(), planner, tuning));
  const int code = train(program, values, std::move(plan), "compare", arguments, false, of_plan(tuned, planner));
  return code == 0 && !missing.empty() ? 3 : code;
}

int collect(const Program& program, const Arguments& arguments) {
  std::vector<std::string> words;
  const Values values = parse_values(collect_options(), {}, arguments, &words);
  const auto claims = claims_of(values);
  if (words.size() > 1 || (words.size() == 1 && values.given("out"))) {
    throw UsageError(cat("collect: stray word '", words.back(), "'; expected one folder"));
  }
  const std::string out = words.empty() ? values.text("out") : words[0];
  if (!is_store(out))
    throw UsageError(cat("collect ", out, ": is no output folder of strata (it has no file .strata)"));
  const Store store(out);
  std::vector<std::string> complaints;
  const auto runs = stored_runs(store.folder(), *program.reader, complaints);
  for (const std::string& c : complaints) std::fprintf(stderr, "strata: left out: %s\n", c.c_str());
  write_summaries(store.folder(), runs);
  const auto rows = result_rows(runs);
  const auto cells = cells_of(rows);
  if (values.flag("json")) {
    std::cout << to_json(rows, cells).dump(2) << '\n';
  } else if (runs.empty()) {
    std::cout << "no finished runs in " << out << '\n';
  } else {
    std::vector<const RunRecord*> records;
    for (const StoredRun& run : runs) records.push_back(run.record.status == "complete" ? &run.record : nullptr);
    std::cout << text_of(results_table(cells)) << findings_text({{}, rows, std::move(records), {}}, claims);
  }
  return complaints.empty() ? 0 : 3;
}

const char* const goes_on =
    "The same command again goes on where it stopped and skips what is finished; more `--epochs` extend finished runs. "
    "Ctrl-C saves and leaves.";

}  // namespace

Command run_command() {
  return {.name = "run",
          .summary = "train one network under one rule with one seed",
          .usage = "[OPTIONS]",
          .about = {"Trains one network under one rule with one seed, into one HDF5 file.", goes_on},
          .groups = run_options(),
          .rule_options = true,
          .examples = {{"strata run --rule fa --hidden 128x3 --skip 1:3 --activation relu --seed 7 --out my-runs"},
                       {"strata run --rule dtp --dtp.sigma 0.1", "an option of the rule"},
                       {"strata run --network my-graph.json", "any acyclic graph"}},
          .see = {"network", "config", "files", "progress"},
          .call = run};
}

Command compare_command() {
  return {.name = "compare",
          .summary = "train a grid of rules × networks × seeds and print a table",
          .usage = "[OPTIONS]",
          .about = {"Trains every rule on every network with every seed, each run into an HDF5 file of its own; prints "
                    "a table, writes summary.h5 and summary.csv.",
                    goes_on},
          .groups = compare_options(),
          .rule_options = true,
          .examples = {{"strata compare --rules backprop,frozen,fa,dfa,dtp --seeds 3 --epochs 10"},
                       {"strata compare --rules all --epochs 2 --dry-run", "what that would be"},
                       {"strata compare --config grid.ini --threads 4"}},
          .see = {"network", "config", "files", "progress"},
          .call = compare};
}

Command collect_command() {
  return {
      .name = "collect",
      .summary = "write summary.h5 and summary.csv over all runs of a folder",
      .usage = "[DIR] [OPTIONS]",
      .about = {"Writes summary.h5 and summary.csv over all finished runs of a folder, and prints their table. Files "
                "that cannot be read are named and left out (exit 3)."},
      .groups = {{"", collect_options()}},
      .words = {.files = "/"},
      .one_word = true,
      .examples = {{"strata collect my-runs --claim c1,c2"}},
      .see = {"files"},
      .call = collect};
}

}  // namespace strata::cli
