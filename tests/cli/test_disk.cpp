// What a disk can do: fill up, refuse, vanish, be locked. One line each, finished runs intact, and the same command goes on
// when the disk is well again.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "framework/io/run_file.hpp"
#include "tests/cli/program.hpp"

using namespace strata::testing;

namespace {

const std::string grid =
    "compare --dataset clusters --hidden 100x2 --rules backprop,fa --seeds 2 --epochs 2 --snapshots none --threads 1 ";

// All runs of `out` are those of an undisturbed grid.
void check_same(const Scratch& in, const std::string& out) {
  if (!fs::exists(in / "undisturbed")) BOOST_REQUIRE(call(in, grid + "--out undisturbed").code == 0);
  BOOST_REQUIRE(run_files(in / out).size() == 4U);
  for (const fs::path& file : run_files(in / out)) {
    BOOST_TEST(difference(file, in / "undisturbed" / "runs" / file.filename()) == "", file.filename());
  }
}

// Every line of stderr that is no progress.
Words complaints(const Outcome& o) {
  Words all;
  for (const std::string& line : lines(o.err)) {
    if (line.starts_with("strata: ")) all.push_back(line);
  }
  return all;
}

// Some runs could not be written: one line each, finished ones whole.
void check_failed(const Outcome& o, const fs::path& out, const std::string& why) {
  BOOST_TEST((o.code == 3 || o.code == 1), o.err);
  BOOST_TEST(!o.killed);
  BOOST_TEST(contains(o.err, why), o.err);
  const auto files = run_files(out);
  BOOST_TEST(files.size() < 4U);
  for (const fs::path& file : files) BOOST_TEST(strata::validate_run_file(file).status == "complete");
  BOOST_TEST(run_files(out, ".tmp").empty());
  BOOST_TEST(complaints(o).size() <= 5U, o.err);  // a run each, and the summaries
}

struct Mounted {
  fs::path at;
  bool good;
  Mounted(const fs::path& folder, const char* size) : at(folder) {
    fs::create_directories(at);
    good = ::mount("none", at.c_str(), "tmpfs", 0, size) == 0;
  }
  bool resize(const char* size) const { return ::mount("none", at.c_str(), "tmpfs", MS_REMOUNT, size) == 0; }
  ~Mounted() {
    if (good) ::umount2(at.c_str(), MNT_DETACH);
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_full_disk) {
  const Scratch in;
  const Mounted disk(in / "disk", "size=600k");
  if (!disk.good) {
    BOOST_TEST_MESSAGE("skipped: may not mount a small disk here");
    return;
  }
  const Outcome full = call(in, grid + "--out disk/out");
  check_failed(full, in / "disk/out", "No space left on device");
  BOOST_REQUIRE(disk.resize("size=64m"));
  BOOST_TEST(call(in, grid + "--out disk/out").code == 0);
  check_same(in, "disk/out");
}

// `ulimit -f` would end the program by a signal if nobody asked it not to.
BOOST_AUTO_TEST_CASE(a_limit_on_the_size_of_files) {
  const Scratch in;
  const Start shell{.program = "/bin/sh"};
  const std::string command = "ulimit -f 300; exec " + program_under_test() + " " + grid + "--out out";
  check_failed(call(in.path(), {"-c", command}, shell), in / "out", "File too large");
  BOOST_TEST(call(in, grid + "--out out").code == 0);
  check_same(in, "out");
}

BOOST_AUTO_TEST_CASE(a_folder_that_vanishes) {
  const Scratch in;
  Running program(in.path(), words("compare --dataset clusters --hidden 200x3 --rules backprop,fa --seeds 2 --epochs "
                                   "1000000 --threads 1 --out out"));
  BOOST_REQUIRE(program.until([&] { return !run_files(in / "out", ".checkpoint").empty(); }));
  fs::remove_all(in / "out");
  const Outcome o = program.wait();
  BOOST_TEST((o.code == 3 || o.code == 1), o.err);
  BOOST_TEST(contains(o.err, "No such file or directory"), o.err);
  BOOST_TEST(complaints(o).size() <= 5U, o.err);
  BOOST_TEST(call(in, grid + "--out out").code == 0);
  check_same(in, "out");
}

BOOST_AUTO_TEST_CASE(a_file_that_another_program_holds) {
  const Scratch in;
  BOOST_REQUIRE(call(in, grid + "--out out").code == 0);
  const fs::path file = run_files(in / "out").front();
  const auto before = tree(in / "out");
  const int held = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  BOOST_REQUIRE(::flock(held, LOCK_EX) == 0);  // as HDF5 does for a file that it writes to
  for (const std::string& line :
       {"validate " + file.string(), grid + "--out out", std::string("attribute ") + file.string()}) {
    BOOST_TEST(not_refused(call(in, line), {file.filename().string(), "locked", "HDF5_USE_FILE_LOCKING"}, 1) == "",
               line);
  }
  const Outcome collected = call(in, "collect out");
  BOOST_TEST(collected.code == 3);
  BOOST_TEST(contains(collected.err, "HDF5_USE_FILE_LOCKING"), collected.err);
  ::close(held);
  BOOST_TEST(call(in, grid + "--out out").code == 0);
  auto after = tree(in / "out");
  for (const auto& [name, bytes] : before) {
    if (name.starts_with("runs/")) BOOST_TEST((after[name] == bytes), name);
  }
}

BOOST_AUTO_TEST_CASE(a_copy_of_a_run_beside_it) {
  const Scratch in;
  BOOST_REQUIRE(call(in, grid + "--out out").code == 0);
  const fs::path file = run_files(in / "out").front();
  fs::copy_file(file, file.parent_path() / (file.stem().string() + " (copy).h5"));
  const Outcome o = call(in, grid + "--out out");
  BOOST_TEST(o.code == 0, o.err);
  BOOST_TEST(contains(o.err, "(copy).h5: holds the same run as"), o.err);
  BOOST_TEST(lines(content(in / "out" / "summary.csv")).size() == 5U);
}
