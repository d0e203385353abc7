#include "experiments/report/study.hpp"

#include <algorithm>
#include <map>

#include "experiments/cli/run_reader.hpp"
#include "experiments/report/svg.hpp"
#include "framework/core/errors.hpp"

namespace strata::report {
namespace {

namespace fs = std::filesystem;
using cli::AnalysedRuns;

bool chosen(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

void check_names(const char* option, const std::vector<std::string>& wanted, const std::vector<std::string>& there) {
  for (const std::string& name : wanted) {
    if (std::find(there.begin(), there.end(), name) == there.end()) {
      throw UsageError(cat("--", option, ": ", unknown_name(option, name, there)));
    }
  }
}

template <class Rank> void add_by(std::vector<std::string>& names, const std::string& name, Rank rank) {
  if (std::find(names.begin(), names.end(), name) != names.end()) return;
  const auto at = std::find_if(names.begin(), names.end(), [&](auto& other) { return rank(name) < rank(other); });
  names.insert(at, name);
}

// A search knows plain names.
bool chosen_label(const std::vector<std::string>& labels, const std::string& name) {
  return labels.empty() || std::any_of(labels.begin(), labels.end(), [&](auto& l) { return plain_rule(l) == name; });
}

// Of `strata compare --tune`, in search/, or of `strata tune`.
void read_search(const cli::RunReader& reader, const Selection& selection, Study& study) {
  std::error_code error;
  const bool beside = fs::exists(study.folder / "search" / "trials.h5", error);
  const fs::path file = (beside ? study.folder / "search" : study.folder) / "trials.h5";
  if (!fs::exists(file, error)) return;
  study.is_search = !beside;
  try {
    for (cli::TunedCell& cell : reader.read_trials(file).cells) {
      if (chosen_label(selection.rules, cell.rule) && chosen_label(selection.networks, cell.network)) {
        study.search.push_back(std::move(cell));
      }
    }
  } catch (const Error& e) {
    study.complaints.emplace_back(e.what());
  }
}

std::vector<std::string> unfinished_files(const fs::path& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const fs::path name = entry.path().filename();
    if (name.extension() != ".checkpoint") continue;
    // A finished run keeps its checkpoint for more epochs.
    if (!fs::exists(fs::path(entry.path()).replace_extension(".h5"), error)) files.push_back(name.stem().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

const AnalysedRuns* Study::find(const std::string& rule, const std::string& network) const {
  for (const AnalysedRuns& s : series) {
    if (s.rule == rule && s.network == network) return &s;
  }
  return nullptr;
}

bool Study::many_rules() const { return rules.size() > palette_size; }

std::string plain_rule(const std::string& label) { return label.substr(0, label.find('@')); }

std::size_t Study::colour(const std::string& rule) const {
  if (plain_rule(rule) == "frozen") return palette_size - 1;
  std::size_t place = 1;
  for (const std::string& other : rules) {
    if (other == rule) break;
    const std::string plain = plain_rule(other);
    if (plain != "backprop" && plain != "frozen") ++place;
  }
  return rule == "backprop" ? 0 : 1 + (place - 1) % (palette_size - 2);
}

Study read_study(const cli::Program& program, const fs::path& folder, const Selection& selection) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    throw UsageError(cat("report ", folder.string(), ": is no folder; expected one that strata compare or run wrote"));
  }
  Study study;
  study.folder = folder;
  const bool store = fs::is_directory(folder / "runs", error);
  auto all = store ? cli::stored_runs(folder, *program.reader, study.complaints)
                   : cli::runs_in(folder, *program.reader, study.complaints);
  study.unfinished = unfinished_files(store ? folder / "runs" : folder);
  auto rows = cli::result_rows(all);
  std::vector<std::string> rules, networks;
  for (const auto& row : rows) {
    rules.push_back(row.summary.rule);
    networks.push_back(row.summary.network);
  }
  check_names("rules", selection.rules, rules);
  check_names("networks", selection.networks, networks);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const SummaryRow& s = rows[i].summary;
    if (!chosen(selection.rules, s.rule) || !chosen(selection.networks, s.network)) continue;
    study.rows.push_back(rows[i]);
    study.runs.push_back(std::move(all[i]));
  }
  if (study.runs.empty()) {
    std::string why;
    if (!study.complaints.empty())
      why = cat(" (", study.complaints.size(), " files cannot be read: ", study.complaints.front(), ")");
    else if (!study.unfinished.empty())
      why = cat(" (", study.unfinished.size(), " unfinished; the command that began them goes on with them)");
    throw UsageError(cat("report ", folder.string(), ": has no finished run", why,
                         "; expected a folder that strata compare or run wrote"));
  }

  read_search(*program.reader, selection, study);

  const auto& catalog = program.rules.entries();
  const auto rule_rank = [&](const std::string& label) {
    const auto at = std::find_if(catalog.begin(), catalog.end(), [&](auto& e) { return e.name == plain_rule(label); });
    return std::pair(at - catalog.begin(), label);
  };
  for (const auto& row : study.rows) {
    add_by(study.rules, row.summary.rule, rule_rank);
    add_by(study.networks, row.summary.network, [](const std::string& label) { return label; });
  }
  const auto place = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) - names.begin();
  };
  study.cells = cli::cells_of(study.rows);
  std::stable_sort(study.cells.begin(), study.cells.end(), [&](const cli::Cell& a, const cli::Cell& b) {
    return std::pair(place(study.networks, a.network), place(study.rules, a.rule)) <
           std::pair(place(study.networks, b.network), place(study.rules, b.rule));
  });
  for (const cli::Cell& cell : study.cells) {
    AnalysedRuns series{cell.rule, cell.network, {}};
    for (std::size_t i = 0; i < study.runs.size(); ++i) {
      const SummaryRow& s = study.rows[i].summary;
      if (s.rule == cell.rule && s.network == cell.network && s.status == "complete")
        series.runs.push_back(&study.runs[i].record);
    }
    std::sort(series.runs.begin(), series.runs.end(), [](auto* a, auto* b) { return a->seed < b->seed; });
    if (!series.runs.empty()) study.series.push_back(std::move(series));
  }
  return study;
}

