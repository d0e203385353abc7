// The program on a terminal: the live table, its colours, what is left on the screen in the end.
#include <signal.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>

#include "experiments/cli/text.hpp"
#include "tests/cli/program.hpp"
#include "tests/cli/screen.hpp"

using namespace strata::testing;
using strata::cli::columns_of;

namespace {

const std::string net = " --dataset clusters --hidden 8 --snapshots none --out out";
const std::string for_ever = " --epochs 1000000";

std::size_t count(const Words& all, const std::string& beginning) {
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [&](const std::string& line) { return line.starts_with(beginning); }));
}

bool holds(const Words& all, const std::string& part) {
  return std::any_of(all.begin(), all.end(), [&](const std::string& line) { return contains(line, part); });
}

struct Seen {
  Outcome outcome;
  Words table;  // the screen at the moment of the interruption
  Words last;   // all there is to see in the end
  bool wrapped = false, scrolled = false;
};

// Trains until the screen has what `enough` looks for, then Ctrl-C as a user types it. The header must never stand there twice.
Seen interrupted_when(const std::string& line, const std::function<bool(Running&, const Words&)>& enough,
                      Start start = {}) {
  const Scratch in;
  Screen screen(start.width, start.height);
  Seen seen;
  start.terminal = true;
  start.environment.insert(start.environment.begin(), {"TERM", "xterm"});
  start.watch = [&](Running& program, const std::string& text) {
    screen.feed(text);
    const Words now = screen.lines();
    BOOST_TEST(count(now, "rule ") <= 1U);
    if (!seen.table.empty() || !enough(program, now)) return;
    seen.table = now;
    seen.wrapped = screen.wrapped();
    seen.scrolled = screen.scrolled();
    program.type("\x03");
    program.signal(SIGINT);
  };
  seen.outcome = call(in, line + net + for_ever, start);
  seen.last = screen.lines();
  BOOST_TEST(seen.outcome.code == 130, seen.outcome.err);
  BOOST_TEST(!seen.table.empty(), seen.outcome.err);
  return seen;
}

bool two_rows(Running&, const Words& screen) { return count(screen, "fa ") == 1 && count(screen, "dfa ") == 1; }

}  // namespace

BOOST_AUTO_TEST_CASE(a_live_table) {
  const Seen seen = interrupted_when("compare --threads 2 --seeds 1 --rules fa,dfa", two_rows);
  BOOST_TEST(seen.table.at(0).starts_with("rule  seed"), seen.table.at(0));
  for (const std::string column : {"epoch", "loss", "val %", "left"}) BOOST_TEST(contains(seen.table[0], column));
  BOOST_TEST(seen.table.size() == 4U);
  BOOST_TEST(holds(seen.table, "/1000000"));
  BOOST_TEST(contains(seen.table.back(), "░ 0/2 runs, 0 %"), seen.table.back());
  BOOST_TEST(contains(seen.outcome.err, "\033[36m"));
  BOOST_TEST(!seen.wrapped);
  BOOST_TEST(!seen.scrolled);
  // What stays: the word, and a line a run.
  BOOST_TEST_REQUIRE(seen.last.size() == 4U);  // the word takes two
  BOOST_TEST(seen.last[0].starts_with("stopping: the last whole epoch is saved"), seen.last[0]);
  BOOST_TEST(count(seen.last, "fa s0: interrupted after epoch ") == 1U);
  BOOST_TEST(count(seen.last, "dfa s0: interrupted after epoch ") == 1U);
}

BOOST_AUTO_TEST_CASE(networks_have_a_column_if_there_are_several) {
  const Scratch in;
  write(in / "nets.ini", "[network.deep]\nhidden = 8x3\n");
  const Seen seen = interrupted_when("run --rule fa", [](Running&, const Words& s) { return count(s, "fa ") == 1; });
  BOOST_TEST(!holds(seen.table, "network"));
  const std::string config = " --config " + (in / "nets.ini").string();
  const Seen both = interrupted_when("compare --threads 2 --rules fa --seeds 1 --networks mlp,deep" + config,
                                     [](Running&, const Words& s) { return count(s, "fa ") == 2; });
  BOOST_TEST(both.table.at(0).starts_with("rule  network  seed"), both.table.at(0));
  BOOST_TEST(count(both.table, "fa    deep  ") == 1U);
}

BOOST_AUTO_TEST_CASE(finished_runs_leave_a_line) {
  const Scratch in;
  Screen screen(60, 5);
  const Start start{.environment = {{"TERM", "xterm"}},
                    .terminal = true,
                    .width = 60,
                    .height = 5,
                    .watch = [&](Running&, const std::string& text) { screen.feed(text); }};
  const std::string line = "compare --threads 2 --seeds 3 --rules fa,dfa" + net + " --epochs ";
  const Outcome first = call(in, line + "1", start);
  BOOST_TEST(first.code == 0);
  BOOST_TEST(screen.lines().size() == 6U);
  BOOST_TEST(count(screen.lines(), "fa s") == 3U);
  BOOST_TEST(count(screen.lines(), "dfa s") == 3U);
  BOOST_TEST(holds(screen.lines(), ": done, test "));
  BOOST_TEST(first.err.ends_with("\r\033[J") != first.err.ends_with("A\033[J"));  // the table is gone
  // Gone on with: that is said, too.
  screen = Screen(60, 5);
  BOOST_TEST(call(in, line + "2", start).code == 0);
  BOOST_TEST(screen.lines().size() == 12U);
  BOOST_TEST(holds(screen.lines(), "fa s2: goes on after epoch 1"));
  // Nothing to train, nothing to show.
  BOOST_TEST(call(in, line + "2", start).err == "");
}

