// Ctrl-C and going on: what an interrupted run ends with is what it would have ended with undisturbed, bit for bit.
#include <signal.h>

#include <boost/test/unit_test.hpp>

#include "framework/core/errors.hpp"
#include "framework/io/run_file.hpp"
#include "tests/cli/program.hpp"

using namespace strata::testing;

namespace {

// No test waits for the end of that many epochs; each interrupts, and asks for fewer epochs in the end.
constexpr const char* for_ever = " --epochs 1000000";

/// Epochs trained so far of the only run under way in a folder, −1 before the first measurement is on disk.
int epochs_of(const fs::path& folder) {
  const auto files = run_files(folder, ".progress.jsonl");
  if (files.size() != 1 || run_files(folder, ".checkpoint").empty()) return -1;
  return static_cast<int>(lines(content(files[0])).size()) - 1;
}

void check_stopped(const Outcome& o, int code) {
  BOOST_TEST(o.code == code, o.err);
  BOOST_TEST(!o.killed);
  BOOST_TEST(contains(o.err, "stopping"));
  BOOST_TEST(contains(o.out, "interrupted after epoch"));
}

}  // namespace

BOOST_AUTO_TEST_CASE(interrupted_twice_and_ended_as_if_undisturbed) {
  for (const std::string rule : {"dfa", "dtp"}) {
    const Scratch in;
    const std::string line = "run --dataset clusters --hidden 200x3 --dropout .1 --rule " + rule + " --out ";
    int reached = -1;
    for (const auto& [number, code] : {std::pair{SIGINT, 130}, std::pair{SIGTERM, 143}}) {
      BOOST_TEST_CONTEXT(rule << " and signal " << number) {
        Running program(in.path(), words(line + "out" + for_ever));
        BOOST_REQUIRE(program.until([&] { return epochs_of(in / "out") > reached; }));
        program.signal(number);
        check_stopped(program.wait(), code);
        BOOST_TEST(run_files(in / "out").empty());
        const auto partial = run_files(in / "out", ".h5.partial");
        BOOST_REQUIRE(partial.size() == 1U);
        const auto record = strata::read_run_file(partial[0]);
        BOOST_TEST(record.status == "interrupted");
        BOOST_TEST(record.training.back().epoch == epochs_of(in / "out"));
        BOOST_TEST(record.training.back().epoch > reached);
        reached = record.training.back().epoch;
      }
    }
    const std::string end = " --epochs " + std::to_string(reached + 2);
    const Outcome last = call(in, line + "out" + end);
    BOOST_REQUIRE(last.code == 0);
    BOOST_TEST(contains(last.err, "goes on after epoch " + std::to_string(reached)));
    BOOST_TEST(run_files(in / "out", ".partial").empty());
    BOOST_REQUIRE(call(in, line + "undisturbed" + end).code == 0);
    BOOST_TEST(difference(only_run(in / "out"), only_run(in / "undisturbed")) == "");
  }
}

BOOST_AUTO_TEST_CASE(an_interrupted_grid_goes_on) {
  const Scratch in;
  const std::string line = "compare --dataset clusters --hidden 100x2 --rules backprop,fa --seeds 2 --threads 2 --out ";
  {
    Running program(in.path(), words(line + "out" + for_ever));
    BOOST_REQUIRE(program.until([&] { return run_files(in / "out", ".checkpoint").size() == 2; }));
    program.signal(SIGINT);
    const Outcome o = program.wait();
    BOOST_TEST(o.code == 130);
    BOOST_TEST(contains(o.err, "stopping"));
    BOOST_TEST(contains(o.out, "interrupted"));
  }
  std::size_t most = 0;
  for (const auto& file : run_files(in / "out", ".jsonl")) most = std::max(most, lines(content(file)).size());
  const std::string end = " --epochs " + std::to_string(most + 1);
  BOOST_REQUIRE(call(in, line + "out" + end).code == 0);
  BOOST_REQUIRE(call(in, line + "undisturbed" + end).code == 0);
  const auto some = run_files(in / "out"), all = run_files(in / "undisturbed");
  BOOST_REQUIRE(some.size() == 4U);
  BOOST_REQUIRE(all.size() == 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    BOOST_TEST(some[i].filename() == all[i].filename());
    BOOST_TEST(difference(some[i], all[i]) == "", some[i].filename());
  }
}

