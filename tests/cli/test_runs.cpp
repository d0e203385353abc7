// One run over and over: finished runs are skipped, extended or left as they are; damaged and diverged ones.
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "framework/io/run_file.hpp"
#include "tests/cli/program.hpp"

using namespace strata::testing;
using strata::read_run_file;

namespace {

const std::string tiny = " --dataset clusters --hidden 16x2";

Outcome run(const Scratch& in, const std::string& line) {
  Outcome o = call(in, line);
  BOOST_TEST_CONTEXT(line) { BOOST_REQUIRE_MESSAGE(o.code == 0, "exit " << o.code << ": " << o.err); }
  return o;
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_same_command_again_trains_nothing) {
  const Scratch in;
  const std::string line = "run" + tiny + " --epochs 2 --rule fa --seed 3";
  const Outcome first = run(in, line);
  BOOST_TEST(contains(first.out, "fa on mlp and clusters, seed 3: complete, test "));
  BOOST_TEST(contains(first.err, "epoch 2/2"));
  const fs::path file = only_run(in / "strata-out");  // the default folder
  BOOST_TEST(contains(first.out, "strata-out/runs/" + file.filename().string()));
  BOOST_TEST(file.filename().string().starts_with("fa-mlp-s3-"));
  const std::string bytes = content(file);
  const auto written = fs::last_write_time(file);
  const Outcome second = run(in, line);
  BOOST_TEST(second.out == first.out);
  BOOST_TEST(!contains(second.err, "epoch"));
  BOOST_TEST((content(file) == bytes));
  BOOST_TEST((fs::last_write_time(file) == written));
  // Threads, folders and words are not part of what is trained, nor is how the options are ordered.
  run(in, "run --quiet --seed 3 --rule fa --threads 1 --epochs 2" + tiny + " --out strata-out");
  BOOST_TEST((content(only_run(in / "strata-out")) == bytes));
  // What is: each of these is another run.
  for (const std::string other : {"--lr .01", "--seed 4", "--batch 64", "--activation relu", "--split-seed 1"}) {
    const std::size_t before = run_files(in / "strata-out").size();
    const std::string base = "run" + tiny + " --epochs 2 --rule fa ";
    run(in, base + (other == "--seed 4" ? "" : "--seed 3 ") + other);
    BOOST_TEST(run_files(in / "strata-out").size() == before + 1, other);
  }
}

BOOST_AUTO_TEST_CASE(more_epochs_extend_a_run_as_if_never_stopped) {
  const Scratch in;
  for (const std::string rule : {"backprop", "dtp"}) {
    BOOST_TEST_CONTEXT(rule) {
      const std::string line = "run" + tiny + " --rule " + rule + " --epochs ";
      run(in, line + "2 --out short-" + rule);
      const Outcome longer = run(in, line + "5 --out short-" + rule);
      BOOST_TEST(contains(longer.err, "goes on after epoch 2"));
      BOOST_TEST(!contains(longer.err, "epoch 2/5"));
      run(in, line + "5 --out long-" + rule);
      const fs::path extended = only_run(in / ("short-" + rule)), undisturbed = only_run(in / ("long-" + rule));
      BOOST_TEST(read_run_file(extended).training.size() == 6U);
      BOOST_TEST(read_run_file(extended, true).weights.size() >= 6U);
      BOOST_TEST(difference(extended, undisturbed) == "");
    }
  }
}

BOOST_AUTO_TEST_CASE(fewer_epochs_leave_a_run_as_it_is) {
  const Scratch in;
  run(in, "run" + tiny + " --epochs 3 --out out");
  const std::string bytes = content(only_run(in / "out"));
  const Outcome fewer = run(in, "run" + tiny + " --epochs 2 --out out");
  BOOST_TEST((content(only_run(in / "out")) == bytes));
  BOOST_TEST(lines(fewer.err).size() == 1U);
  for (const std::string word : {"strata: ", "3 epochs", "the 2 asked for"}) BOOST_TEST(contains(fewer.err, word));
  BOOST_TEST(contains(fewer.out, "at the last (3)"));
}

// A cosine depends on the number of epochs: another number is another run.
BOOST_AUTO_TEST_CASE(a_schedule_over_the_whole_run_is_not_extended) {
  const Scratch in;
  run(in, "run" + tiny + " --schedule cosine --epochs 2 --out out");
  const Outcome longer = run(in, "run" + tiny + " --schedule cosine --epochs 3 --out out");
  BOOST_TEST(!contains(longer.err, "goes on"));
  BOOST_TEST(run_files(in / "out").size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_damaged_file_is_made_anew_and_kept) {
  const Scratch in;
  const std::string line = "run" + tiny + " --epochs 2 --out ";
  run(in, line + "out");
  run(in, line + "whole");
  const fs::path file = only_run(in / "out");
  for (const bool with_checkpoint : {true, false}) {
    fs::resize_file(file, fs::file_size(file) / 2);
    const std::string damaged = content(file);
    if (!with_checkpoint) fs::remove(fs::path(file).replace_extension(".checkpoint"));
    run(in, line + "out");
    BOOST_TEST(difference(file, only_run(in / "whole")) == "");
    const auto kept = run_files(in / "out", ".h5.damaged");
    BOOST_REQUIRE(kept.size() == 1U);
    BOOST_TEST((content(kept[0]) == damaged));
  }
}

// Beside a run that is damaged, and not asked for now: named, left out, and no reason to fail.
BOOST_AUTO_TEST_CASE(a_strange_file_among_the_runs) {
  const Scratch in;
  run(in, "run" + tiny + " --epochs 1 --out out");
  write(in / "out/runs/notes.h5", "mine");
  const Outcome again = run(in, "run" + tiny + " --epochs 1 --out out");
  BOOST_TEST(contains(again.err, "notes.h5"));
  BOOST_TEST(lines(content(in / "out/summary.csv")).size() == 2U);
  const Outcome collected = call(in, "collect out");
  BOOST_TEST(collected.code == 3);
  BOOST_TEST(contains(collected.err, "strata: left out: "));
  BOOST_TEST(contains(collected.err, "notes.h5"));
  BOOST_TEST(contains(collected.out, "backprop  1"));
  BOOST_TEST(content(in / "out/runs/notes.h5") == "mine");
}

BOOST_AUTO_TEST_CASE(weights_are_kept_as_asked) {
  const Scratch in;
  const std::string line = "run" + tiny + " --epochs 2 --rule dtp --out out --save-weights ";
  run(in, line + "none");
  const fs::path file = only_run(in / "out");
  BOOST_TEST(read_run_file(file, true).weights.empty());
  const auto history = data_of(file);
  for (const std::string which : {"last", "best"}) {  // from the checkpoint, without training
    const Outcome o = run(in, line + which);
    BOOST_TEST(!contains(o.err, "epoch 2/2"));
    auto parts = data_of(file);
    std::set<std::string> groups;
    for (const auto& w : read_run_file(file, true).weights) groups.insert(w.group);
    BOOST_TEST((groups == std::set<std::string>{"forward", "inverse"}));
    std::erase_if(parts, [](const auto& part) { return part.first.starts_with("weight "); });
    BOOST_TEST((parts == history));
  }
}

BOOST_AUTO_TEST_CASE(a_diverged_run_is_finished_and_exits_with_3) {
  const Scratch in;
  const std::string line = "run" + tiny + " --epochs 3 --lr 1e5 --optimizer sgd --activation relu --out out";
  const Outcome first = call(in, line);
  BOOST_TEST(first.code == 3);
  BOOST_TEST(contains(first.out, "diverged: "));
  BOOST_TEST(contains(first.out, "non-finite in epoch 1"));
  const fs::path file = only_run(in / "out");
  const auto record = read_run_file(file);
  BOOST_TEST(record.status == "diverged");
  BOOST_TEST(contains(record.status_detail, "non-finite in epoch 1"));
  BOOST_TEST(call(in.path(), {"validate", file}).code == 0);
  const std::string bytes = content(file);
  const auto written = fs::last_write_time(file);
  const Outcome second = call(in, line);
  BOOST_TEST(second.code == 3);
  BOOST_TEST(second.out == first.out);
  BOOST_TEST(second.err == "");  // not trained again
  BOOST_TEST((content(file) == bytes));
  BOOST_TEST((fs::last_write_time(file) == written));
}

BOOST_AUTO_TEST_CASE(the_others_go_on_where_one_diverges) {
  const Scratch in;
  const std::string line = "compare" + tiny +
                           " --epochs 2 --seeds 2 --rules backprop,fa --activation identity --backprop.optimizer sgd"
                           " --backprop.lr 1e5 --out out";
  for (const bool again : {false, true}) {
    const Outcome o = call(in, line);
    BOOST_TEST(o.code == 3);
    BOOST_TEST(contains(o.out, "backprop  diverged: "));
    BOOST_TEST(o.err.empty() == again);
    std::multiset<std::string> states;
    for (const auto& file : run_files(in / "out")) states.insert(read_run_file(file).status);
    BOOST_TEST((states == std::multiset<std::string>{"complete", "complete", "diverged", "diverged"}));
  }
  const Outcome json = call(in, line + " --json");
  BOOST_TEST(json.code == 3);
  for (const auto& row : nlohmann::json::parse(json.out)) {
    BOOST_TEST(row.at("status") == (row.at("rule") == "fa" ? "complete" : "diverged"));
    BOOST_TEST(row.at("mean").is_null() == (row.at("rule") == "backprop"));
  }
}

BOOST_AUTO_TEST_CASE(dry_runs_write_nothing) {
  const Scratch in;
  const Outcome before = run(in, "run" + tiny + " --dry-run --epochs 2 --rule fa --out out");
  BOOST_TEST(tree(in.path()).empty());
  BOOST_TEST(contains(before.out, "612"));  // 16·16+16 twice, and 16·4+4
  BOOST_TEST(contains(before.out, "  new"));
  run(in, "run" + tiny + " --epochs 2 --rule fa --out out");
  const auto files = tree(in.path());
  BOOST_TEST(contains(run(in, "run" + tiny + " --dry-run --epochs 2 --rule fa --out out").out, "  finished"));
  BOOST_TEST(contains(run(in, "run" + tiny + " --dry-run --epochs 9 --rule fa --out out").out, "  epoch 2 of 9"));
  const Outcome grid = run(in, "compare" + tiny + " --dry-run --seeds 2 --rules fa,dfa --out out");
  BOOST_TEST(contains(grid.out, "4 runs"));
  const Outcome all = run(in, "compare" + tiny + " --dry-run --seeds 1 --rules all --out out");
  const auto rules = nlohmann::json::parse(run(in, "list rules --json").out);
  BOOST_TEST(rules.size() >= 20U);
  for (const auto& rule : rules) BOOST_TEST(contains(all.out, rule.at("rule").get<std::string>()));
  BOOST_TEST((tree(in.path()) == files));
}
