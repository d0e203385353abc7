// Killed at random moments, again and again, and started again: nothing finished is lost, every file opens or is known to be
// unfinished, and what it ends with is what an undisturbed grid ends with, bit for bit.
//
//   test_kill -- 100      kills at least 100 times (default 12)
#include <signal.h>

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <random>
#include <thread>

#include "framework/core/errors.hpp"
#include "framework/io/checkpoint.hpp"
#include "framework/io/run_file.hpp"
#include "tests/cli/program.hpp"
#include "tests/support/count.hpp"

using namespace strata::testing;

namespace {

const std::string grid =
    "compare --dataset clusters --hidden 60x2 --rules backprop,dtp --seeds 2 --epochs 5 --batch 32 --threads 2 "
    "--snapshots 0,2,last --examples 16 --neurons 8 --dropout .1 --out ";

// What a kill may leave.
void check_left(const fs::path& out, const std::map<std::string, std::string>& before, const fs::path& undisturbed) {
  if (!fs::exists(out / "runs")) return;
  for (const fs::path& file : run_files(out)) {
    strata::validate_run_file(file);
    BOOST_TEST(difference(file, undisturbed / "runs" / file.filename()) == "", file.filename());
  }
  for (const auto& [name, bytes] : before) {
    if (name.ends_with(".h5") && name.starts_with("runs/")) BOOST_TEST((content(out / name) == bytes), name);
  }
  for (const fs::path& file : run_files(out, ".h5.partial")) {
    BOOST_TEST(strata::validate_run_file(file).status == "running", file.filename());
  }
  for (const fs::path& file : run_files(out, ".checkpoint")) BOOST_CHECK_NO_THROW(strata::read_checkpoint(file));
}

}  // namespace

BOOST_AUTO_TEST_CASE(killed_at_random_moments) {
  const Scratch in;
  const auto start = std::chrono::steady_clock::now();
  BOOST_REQUIRE(call(in, grid + "undisturbed").code == 0);
  const std::chrono::duration<double> whole = std::chrono::steady_clock::now() - start;
  std::mt19937 random(7);  // the moments are random anyway: how fast the machine is varies
  // A program that starts anew gets about as far as a fifth of the grid, so each grid is killed some times.
  std::uniform_real_distribution<double> moment(0, 0.4 * whole.count());

  const int wanted = count_or(12);
  int kills = 0, grids = 0, left_behind = 0;
  for (; kills < wanted; ++grids) {
    const std::string name = "out" + std::to_string(grids);
    const fs::path out = in / name;
    for (;;) {
      const auto before = fs::exists(out) ? tree(out) : std::map<std::string, std::string>();
      Running program(in.path(), words(grid + name));
      std::this_thread::sleep_for(std::chrono::duration<double>(moment(random)));
      program.signal(SIGKILL);
      const Outcome outcome = program.wait();
      check_left(out, before, in / "undisturbed");
      if (!outcome.killed) {
        BOOST_TEST(outcome.code == 0, outcome.err);
        break;
      }
      ++kills;
      left_behind += !fs::exists(out / "runs") || run_files(out).size() < 4;
    }
    BOOST_REQUIRE(run_files(out).size() == 4U);
    for (const auto& [file, bytes] : tree(out)) {
      BOOST_TEST(!file.ends_with(".tmp"), file);
      BOOST_TEST(!file.ends_with(".partial"), file);
    }
  }
  BOOST_TEST(left_behind > 0);
  BOOST_TEST_MESSAGE(
      strata::cat(kills, " kills, ", left_behind, " of them before the runs were finished, over ", grids, " grids"));
}
