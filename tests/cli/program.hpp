// Starts the built program as a user would, in a folder of its own, and looks at what it prints and leaves behind.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "framework/io/run_record.hpp"
#include "tests/support/folder.hpp"

namespace strata::testing {

using Words = std::vector<std::string>;

/// The folder that programs work in.
class Scratch : public Folder {
 public:
  Scratch() { fs::permissions(path(), fs::perms(0755)); }  // for the test that works as nobody
};

/// "run --rule fa" → {"run", "--rule", "fa"}
Words words(const std::string& line);

/// What a program came to.
struct Outcome {
  int code = -1;        ///< exit code; 128 + N where signal N ended it
  bool killed = false;  ///< a signal ended it: not an exit code of its own
  std::string out, err;
};

/// The program that is tested: the one just built, or STRATA_PROGRAM of the environment (an installed one, or one
/// that is wrong on purpose, to see a test fail).
std::string program_under_test();

class Running;

/// How a program is started besides its arguments.
struct Start {
  std::string program = program_under_test();
  std::vector<std::pair<std::string, std::string>> environment = {};
  bool terminal = false;                   ///< stderr is a terminal
  bool nobody = false;                     ///< as the user nobody (root alone can ask for it)
  unsigned short width = 80, height = 24;  ///< of the terminal
  /// Called with each piece of text that the terminal gets.
  std::function<void(Running&, const std::string&)> watch = {};
};

/// A program under way, in the folder `in`; killed if the test leaves it.
class Running {
 public:
  Running(const fs::path& in, const Words& arguments, const Start& start = {});
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  void signal(int number) const;
  /// On its terminal.
  void type(const std::string& keys) const;
  void resize(unsigned short width, unsigned short height) const;
  /// Looks every few milliseconds until `condition` holds; false if the program ends or a minute passes first.
  bool until(const std::function<bool()>& condition);
  /// What it wrote to stderr so far.
  std::string errors() const;
  Outcome wait();

 private:
  fs::path out_, err_;
  pid_t pid_ = -1;
  int status_ = 0, terminal_ = -1;
};

/// Runs it to its end.
Outcome call(const fs::path& in, const Words& arguments, const Start& start = {});
inline Outcome call(const Scratch& in, const std::string& line, const Start& start = {}) {
  return call(in.path(), words(line), start);
}

void write(const fs::path& file, const std::string& bytes);
Words lines(const std::string& text);
bool contains(const std::string& text, const std::string& part);

/// Every file and folder below `folder` with its bytes.
std::map<std::string, std::string> tree(const fs::path& folder);
/// Files in `folder`/runs whose name ends in `ending`, sorted.
std::vector<fs::path> run_files(const fs::path& folder, const std::string& ending = ".h5");
/// The only finished run of a folder. Throws std::runtime_error if there is none, or several.
fs::path only_run(const fs::path& folder);

/// Everything in a run file that training decides, weights included, by part: equal only if all bits are. Times and
/// provenance are left out.
std::map<std::string, std::string> data_of(const fs::path& file);
/// The names of the parts in which two runs differ.
std::string difference(const fs::path& a, const fs::path& b);

/// "" if the outcome is exit code `code`, nothing on stdout and a single line "strata: …" with all of `parts` on
/// stderr; otherwise what it was instead.
std::string not_refused(const Outcome& outcome, const Words& parts, int code = 2);

}  // namespace strata::testing
