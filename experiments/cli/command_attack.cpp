// `strata attack`: how finished runs fare under adversarial attack, and whether the figures can be believed.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <numeric>
#include <optional>

#include "experiments/cli/build_info.hpp"
#include "experiments/cli/commands.hpp"
#include "experiments/cli/findings.hpp"
#include "experiments/cli/new_file.hpp"
#include "experiments/cli/surrogate.hpp"
#include "experiments/cli/text.hpp"
#include "experiments/cli/train_options.hpp"
#include "experiments/cli/victim.hpp"
#include "framework/analysis/statistics.hpp"
#include "framework/core/errors.hpp"
#include "framework/io/analysis_file.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata::cli {
namespace {

using Names = std::vector<std::string>;

// Of `count` test examples, drawn the same for every run; 0: all of them.
Attackable test_examples(const Dataset& data, Index count) {
  std::vector<Index> ids(static_cast<std::size_t>(data.test.size()));
  std::iota(ids.begin(), ids.end(), Index(0));
  if (count > 0) ids = sample_examples(ids, count, "attack/examples");
  return {data, data.test, std::move(ids)};
}

std::string share(double value) { return std::isnan(value) ? "–" : decimal(100 * value, 1); }

std::string table_text(const std::string& title, const Attacked& a) {
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
  std::string text = cat(title, ": ", share(t.clean), " % of ", t.examples,
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
std::string summary_text(const std::vector<RunRecord>& runs, const std::vector<Attacked>& all) {
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
  for (const RunRecord& run : runs) add_missing(cells, std::pair{run.rule, run.network});
  for (const auto& [rule, network] : cells) {
    Names row{rule, network, ""};
    for (std::size_t e = 0; e < epsilons.size(); ++e) {
      std::vector<double> values;
      for (std::size_t r = 0; r < runs.size(); ++r) {
        if (runs[r].rule == rule && runs[r].network == network) values.push_back(100 * all[r].table.worst[e]);
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

std::vector<OptionGroup> attack_options() {
  return {{"",
           {{"out",
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
  if (settings.keep > 0 && out.empty()) throw UsageError("--keep: has no effect without --out");
  std::optional<TrainedNet> surrogate;
  if (values.given("surrogate")) surrogate.emplace(program, values.text("surrogate"), TrainedNet::With::rule);

  std::vector<Attacked> all;
  std::vector<RunRecord> runs;
  Names names, titles;
  std::string checksum;
  TrainingData data;
  for (const std::string& file : files) {
    const TrainedNet net(program, file, TrainedNet::With::rule);
    const std::string own = net.config().at("dataset").at("checksum").get<std::string>();
    if (own != checksum) {
      if (!checksum.empty() && settings.keep > 0) {
        throw UsageError(cat("--keep: expected runs on the same data; ", file, " is of ", net.record().dataset,
                             ", the files before it of ", runs.back().dataset));
      }
      data = load_training_data(program, net, values.text("data"));
    }
    checksum = own;
    if (surrogate) check_surrogate(*surrogate, values.text("surrogate"), net.graph()[Graph::input()].shape, file);
    std::optional<Attacked> found;
    with_threads(threads, [&] {
      found = attack_net(decider(net), surrogate ? &*surrogate : nullptr, test_examples(data.data, settings.examples),
                         settings);
    });
    if (found->table.names.empty()) {
      throw UsageError(cat("--attacks: none is left for ", net.describe(), ": ", join(found->left_out)));
    }
    std::cout << (all.empty() ? "" : "\n") << table_text(net.describe(), *found) << std::flush;
    all.push_back(std::move(*found));
    runs.push_back(net.record());
    titles.push_back(net.describe());
    names.push_back(std::filesystem::path(file).filename().string());
  }
  if (all.size() > 1) std::cout << '\n' << summary_text(runs, all);
  if (out.empty()) return 0;
  AnalysisRecord record;
  record.title = cat("robustness of ", all.size() == 1 ? titles.front() : cat(all.size(), " runs"));
  record.history = command_line("attack", arguments);
  record.source = build_info().source();
  record.provenance = {{"command_line", record.history}, {"surrogate", values.text("surrogate")}};
  record.groups = robustness_groups({"run", names, "the attacked run's file"}, all, settings);
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
           "the decision that its rule makes (fgsm, pgd, momentum-pgd, apgd and apgd-margin), along the rule's own "
           "feedback path (feedback), by examples made on another run's network (transfer), by asking for scores "
           "alone (square), and by noise (gaussian, uniform); deepfool looks for the nearest wrong point. Prints the "
           "share that stays right, and the worst case over all attacks, which is what counts.",
           "An attack that fails may be a bad attack. The checks below the table say whether the figures can be "
           "believed: a net on which other attacks beat the true gradient hides it (\"masked\").",
           "`strata compare --attacks NAME,…` does the same to the networks of a comparison as they learn, on "
           "validation examples, and leaves it in the runs' files."},
      .groups = attack_options(),
      .words = {.files = "*.h5"},
      .examples = {{"strata attack strata-out/runs/*.h5 --out robustness.h5"},
                   {"strata attack FA.h5 --surrogate BACKPROP.h5 --epsilon 0,0.05,0.1 --examples all"}},
      .see = {"files"},
      .call = attack};
}

}  // namespace strata::cli