std::vector<AnalysedRuns> analysed_series(const Study& study, const std::string& group) {
  std::vector<AnalysedRuns> found;
  for (const AnalysedRuns& s : study.series) {
    AnalysedRuns a{s.rule, s.network, {}};
    for (const RunRecord* run : s.runs) {
      if (group.empty() ? !run->analysis.empty() : cli::analysis_group(*run, group) != nullptr) a.runs.push_back(run);
    }
    if (!a.runs.empty()) found.push_back(std::move(a));
  }
  return found;
}

std::vector<const AnalysedRuns*> pointers_to(const std::vector<AnalysedRuns>& all) {
  std::vector<const AnalysedRuns*> pointers;
  for (const AnalysedRuns& a : all) pointers.push_back(&a);
  return pointers;
}

History history(const AnalysedRuns& series, const std::function<double(const EpochMetrics&)>& value, int first_epoch) {
  std::map<int, std::vector<double>> by_epoch;
  for (std::size_t s = 0; s < series.runs.size(); ++s) {
    for (const EpochMetrics& row : series.runs[s]->training) {
      if (row.epoch < first_epoch) continue;
      auto& values = by_epoch.try_emplace(row.epoch, series.runs.size(), quiet_nan).first->second;
      values[s] = value(row);
    }
  }
  History found;
  found.by_seed.resize(series.runs.size());
  for (const auto& [epoch, values] : by_epoch) {
    const Interval i = mean_interval(values);
    found.x.push_back(epoch);
    for (std::size_t s = 0; s < values.size(); ++s) found.by_seed[s].push_back(values[s]);
    found.mean.push_back(i.mean);
    found.low.push_back(i.low);
    found.high.push_back(i.high);
  }
  return found;
}

std::string seeds_text(const Study& study) {
  std::size_t least = 0, most = 0;
  for (const AnalysedRuns& s : study.series) {
    least = least == 0 ? s.runs.size() : std::min(least, s.runs.size());
    most = std::max(most, s.runs.size());
  }
  if (least == most) return most == 1 ? "one seed" : cat(most, " seeds");
  return cat(least, " to ", most, " seeds");
}

std::string interval_note(const Study& study) {
  const bool any = std::any_of(study.series.begin(), study.series.end(), [](auto& s) { return s.runs.size() > 1; });
  return any ? "the interval is Student's t at 95 % over seeds" : "one seed has no interval";
}

}  // namespace strata::report