BOOST_AUTO_TEST_CASE(two_programs_in_one_folder) {
  const Scratch in;
  const std::string line = "run --dataset clusters --hidden 100x2 --out out";
  Running first(in.path(), words(line + for_ever));
  BOOST_REQUIRE(first.until([&] { return epochs_of(in / "out") >= 0; }));
  for (const std::string& second : {line, std::string("collect out")}) {
    BOOST_TEST(not_refused(call(in, second), {"--out out", "another strata"}, 1) == "");
  }
  BOOST_TEST(call(in, line + " --dry-run").code == 0);  // looking is allowed
  first.signal(SIGINT);
  check_stopped(first.wait(), 130);
  BOOST_TEST(call(in, "collect out").code == 0);
}

// A hang-up is no reason to stop.
BOOST_AUTO_TEST_CASE(a_closed_terminal_does_not_end_the_work) {
  const Scratch in;
  Running program(in.path(), words(strata::cat("run --dataset clusters --hidden 100x2 --out out", for_ever)));
  BOOST_REQUIRE(program.until([&] { return epochs_of(in / "out") >= 0; }));
  program.signal(SIGHUP);
  const int epochs = epochs_of(in / "out");
  BOOST_TEST(program.until([&] { return epochs_of(in / "out") > epochs + 1; }));
  program.signal(SIGTERM);
  check_stopped(program.wait(), 143);
}

// Two signals that reach a program stopped by a third are delivered one right after the other; a step of this net takes far
// longer than that, and only between steps would it save. So it leaves without saving.
BOOST_AUTO_TEST_CASE(told_twice_it_leaves_at_once) {
  const Scratch in;
  Running program(in.path(),
                  words(strata::cat("run --dataset clusters --hidden 300x3 --batch 1000 --out out", for_ever)));
  BOOST_REQUIRE(program.until([&] { return !run_files(in / "out", ".h5.partial").empty(); }));
  for (const int number : {SIGSTOP, SIGINT, SIGTERM, SIGCONT}) program.signal(number);
  const Outcome o = program.wait();
  BOOST_TEST((o.code == 130 || o.code == 143), o.code);
  BOOST_TEST(!o.killed);
  BOOST_TEST(contains(o.err, "stopping"), o.err);
  BOOST_TEST(o.out.empty(), o.out);
  BOOST_TEST(strata::read_run_file(run_files(in / "out", ".h5.partial").at(0)).status == "running");
}

// A reader that has gone is a reason to say so, not to lose the work.
BOOST_AUTO_TEST_CASE(a_closed_pipe_does_not_end_the_work) {
  const Scratch in;
  const Start shell{.program = "/bin/sh"};
  const std::string run = program_under_test() + " run --dataset clusters --hidden 20x2 --epochs 3 --out ";
  call(in.path(), {"-c", "(" + run + "results; echo $? > code) 2> errors | true"}, shell);
  BOOST_TEST(content(in / "code") == "1\n");
  BOOST_TEST(contains(content(in / "errors"), "strata: standard output: cannot be written"));
  call(in.path(), {"-c", "(" + run + "progress 2>&1 > said; echo $? > code) | true"}, shell);
  BOOST_TEST(content(in / "code") == "0\n");
  BOOST_TEST(contains(content(in / "said"), "complete"));
  BOOST_TEST(difference(only_run(in / "results"), only_run(in / "progress")) == "");
}

BOOST_AUTO_TEST_CASE(a_damaged_checkpoint_fails_that_run_alone) {
  const Scratch in;
  const std::string line = "compare --dataset clusters --hidden 8 --seeds 2 --rules backprop --out out --epochs ";
  BOOST_REQUIRE(call(in, line + "1").code == 0);
  const auto checkpoints = run_files(in / "out", ".checkpoint");
  BOOST_REQUIRE(checkpoints.size() == 2U);
  fs::resize_file(checkpoints[0], fs::file_size(checkpoints[0]) - 10);
  const Outcome o = call(in, line + "2");
  BOOST_TEST(o.code == 3);
  BOOST_TEST(contains(o.err, checkpoints[0].filename().string()));
  BOOST_TEST(contains(o.err, "delete it"));
  const auto files = run_files(in / "out");
  BOOST_REQUIRE(files.size() == 2U);
  BOOST_TEST(strata::read_run_file(files[0]).training.size() == 2U);
  BOOST_TEST(strata::read_run_file(files[1]).training.size() == 3U);
}
