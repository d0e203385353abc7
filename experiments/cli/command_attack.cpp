// `strata attack`: how finished runs fare under adversarial attack, and whether the figures can be believed.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <optional>

#include "experiments/cli/attack_plan.hpp"
#include "experiments/cli/build_info.hpp"
#include "experiments/cli/commands.hpp"
#include "experiments/cli/findings.hpp"
#include "experiments/cli/new_file.hpp"
#include "experiments/cli/text.hpp"
#include "experiments/cli/train_options.hpp"
#include "framework/analysis/statistics.hpp"
#include "framework/core/errors.hpp"
#include "framework/io/analysis_file.hpp"
#include "framework/learning/batch_buffer.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata::cli {
namespace {

using Names = std::vector<std::string>;

struct Attacked {
  std::string file, rule, network, title;
  std::int32_t seed = 0;
  Robustness table;
  std::vector<Finding> findings;
  Names left_out;
  std::vector<double> distances;  // DeepFool's, of the examples that are right when clean, ascending
  double median_distance() const { return distances.empty() ? quiet_nan : distances[distances.size() / 2]; }
};

Examples some_of(const Examples& all, Index count) {
  if (count == 0 || count >= all.size()) return all;
  std::vector<Index> ids(static_cast<std::size_t>(all.size()));
  for (Index i = 0; i < all.size(); ++i) ids[static_cast<std::size_t>(i)] = i;
  Examples some{Matrix(all.x.rows(), count), {}};
  for (const Index id : sample_examples(ids, count, "attack/examples")) {
    some.x.col(static_cast<Index>(some.labels.size())) = all.x.col(id);
    some.labels.push_back(all.labels[static_cast<std::size_t>(id)]);
  }
  return some;
}

Attacked attack_one(const TrainedNet& net, const TrainedNet* surrogate, const Dataset& data, AttackSettings settings) {
  const Examples examples = some_of(data.test, settings.examples);
  settings.table.low = data.low;
  settings.table.high = data.high;
  Victim victim(net, surrogate, data.sample_shape);
  const RunRecord& run = net.record();
  Attacked found{"", run.rule, run.network, net.describe(), run.seed, {}, {}, {}, {}};
  BatchBuffer buffer(data, 1);
  const std::vector<Index> first{0};
  const auto attacks = victim.attacks(settings, buffer.gather(data.test, first), found.left_out);
  if (attacks.empty()) throw UsageError(cat("--attacks: none is left for ", found.title, ": ", join(found.left_out)));
  found.table = measure_robustness(victim.decision(), examples, data.classes, attacks, settings.table);
  found.findings = check_robustness(found.table);
  const bool asked = std::find(settings.attacks.begin(), settings.attacks.end(), "deepfool") != settings.attacks.end();
  const bool white =
      std::find(found.table.paths.begin(), found.table.paths.end(), Path::gradient) != found.table.paths.end();
  if (asked && white) {
    for (const double d : victim.distances(examples, data.classes, settings.table)) {
      if (d > 0) found.distances.push_back(d);
    }
    std::sort(found.distances.begin(), found.distances.end());
  }
  if (white) {
    // A radius of the table under which something is left and something is lost.
    const auto& e = settings.table.epsilons;
    const double middle = e[e.size() / 2];
    for (Finding& f :
         check_gradient(victim.decision(), examples, data.classes, settings.table, middle, settings.seed)) {
      found.findings.push_back(std::move(f));
    }
  }
  return found;
}

std::string share(double value) { return std::isnan(value) ? "–" : decimal(100 * value, 1); }

std::string table_text(const Attacked& a) {
  const Robustness& t = a.table;
  Names header{"attack", "along"};
  std::vector<std::size_t> right;
  for (const double e : t.epsilons) {
    right.push_back(header.size());
    header.push_back(cat("ε = ", e));
  }
  std::vector<Names> rows;
  for (std::size_t k = 0; k < t.names.size(); ++k) {
    Names row{t.names[k], to_string(t.paths[k])};
    for (std::size_t e = 0; e < t.epsilons.size(); ++e) row.push_back(share(t.at(k, e)));
    rows.push_back(std::move(row));
  }
  Names worst{"all of them", "worst case"}, among{"", "among clean"};
  for (const double w : t.worst) {
    worst.push_back(share(w));
    among.push_back(share(t.clean > 0 ? w / t.clean : quiet_nan));
  }
  rows.push_back(std::move(worst));
  rows.push_back(std::move(among));
  std::string text = cat(a.title, ": ", share(t.clean), " % of ", t.examples,
                         " test examples right when clean; in % under attack:\n\n", aligned(header, rows, right), "\n");
  for (const Finding& f : a.findings) {
    const char* verdict = f.verdict == Finding::Verdict::passed   ? "ok    "
                          : f.verdict == Finding::Verdict::failed ? "FAILED"
                                                                  : "–     ";
    text += cat(verdict, " ", f.name, ": ", f.says, "\n");
  }
  if (!a.distances.empty()) {
    text += cat("       half of the examples that are right are fooled within an L2 distance of ",
                decimal(a.median_distance(), 3), " (deepfool)\n");
  }
  for (const std::string& line : a.left_out) text += cat("left out: ", line, "\n");
  return text;
}

// Worst cases over seeds.
std::string summary_text(const std::vector<Attacked>& all) {
  const auto& epsilons = all.front().table.epsilons;
  Names header{"rule", "network", "seeds"};
  std::vector<std::size_t> right{2};
  for (const double e : epsilons) {
    right.push_back(header.size());
    header.push_back(cat("ε = ", e));
    header.emplace_back("95 % interval");
  }
  std::vector<Names> rows;
  std::vector<std::pair<std::string, std::string>> cells;
  for (const Attacked& a : all) {
    if (std::find(cells.begin(), cells.end(), std::pair{a.rule, a.network}) == cells.end())
      cells.emplace_back(a.rule, a.network);
  }
  for (const auto& [rule, network] : cells) {
    Names row{rule, network, ""};
    for (std::size_t e = 0; e < epsilons.size(); ++e) {
      std::vector<double> values;
      for (const Attacked& a : all) {
        if (a.rule == rule && a.network == network) values.push_back(100 * a.table.worst[e]);
      }
      const Interval i = mean_interval(values);
      row[2] = std::to_string(values.size());
      row.push_back(decimal(i.mean, 1));
      row.push_back(interval_decimal(i, 1));
    }
    rows.push_back(std::move(row));
  }
  return cat("Worst case over all attacks, in %, mean over seeds:\n\n", aligned(header, rows, right));
}

DataGroup robustness_group(const std::vector<Attacked>& all, const AttackSettings& settings) {
  using Doubles = std::vector<double>;
  Names runs, attacks, checks;
  for (const Attacked& a : all) {
    runs.push_back(a.file);
    for (std::size_t k = 0; k < a.table.names.size(); ++k) {
      if (std::find(attacks.begin(), attacks.end(), a.table.names[k]) == attacks.end())
        attacks.push_back(a.table.names[k]);
    }
    for (const Finding& f : a.findings) {
      if (std::find(checks.begin(), checks.end(), f.name) == checks.end()) checks.push_back(f.name);
    }
  }
  const std::size_t levels = settings.table.epsilons.size();
  Doubles accuracy(runs.size() * attacks.size() * levels, quiet_nan), worst, clean;
  std::vector<std::int32_t> verdict(runs.size() * checks.size(), -1);
  for (std::size_t r = 0; r < all.size(); ++r) {
    const Robustness& t = all[r].table;
    clean.push_back(t.clean);
    worst.insert(worst.end(), t.worst.begin(), t.worst.end());
    for (std::size_t k = 0; k < t.names.size(); ++k) {
      const auto at = static_cast<std::size_t>(std::find(attacks.begin(), attacks.end(), t.names[k]) - attacks.begin());
      for (std::size_t e = 0; e < levels; ++e) accuracy[(r * attacks.size() + at) * levels + e] = t.at(k, e);
    }
    for (const Finding& f : all[r].findings) {
      const auto at = static_cast<std::size_t>(std::find(checks.begin(), checks.end(), f.name) - checks.begin());
      if (f.verdict != Finding::Verdict::not_asked)
        verdict[r * checks.size() + at] = f.verdict == Finding::Verdict::passed;
    }
  }
  DataGroup group{"robustness", {}, {}, {}};
  group.axes = {
      {"run", runs, "the attacked run's file"},
      {"attack", attacks, "as strata attack calls it"},
      {"epsilon", settings.table.epsilons, cat("radius in units of the inputs, ", to_string(settings.table.norm))},
      {"check", checks, "what makes the figures worth believing"}};
  group.notes = {{"norm", to_string(settings.table.norm)},
                 {"examples", static_cast<std::int32_t>(all.front().table.examples)},
                 {"steps", settings.steps},
                 {"restarts", settings.restarts},
                 {"queries", settings.queries},
                 {"draws", settings.draws},
                 {"seed", static_cast<std::int32_t>(settings.seed)}};
  const auto add = [&](const char* name, Names axes, auto values, const char* long_name) {
    group.arrays.push_back({name, std::move(axes), std::move(values), long_name, "1"});
  };
  add("clean", {"run"}, clean, "share of the examples decided rightly");
  add("accuracy", {"run", "attack", "epsilon"}, accuracy,
      "share decided rightly, clean and under the attack; NaN: not made");
  add("worst", {"run", "epsilon"}, worst, "share decided rightly under every attack");
  std::vector<double> medians;
  for (const Attacked& a : all) medians.push_back(a.median_distance());
  add("median_distance", {"run"}, medians,
      "median L2 distance of the nearest wrong point by DeepFool, of what is right when clean");
  add("passed", {"run", "check"}, verdict, "1: passed, 0: failed, -1: not asked");
  return group;
}

std::vector<OptionGroup> attack_options() {
  return {
      {"",
       {{"surrogate", "", "FILE.h5", "a run on the same data, from which examples are carried over", {.files = "*.h5"}},
        {"out",
         "",
         "FILE.h5",
         "a new file for what was found, as /robustness; by default it is only printed",
         {.files = "*.h5"}},
        data_option(),
        threads_option()}},
      {"The attacks", attack_setting_options()}};
}

int attack(const Program& program, const Arguments& arguments) {
  Names files;
  const Values values = parse_values(flat(attack_options()), {}, arguments, &files);
  if (files.empty()) throw UsageError("attack: expected one run file or more");
  const std::filesystem::path out = values.text("out");
  if (!out.empty()) check_new_file(out);
  const int threads = threads_of(values);
  const AttackSettings settings = attack_settings(values);
  std::optional<TrainedNet> surrogate;
  if (values.given("surrogate")) surrogate.emplace(program, values.text("surrogate"), TrainedNet::With::rule);

  std::vector<Attacked> all;
  std::string checksum;
  TrainingData data;
  for (const std::string& file : files) {
    const TrainedNet net(program, file, TrainedNet::With::rule);
    const std::string own = net.config().at("dataset").at("checksum").get<std::string>();
    if (own != checksum) data = load_training_data(program, net, values.text("data"));
    checksum = own;
    if (surrogate && surrogate->graph()[Graph::input()].units != net.graph()[Graph::input()].units) {
      throw UsageError(cat("--surrogate ", values.text("surrogate"), ": has inputs of ",
                           to_string(surrogate->graph()[Graph::input()].shape), ", ", file, " of ",
                           to_string(net.graph()[Graph::input()].shape), ": expected the same"));
    }
    std::optional<Attacked> found;
    with_threads(threads, [&] { found = attack_one(net, surrogate ? &*surrogate : nullptr, data.data, settings); });
    found->file = std::filesystem::path(file).filename().string();
    std::cout << (all.empty() ? "" : "\n") << table_text(*found) << std::flush;
    all.push_back(std::move(*found));
  }
  if (all.size() > 1) std::cout << '\n' << summary_text(all);
  if (out.empty()) return 0;
  const BuildInfo build = build_info();
  AnalysisRecord record;
  record.title = cat("robustness of ", all.size() == 1 ? all.front().title : cat(all.size(), " runs"));
  std::string command_line = "strata attack";
  for (const std::string& a : arguments) command_line += cat(" ", a);
  record.history = command_line;
  record.source = cat("strata ", build.version, " (", build.git_commit, ")");
  record.provenance = {{"command_line", command_line}, {"surrogate", values.text("surrogate")}};
  record.groups = {robustness_group(all, settings)};
  write_analysis_file(out, record);
  std::cout << '\n' << out.string() << '\n';
  return 0;
}

}  // namespace

Command attack_command() {
  return {
      .name = "attack",
      .summary = "attack finished runs: accuracy under adversarial perturbations",
      .usage = "FILE… [OPTIONS]",
      .about =
          {"Attacks the network in each run's file within a radius around test examples: along the true gradient of "
           "the "
           "decision that its rule makes (fgsm, pgd, momentum-pgd, apgd and apgd-margin), along the rule's own "
           "feedback "
           "path (feedback), by examples made on another run's network (transfer), by asking for scores alone "
           "(square), and by noise (gaussian, uniform); deepfool looks for the nearest wrong point. Prints the share "
           "that stays right, and the worst case over all "
           "attacks, which is what counts.",
           "An attack that fails may be a bad attack. The checks below the table say whether the figures can be "
           "believed: a net on which other attacks beat the true gradient hides it (\"masked\")."},
      .groups = attack_options(),
      .words = {.files = "*.h5"},
      .examples = {{"strata attack strata-out/runs/*.h5 --out robustness.h5"},
                   {"strata attack FA.h5 --surrogate BACKPROP.h5 --epsilon 0,0.05,0.1 --examples all"}},
      .see = {"files"},
      .call = attack};
}

}  // namespace strata::cli
