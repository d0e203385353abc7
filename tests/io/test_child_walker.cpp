// What a child process meets in our place: each way to end becomes one error, and the next file is walked as if nothing
// had been.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <memory>

#include "framework/core/errors.hpp"
#include "framework/io/child_walker.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/says.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

// Does what the file's name says.
std::string walk(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  if (name == "data") throw DataError("the data are wrong");
  if (name == "io") throw IoError("the disk is wrong");
  if (name == "other") throw std::runtime_error("something is wrong");
  if (name == "crash") ::raise(SIGSEGV);
  if (name == "exit") ::_exit(3);
  if (name == "loop") {
    for (std::atomic<int> i = 0;;) ++i;
  }
  if (name == "memory") {
    std::vector<std::unique_ptr<char[]>> all;
    for (;;) all.push_back(std::make_unique<char[]>(1 << 20));
  }
  if (name == "length") std::string().reserve(static_cast<std::size_t>(-1));
  if (name == "print") ::write(STDERR_FILENO, "seen\n", 5);
  return "walked " + name;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_end_of_a_child) {
  const ChildWalker walker(walk, {.seconds = 1, .bytes = std::size_t{64} << 20});
  const auto fine = [&] { BOOST_TEST(walker("fine") == "walked fine"); };
  fine();
  BOOST_CHECK_EXCEPTION(walker("data"), DataError, says({"the data are wrong"}));
  BOOST_CHECK_EXCEPTION(walker("io"), IoError, says({"the disk is wrong"}));
  BOOST_CHECK_EXCEPTION(walker("a/other"), DataError, says({"a/other", "is damaged", "something is wrong"}));
  fine();
  for (const char* name : {"crash", "exit"}) {
    BOOST_CHECK_EXCEPTION(walker(name), DataError, says({name, "is damaged", "crashes"}));
    fine();
  }
  BOOST_CHECK_EXCEPTION(walker("loop"), DataError, says({"loop", "is damaged", "more than 1 s"}));
  BOOST_CHECK_EXCEPTION(walker("length"), DataError, says({"length", "is damaged", "64 MiB"}));
  fine();
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  BOOST_CHECK_EXCEPTION(walker("memory"), DataError, says({"memory", "is damaged", "64 MiB"}));
  fine();
#endif
  walker("print");  // to /dev/null: what a library says as it dies is not for the user
}

BOOST_AUTO_TEST_CASE(names_of_any_length) {
  const ChildWalker walker(walk);
  BOOST_TEST(walker(std::string(3000, 'x')) == "walked " + std::string(3000, 'x'));
  BOOST_CHECK_THROW(walker(""), Error);
}

// Ctrl-C reaches all processes of a terminal; the server stays for as long as its parent.
BOOST_AUTO_TEST_CASE(the_server_ends_with_its_parent_and_not_before) {
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    ::signal(SIGINT, SIG_IGN);
    const ChildWalker walker(walk);
    ::kill(0, SIGINT);
    const bool good = walker("fine") == "walked fine";
    ::close(ends[0]);
    ::_exit(good ? 0 : 1);  // without the destructor, as if killed
  }
  ::close(ends[1]);
  char none;
  BOOST_TEST(::read(ends[0], &none, 1) == 0);  // returns when parent and server are both gone
  int status = -1;
  BOOST_TEST(::waitpid(child, &status, 0) == child);
  BOOST_TEST(status == 0);
  ::close(ends[0]);
}
