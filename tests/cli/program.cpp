#include "tests/cli/program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "framework/core/errors.hpp"
#include "framework/io/record_json.hpp"
#include "framework/io/run_file.hpp"

namespace strata::testing {
namespace {

constexpr uid_t nobody = 65534;

// Outputs lie outside the folder that the program works in, so that tests can list that one.
fs::path new_file(const char* what) {
  std::string name = (fs::temp_directory_path() / cat("strata-", what, "-XXXXXX")).string();
  const int file = ::mkstemp(name.data());
  if (file < 0) throw std::runtime_error("cannot make a temporary file");
  ::close(file);
  return name;
}

// In the child, after fork: leaves with 127 if the program cannot be started.
[[noreturn]] void become(const fs::path& in, const Words& arguments, const Start& start, int output, int errors) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int input = ::open("/dev/null", O_RDONLY);
  if (input < 0 || output < 0 || errors < 0 || ::chdir(in.c_str()) != 0) _exit(127);
  ::dup2(input, 0);
  ::dup2(output, 1);
  ::dup2(errors, 2);
  for (const char* name : {"NO_COLOR", "TERM"}) ::unsetenv(name);
  for (const auto& [name, value] : start.environment) ::setenv(name.c_str(), value.c_str(), 1);
  if (start.nobody && (::setgid(nobody) != 0 || ::setuid(nobody) != 0)) _exit(127);
  std::vector<char*> argv = {const_cast<char*>("strata")};
  for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  ::execv(start.program.c_str(), argv.data());
  _exit(127);
}

}  // namespace

std::string program_under_test() {
  const char* other = std::getenv("STRATA_PROGRAM");
  return other != nullptr ? other : STRATA_PROGRAM;
}

Words words(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), {}};
}

Running::Running(const fs::path& in, const Words& arguments, const Start& start)
    : out_(new_file("out")), err_(new_file("err")) {
  const int output = ::open(out_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  int errors = -1;
  if (start.terminal) {
    terminal_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal_ < 0 || ::grantpt(terminal_) != 0 || ::unlockpt(terminal_) != 0) {
      throw std::runtime_error("cannot make a terminal");
    }
    resize(start.width, start.height);
    errors = ::open(::ptsname(terminal_), O_RDWR | O_NOCTTY | O_CLOEXEC);
  } else {
    errors = ::open(err_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
  }
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("cannot fork");
  if (pid_ == 0) become(in, arguments, start, output, errors);
  ::close(output);
  ::close(errors);
  if (!start.terminal) return;
  std::string seen;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(terminal_, buffer, sizeof buffer)) > 0;) {  // an error once the program is gone
    seen.append(buffer, static_cast<std::size_t>(got));
    if (start.watch) start.watch(*this, std::string(buffer, static_cast<std::size_t>(got)));
  }
  write(err_, seen);
}

Running::~Running() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  if (terminal_ >= 0) ::close(terminal_);
  std::error_code error;
  fs::remove(out_, error);
  fs::remove(err_, error);
}

void Running::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

void Running::type(const std::string& keys) const {
  if (::write(terminal_, keys.data(), keys.size()) < 0) throw std::runtime_error("cannot write to the terminal");
}

void Running::resize(unsigned short width, unsigned short height) const {
  const winsize size{height, width, 0, 0};
  if (::ioctl(terminal_, TIOCSWINSZ, &size) != 0) throw std::runtime_error("cannot set the size of the terminal");
}

bool Running::until(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    siginfo_t info{};
    const bool ended = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid;
    if (ended) return condition();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

std::string Running::errors() const { return content(err_); }

Outcome Running::wait() {
  while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  Outcome o;
  o.killed = WIFSIGNALED(status_);
  o.code = o.killed ? 128 + WTERMSIG(status_) : WEXITSTATUS(status_);
  o.out = content(out_);
  o.err = content(err_);
  return o;
}

Outcome call(const fs::path& in, const Words& arguments, const Start& start) {
  return Running(in, arguments, start).wait();
}

void write(const fs::path& file, const std::string& bytes) {
  std::ofstream out(file, std::ios::binary);
  out << bytes;
  if (!out.flush()) throw std::runtime_error(cat("cannot write ", file.string()));
}

Words lines(const std::string& text) {
  Words all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::map<std::string, std::string> tree(const fs::path& folder) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = fs::relative(entry.path(), folder);
    if (entry.is_directory()) {
      all[name + "/"];
    } else {
      all[name] = content(entry.path());
    }
  }
  return all;
}

std::vector<fs::path> run_files(const fs::path& folder, const std::string& ending) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder / "runs", error)) {
    if (entry.path().string().ends_with(ending)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

fs::path only_run(const fs::path& folder) {
  const auto files = run_files(folder);
  if (files.size() != 1) throw std::runtime_error(cat(folder.string(), " holds ", files.size(), " finished runs"));
  return files[0];
}

std::map<std::string, std::string> data_of(const fs::path& file) {
  const RunRecord r = read_run_file(file, true);
  // CBOR, in which doubles keep their bits and NaN equals NaN.
  const auto packed = [](const nlohmann::json& json) {
    const auto bytes = nlohmann::json::to_cbor(json);
    return std::string(bytes.begin(), bytes.end());
  };
  auto training = nlohmann::json::array(), layers = training, probes = training;
  for (const auto& row : r.training) {
    training.push_back(to_json(row));
    for (const char* seconds : {"train_seconds", "validation_seconds", "test_seconds"}) training.back().erase(seconds);
  }
  for (const auto& row : r.layer_metrics) layers.push_back(to_json(row));
  for (const auto& row : r.rule_metrics) probes.push_back(to_json(row));
  std::map<std::string, std::string> parts = {{"status", r.status + ": " + r.status_detail},
                                              {"seed", std::to_string(r.seed)},
                                              {"best_epoch", std::to_string(r.best_epoch)},
                                              {"layers", join(r.layers)},
                                              {"training", packed(training)},
                                              {"layer_metrics", packed(layers)},
                                              {"rule_metrics", packed(probes)}};
  for (const auto& group : r.analysis) parts["analysis " + group.name] = packed(to_json(group));
  for (const auto& w : r.weights) parts["weight " + w.name] = w.group + packed(to_json(w.value));
  return parts;
}

std::string difference(const fs::path& a, const fs::path& b) {
  const auto left = data_of(a), right = data_of(b);
  Words names;
  for (const auto& [name, bytes] : left) {
    if (!right.contains(name) || right.at(name) != bytes) names.push_back(name);
  }
  for (const auto& [name, bytes] : right) {
    if (!left.contains(name)) names.push_back(name);
  }
  return join(names);
}

std::string not_refused(const Outcome& outcome, const Words& parts, int code) {
  const std::string text = cat("exit ", outcome.code, outcome.killed ? " (killed)" : "", ", stdout '", outcome.out,
                               "', stderr '", outcome.err, "'");
  if (outcome.killed || outcome.code != code) return cat("expected exit ", code, "; ", text);
  if (!outcome.out.empty()) return cat("expected nothing on stdout; ", text);
  const bool one_line = std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1 && outcome.err.ends_with('\n');
  if (!one_line || !outcome.err.starts_with("strata: ")) return cat("expected one line 'strata: …'; ", text);
  for (const std::string& part : parts) {
    if (!contains(outcome.err, part)) return cat("expected '", part, "'; ", text);
  }
  return "";
}

}  // namespace strata::testing
