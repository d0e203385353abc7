#include "experiments/cli/runner.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <map>
#include <numeric>
#include <optional>

#include "experiments/cli/build_info.hpp"
#include "experiments/cli/interrupt.hpp"
#include "experiments/cli/progress.hpp"
#include "experiments/cli/run_reader.hpp"
#include "experiments/cli/text.hpp"
#include "experiments/cli/victim.hpp"
#include "framework/core/errors.hpp"
#include "framework/io/checkpoint.hpp"
#include "framework/io/record_json.hpp"
#include "framework/io/replace_file.hpp"
#include "framework/io/run_file.hpp"
#include "framework/io/writer_thread.hpp"
#include "framework/losses/loss.hpp"
#include "framework/parallel/gemm.hpp"
#include "framework/parallel/parallel.hpp"

namespace strata::cli {
namespace {

namespace fs = std::filesystem;
using Outcome = RunResult::Outcome;

std::string now() {
  const std::time_t t = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&t, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

const char* name_of(SaveWeights which) {
  return which == SaveWeights::none ? "none" : which == SaveWeights::best ? "best" : "last";
}

// What all runs of a session share.
struct Session {
  const Program& program;
  const Plan& plan;
  Store& store;
  const RunnerSettings& settings;
  WriterThread& writer;
  Progress& progress;
  BuildInfo build = build_info();
  std::string binary = binary_id();
  std::string start = now();
};

// More epochs may be asked for later, where they do not change those there were.
bool keeps_checkpoint(const RunPlan& run, const std::string& status) {
  return status == "complete" && !depends_on_total_epochs(run.settings.schedule);
}

// The finished file of a run if it is there, intact, and covers what is asked for.
std::optional<RunRecord> finished(const RunPlan& run, const Store& store, SaveWeights wanted, const RunReader& reader) {
  const fs::path file = store.run_file(run.stem());
  if (!fs::exists(file)) return std::nullopt;
  try {
    RunRecord record = reader.read(file);
    const int epochs = record.training.empty() ? 0 : record.training.back().epoch;
    const bool ended = record.status == "diverged" || (record.status == "complete" && epochs >= run.settings.epochs);
    const bool weights = wanted == SaveWeights::none || record.status == "diverged" ||
                         record.provenance.value("save_weights", "") == name_of(wanted);
    if (record.hash == run.hash && ended && weights) {
      store.tidy(run.stem(), keeps_checkpoint(run, record.status));  // a program killed just after it wrote the file
      return record;
    }
  } catch (const DataError&) {
    // Damaged: made anew, and the damaged one kept for whoever wants to look at it.
    std::error_code ignored;
    fs::rename(file, file.string() + ".damaged", ignored);
  }
  return std::nullopt;
}

// One run from wherever it stands to its end.
class Run {
 public:
  Run(Session& session, std::size_t number)
      : s_(session), number_(number), run_(session.plan.runs[number]), stem_(run_.stem()),
        trainer_(Graph(run_.graph, session.program.layers), make_loss(run_.loss),
                 session.program.rules.at(run_.rule).make(run_.resolved.options), *session.plan.data,
                 session.plan.split, run_.settings),
        loss_(make_loss(run_.loss)) {}
  ~Run() {
    if (saving_.valid()) saving_.wait();
    s_.progress.leaves(number_);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  RunResult train() {
    go_on();
    s_.progress.begins(number_, trainer_);
    if (trainer_.epoch() >= 0) analyse();  // its checkpoint may stand at what has become the last epoch
    std::ofstream lines;
    open_progress_file(lines);
    try {
      while (trainer_.epoch() < run_.settings.epochs) {
        trainer_.next_epoch([] { return interrupted() != 0; });
        analyse();
        s_.progress.epoch_done(number_, trainer_);
        save(lines);
        if (interrupted() != 0 && trainer_.epoch() < run_.settings.epochs) throw Stopped("stopped");
      }
    } catch (const Stopped&) {
      wait();
      s_.writer.submit([&, r = record("interrupted", "")] { write_run_file(s_.store.partial_file(stem_), r); }).get();
      return {&run_, Outcome::interrupted, cat("interrupted after epoch ", std::max(trainer_.epoch(), 0)), {}};
    } catch (const DivergedError& e) {
      return finish("diverged", cat("rule ", run_.rule, ": ", e.what()));
    }
    if (!run_.trial) trainer_.evaluate_test();
    return finish("complete", "");
  }

 private:
  // Restores the checkpoint if there is one.
  void go_on() {
    binaries_ = {s_.binary};
    const fs::path file = s_.store.checkpoint(stem_);
    if (!fs::exists(file)) return;
    const auto saved = read_checkpoint(file);
    try {
      if (saved.at("hash") != run_.hash)
        throw DataError(cat("it belongs to the configuration ", saved.at("hash").dump()));
      binaries_ = saved.at("binaries").get<std::vector<std::string>>();
      if (binaries_.back() != s_.binary) {
        if (!s_.settings.allow_other_binary) {
          throw UsageError(cat("another build of strata (", binaries_.back(), ") trained it so far, this is ",
                               s_.binary,
                               ": its bits may differ; go on with --allow-other-binary, or choose another --out"));
        }
        binaries_.push_back(s_.binary);
      }
      trainer_.restore(saved.at("trainer"));
      for (const auto& group : saved.at("snapshots")) found_.push_back(data_group_from_json(group));
    } catch (const nlohmann::json::exception& e) {
      throw DataError(
          cat("checkpoint ", file.string(), ": ", e.what(), "; delete it to train this run from the beginning"));
    } catch (const DataError& e) {
      throw DataError(
          cat("checkpoint ", file.string(), ": ", e.what(), "; delete it to train this run from the beginning"));
    }
  }

  // The hierarchy, at the epochs that were asked for.
  void analyse() {
    const int epoch = trainer_.epoch();
    if (std::find(run_.snapshots.begin(), run_.snapshots.end(), epoch) == run_.snapshots.end()) return;
    const auto here = [&](const DataGroup& group) {
      return std::get<std::vector<std::int32_t>>(group.axis("snapshot").labels).front() == epoch;
    };
    if (std::any_of(found_.begin(), found_.end(), here)) return;
    if (!analysis_) {
      analysis_.emplace(trainer_.net(), *loss_, *s_.plan.data, s_.plan.split, run_.settings.seed, run_.analysis);
    }
    for (DataGroup& group : analysis_->at(epoch, trainer_.registry())) found_.push_back(std::move(group));
    if (!run_.attacks.attacks.empty()) attack(epoch);
  }

  void attack(int epoch) {
    const Dataset& data = *s_.plan.data;
    const Attackable examples{data, data.train,
                              sample_examples(s_.plan.split.validation, examples_attacked(), "attack/examples")};
    std::vector<Attacked> found;
    found.push_back(attack_net({{trainer_.net(), *loss_, trainer_.registry()}, trainer_.rule()}, run_.surrogate.get(),
                               examples, run_.attacks));
    if (found.front().table.names.empty()) return;  // the rule's decision allows none of them
    for (DataGroup& group : robustness_groups(snapshot_axis(epoch), found, run_.attacks)) {
      found_.push_back(std::move(group));
    }
  }

  Index examples_attacked() const {
    return run_.attacks.examples > 0 ? run_.attacks.examples : static_cast<Index>(s_.plan.split.validation.size());
  }

  // One group of each name over the snapshots that are asked for: a run that was extended keeps no earlier "last".
  std::vector<DataGroup> snapshots() const {
    std::vector<std::string> names;
    std::map<std::string, std::vector<DataGroup>> parts;
    for (const DataGroup& group : found_) {
      const DataGroup wanted =
          selected(group, "snapshot", std::vector<std::int32_t>(run_.snapshots.begin(), run_.snapshots.end()));
      if (wanted.axis("snapshot").size() == 0) continue;
      if (!parts.contains(group.name)) names.push_back(group.name);
      parts[group.name].push_back(wanted);
    }
    std::vector<DataGroup> all;
    for (const std::string& name : names) all.push_back(joined(parts[name], "snapshot"));
    return all;
  }

  // A line an epoch, for whoever watches the run; those of epochs already trained first.
  void open_progress_file(std::ofstream& lines) const {
    std::string past;
    for (const EpochMetrics& row : trainer_.training()) past += to_json(row).dump() + "\n";
    replace_file(s_.store.progress(stem_), past);
    lines.open(s_.store.progress(stem_), std::ios::app);
  }

  // Checkpoint and partial file on the writer thread, while the next epoch is trained.
  void save(std::ofstream& lines) {
    wait();
    auto snapshots = nlohmann::json::array();
    for (const DataGroup& group : found_) snapshots.push_back(to_json(group));
    auto state = nlohmann::json{{"hash", run_.hash},
                                {"binaries", binaries_},
                                {"trainer", trainer_.state()},
                                {"snapshots", std::move(snapshots)}};
    saving_ = s_.writer.submit([this, state = std::move(state), r = record("running", "")] {
      write_checkpoint(s_.store.checkpoint(stem_), state);
      write_run_file(s_.store.partial_file(stem_), r);
    });
    lines << to_json(trainer_.training().back()).dump() << std::endl;
  }

  void wait() {
    if (saving_.valid()) saving_.get();
  }

  RunResult finish(const std::string& status, const std::string& detail) {
    wait();
    const bool keep_checkpoint = keeps_checkpoint(run_, status);
    RunRecord r = record(status, detail);
    using Which = Trainer::Which;
    const SaveWeights which = s_.settings.save_weights;
    if (which != SaveWeights::none)
      r.weights = trainer_.weights(which == SaveWeights::best ? Which::best : Which::last);
    s_.writer
        .submit([&] {
          write_run_file(s_.store.run_file(stem_), r);
          s_.store.tidy(stem_, keep_checkpoint);
        })
        .get();
    r.weights.clear();
    return {&run_, status == "complete" ? Outcome::complete : Outcome::diverged, detail, std::move(r)};
  }

  RunRecord record(const std::string& status, const std::string& detail) const {
    RunRecord r;
    r.rule = run_.rule;
    r.network = run_.network;
    r.dataset = s_.plan.data->name;
    r.seed = run_.seed;
    r.hash = run_.hash;
    r.status = status;
    r.status_detail = detail;
    r.title = cat(run_.rule, " on ", run_.network, " and ", r.dataset, ", seed ", run_.seed);
    r.history = cat(now(), " strata ", s_.build.version, ": ", s_.settings.command_line);
    r.source = s_.build.source();
    const Graph& graph = trainer_.graph();
    for (const NodeId layer : graph.layers()) {
      r.layers.push_back(graph[layer].name);
      r.layer_units.push_back(static_cast<std::int32_t>(graph[layer].units));
      r.layer_depth.push_back(graph.depth(layer));
    }
    r.training = trainer_.training();
    r.layer_metrics = trainer_.layer_metrics();
    r.rule_metrics = trainer_.rule_metrics();
    r.analysis = snapshots();
    r.best_epoch = trainer_.best_epoch();
    r.provenance = {{"git_commit", s_.build.git_commit},
                    {"git_dirty", s_.build.git_dirty},
                    {"compiler", s_.build.compiler},
                    {"flags", s_.build.flags},
                    {"binary", join(binaries_)},
                    {"cpu_model", cpu_model()},
                    {"blas", gemm_backend()},
                    {"cores", hardware_threads()},
                    {"threads", current_threads()},
                    {"command_line", s_.settings.command_line},
                    {"start", s_.start},
                    {"end", now()},
                    {"data_checksum", s_.plan.data->checksum},
                    {"multiply_adds_per_step", trainer_.multiply_adds_per_step()},
                    {"parameters", graph.parameters()},
                    {"save_weights", name_of(s_.settings.save_weights)},
                    {"config", run_.config.dump()}};
    if (!run_.tuned.empty()) r.provenance["tuned"] = run_.tuned;
    r.provenance.update(run_.start);
    return r;
  }

  Session& s_;
  std::size_t number_;
  const RunPlan& run_;
  std::string stem_;
  Trainer trainer_;
  std::unique_ptr<Loss> loss_;                // the analysis's own
  std::optional<SnapshotAnalysis> analysis_;  // made when first needed
  std::vector<DataGroup> found_;              // by it, a snapshot after the other
  std::vector<std::string> binaries_;         // the builds that trained it, in order
  Written saving_;
};

std::string ending(const RunPlan& run, const EpochMetrics& last) {
  return run.trial ? cat("done, validation ", percent(last.validation_accuracy), " %")
                   : cat("done, test ", percent(last.test_accuracy), " %");
}

RunResult run_one(Session& session, std::size_t number) {
  const RunPlan& run = session.plan.runs[number];
  if (interrupted() != 0) return {&run, Outcome::interrupted, "interrupted before it began", {}};
  RunResult result{&run, Outcome::failed, "", {}};
  try {
    result = Run(session, number).train();
  } catch (const std::bad_alloc&) {
    result.message = "out of memory: try a smaller --batch, smaller layers or fewer --threads";
  } catch (const IoError& e) {
    result.message = e.what();
  } catch (const DataError& e) {
    result.message = e.what();
  } catch (const std::exception& e) {
    result.message = cat("rule ", run.rule, ": ", e.what());
  } catch (...) {  // from a rule of somebody else's
    result.message = cat("rule ", run.rule, ": threw what is no std::exception");
  }
  switch (result.outcome) {
    case Outcome::complete: session.progress.ended(number, ending(run, result.record.training.back())); break;
    case Outcome::diverged: session.progress.ended(number, "diverged: " + result.message); break;
    case Outcome::failed: session.progress.ended(number, "failed: " + result.message); break;
    default: session.progress.ended(number, result.message);
  }
  return result;
}

}  // namespace

std::vector<RunResult> execute(const Program& program, const Plan& plan, Store& store, const RunnerSettings& settings) {
  std::vector<RunResult> results(plan.runs.size());
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    const RunPlan& run = plan.runs[i];
    if (!run.unsupported.empty()) {
      results[i] = {&run, Outcome::unsupported, run.unsupported, {}};
    } else if (auto record = finished(run, store, settings.save_weights, *program.reader)) {
      const bool diverged = record->status == "diverged";
      results[i] = {&run, diverged ? Outcome::diverged : Outcome::complete, record->status_detail, std::move(*record)};
    } else {
      open.push_back(i);
    }
  }
  if (open.empty()) return results;
  std::stable_sort(open.begin(), open.end(), [&](auto a, auto b) { return plan.runs[a].cost > plan.runs[b].cost; });
  std::vector<ProgressItem> items(plan.runs.size());
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    const RunPlan& run = plan.runs[i];
    const bool several = plan.networks.size() > 1;
    items[i] = {run.rule, several ? run.network : "", run.seed, run.settings.epochs, 0};
  }
  for (const std::size_t i : open) items[i].cost = plan.runs[i].cost;
  WriterThread writer;
  Progress progress(items, open, settings.quiet);
  Session session{program, plan, store, settings, writer, progress};
  std::vector<std::function<void()>> jobs;
  for (const std::size_t i : open) jobs.emplace_back([&, i] { results[i] = run_one(session, i); });
  run_many(jobs, settings.threads);
  return results;
}

std::string describe_state(const RunPlan& run, const fs::path& folder, const RunReader& reader) {
  const fs::path runs = folder / "runs";
  const auto of = [&](int epochs) { return cat("epoch ", epochs, " of ", run.settings.epochs); };
  std::error_code ignored;  // a folder that cannot be entered holds nothing for us
  if (const fs::path file = runs / (run.stem() + ".h5"); fs::exists(file, ignored)) {
    try {
      const RunRecord record = reader.read(file);
      const int epochs = record.training.empty() ? 0 : record.training.back().epoch;
      if (record.status == "diverged") return "diverged";
      return epochs >= run.settings.epochs ? "finished" : of(epochs);
    } catch (const Error&) {
      return "damaged";
    }
  }
  if (!fs::exists(runs / (run.stem() + ".checkpoint"), ignored)) return "new";
  std::ifstream lines(runs / (run.stem() + ".progress.jsonl"));  // a line an epoch, epoch 0 first
  const auto count = std::count(std::istreambuf_iterator<char>(lines), std::istreambuf_iterator<char>(), '\n');
  return of(static_cast<int>(std::max<std::ptrdiff_t>(count - 1, 0)));
}

}  // namespace strata::cli