BOOST_AUTO_TEST_CASE(small_terminals) {
  Seen seen = interrupted_when("compare --threads 4 --seeds 2 --rules fa,dfa",
                               [](Running&, const Words& s) { return holds(s, "more"); }, {.width = 40, .height = 6});
  BOOST_TEST(seen.table.size() == 5U);
  BOOST_TEST(contains(seen.table[3], "… and 2 more"), seen.table[3]);
  BOOST_TEST(!seen.wrapped);
  BOOST_TEST(!seen.scrolled);
  for (const auto& [width, height] : {std::pair{20, 3}, std::pair{1, 1}, std::pair{300, 2}}) {
    BOOST_TEST_CONTEXT(width << " × " << height) {
      const auto anything = [](Running&, const Words& s) { return !s.empty(); };
      seen = interrupted_when(
          "compare --threads 4 --seeds 2 --rules fa,dfa", anything,
          {.width = static_cast<unsigned short>(width), .height = static_cast<unsigned short>(height)});
      BOOST_TEST(seen.table.size() <= static_cast<std::size_t>(std::max(height - 1, 1)));
      BOOST_TEST(!seen.wrapped);
      BOOST_TEST(!seen.scrolled);
    }
  }
}

// The size is asked for each time.
BOOST_AUTO_TEST_CASE(a_terminal_that_becomes_narrow) {
  bool narrow = false;
  const auto enough = [&](Running& program, const Words& screen) {
    if (two_rows(program, screen) && contains(screen.at(0), "loss") && !narrow) {
      program.resize(24, 24);
      narrow = true;
    }
    return narrow && std::all_of(screen.begin(), screen.end(), [](const auto& l) { return columns_of(l) < 24; });
  };
  const Seen seen = interrupted_when("compare --threads 2 --seeds 1 --rules fa,dfa", enough);
  BOOST_TEST(seen.table.size() == 4U);
  BOOST_TEST(!contains(seen.table.at(0), "loss"), seen.table.at(0));
}

// After Ctrl-Z and fg the cursor is somewhere below what was drawn: what stands there now is not drawn over.
BOOST_AUTO_TEST_CASE(stopped_and_continued) {
  const Scratch in;
  Screen screen(80, 24);
  int stops = 0;
  Start start{.environment = {{"TERM", "xterm"}}, .terminal = true};
  start.watch = [&](Running& program, const std::string& text) {
    screen.feed(text);
    const std::size_t tables = count(screen.lines(), "rule ");
    if (tables == 1 && stops == 0) {
      ++stops;
      program.signal(SIGSTOP);
      screen.feed("\r\n[1]+  Stopped\r\n$ fg\r\n");
      program.signal(SIGCONT);
    } else if (tables == 2 && stops == 1) {
      ++stops;
      program.signal(SIGINT);
    }
  };
  BOOST_TEST(call(in, "run" + net + for_ever, start).code == 130);
  BOOST_TEST(stops == 2);
  BOOST_TEST(holds(screen.lines(), "[1]+  Stopped"));
  BOOST_TEST(holds(screen.lines(), "$ fg"));
  BOOST_TEST(holds(screen.lines(), "stopping: "));
}

BOOST_AUTO_TEST_CASE(no_colour) {
  const Seen none =
      interrupted_when("compare --threads 2 --seeds 1 --rules fa,dfa", two_rows, {.environment = {{"NO_COLOR", "1"}}});
  BOOST_TEST(contains(none.outcome.err, "░"));
  for (const std::string colour : {"\033[36m", "\033[1m", "\033[0m"}) BOOST_TEST(!contains(none.outcome.err, colour));
  const Seen some =
      interrupted_when("compare --threads 2 --seeds 1 --rules fa,dfa", two_rows, {.environment = {{"NO_COLOR", ""}}});
  BOOST_TEST(contains(some.outcome.err, "\033[36m"));  // empty counts as not set
}

BOOST_AUTO_TEST_CASE(plain_lines_where_there_is_no_table) {
  const Scratch in;
  for (const Start& start : {Start{.environment = {{"TERM", "dumb"}}, .terminal = true}, Start{.terminal = true},
                             Start{}, Start{.environment = {{"TERM", "xterm"}}}}) {
    const Outcome o = call(in, "compare --rules fa --seeds 1 --epochs 2" + net, start);
    BOOST_TEST(o.code == 0);
    BOOST_TEST(!contains(o.err + o.out, "\033"));
    BOOST_TEST(contains(o.err, "fa s0: epoch 2/2, training loss "));
    fs::remove_all(in / "out");
  }
  const Start terminal{.environment = {{"TERM", "xterm"}}, .terminal = true};
  BOOST_TEST(call(in, "compare --quiet --rules fa --seeds 2 --epochs 2" + net, terminal).err == "");
  BOOST_TEST(call(in, "run --quiet --rule dfa --epochs 2" + net, terminal).err == "");
}
