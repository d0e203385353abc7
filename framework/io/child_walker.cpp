#include "framework/io/child_walker.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <new>
#include <stdexcept>

#include "framework/core/errors.hpp"
#include "framework/core/retry.hpp"

namespace strata {
namespace {

namespace fs = std::filesystem;

// The address space of a sanitized program is no measure of the memory that it uses.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool memory_is_limited = false;
#else
constexpr bool memory_is_limited = true;
#endif

std::size_t file_bytes(const std::string& path) {
  std::error_code ignored;
  const auto size = fs::file_size(path, ignored);
  return ignored ? 0 : static_cast<std::size_t>(size);
}

std::size_t address_space() {
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// `hard` is where SIGKILL comes instead of a signal of the limit's own.
void limit(int resource, rlim_t soft, rlim_t hard) {
  const rlimit both{soft, hard};
  ::setrlimit(static_cast<__rlimit_resource_t>(resource), &both);
}

}  // namespace

// What a child leaves for its grandparent; it counts only if the child ended well.
struct ChildWalker::Answer {
  enum class Kind : char { text, data_error, io_error, too_large };
  Kind kind;
  std::size_t length;
  std::array<char, 1 << 16> bytes;

  void set(Kind what, const std::string& text) {
    kind = what;
    length = std::min(text.size(), bytes.size());
    std::copy_n(text.begin(), length, bytes.begin());
  }
  std::string text() const { return {bytes.data(), std::min(length, bytes.size())}; }
};

ChildWalker::ChildWalker(Walk walk, Limits limits) : walk_(std::move(walk)), limits_(limits) {
  const auto failed = [] { return IoError(cat("cannot start a process that looks at files: ", std::strerror(errno))); };
  void* shared = ::mmap(nullptr, sizeof(Answer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) throw failed();
  answer_ = new (shared) Answer;
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) == 0) {
    server_ = ::fork();
    if (server_ == 0) {
      ::close(ends[0]);
      serve(ends[1]);
      ::_exit(0);
    }
    ::close(ends[1]);
    socket_ = ends[0];
  }
  if (server_ < 0) {
    const auto error = failed();
    if (socket_ >= 0) ::close(socket_);
    ::munmap(answer_, sizeof(Answer));
    throw error;
  }
}

ChildWalker::~ChildWalker() {
  ::close(socket_);  // the server's next wait for a file ends it
  retry([&] { return ::waitpid(server_, nullptr, 0); });
  ::munmap(answer_, sizeof(Answer));
}

std::string ChildWalker::operator()(const fs::path& path) const {
  const std::string name = path.string();
  if (name.empty()) throw DataError("'': expected the name of a file");
  int status = -1;
  const auto sent = retry([&] { return ::send(socket_, name.data(), name.size(), MSG_NOSIGNAL); });
  if (sent != static_cast<ssize_t>(name.size()) ||
      retry([&] { return ::recv(socket_, &status, sizeof status, 0); }) != static_cast<ssize_t>(sizeof status) ||
      status < 0) {
    throw IoError(cat(name, ": no process could be started that looks at it first"));
  }
  const auto damaged = [&](const std::string& how) { return DataError(cat(name, ": is damaged: ", how)); };
  const auto too_large = [&] {
    return damaged(cat("reading it takes more than ", limits_.bytes >> 20, " MiB of memory"));
  };
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    if (signal == SIGXCPU || signal == SIGALRM) {
      throw damaged(cat("reading it takes more than ", limits_.seconds, " s"));
    }
    // SIGKILL is what the system sends when memory runs out.
    if (signal == SIGKILL) throw too_large();
    throw damaged(cat("the HDF5 library crashes on it (", ::strsignal(signal), ")"));
  }
  if (WEXITSTATUS(status) != 0) throw damaged("the HDF5 library crashes on it");
  switch (answer_->kind) {
    case Answer::Kind::text: return answer_->text();
    case Answer::Kind::io_error: throw IoError(answer_->text());
    case Answer::Kind::too_large: throw too_large();
    default: throw DataError(answer_->text());
  }
}

// The server has one thread and opens no file itself: it can fork at any time.
void ChildWalker::serve(int socket) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) ::signal(signal, SIG_IGN);  // it ends with its parent
  const int null = ::open("/dev/null", O_RDWR);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, standard);
  std::string path(1 << 16, '\0');
  for (;;) {
    const auto length = retry([&] { return ::recv(socket, path.data(), path.size(), 0); });
    if (length <= 0) return;
    int status = -1;
    const pid_t child = ::fork();
    if (child == 0) ::_exit(look(path.substr(0, static_cast<std::size_t>(length))));
    if (child > 0 && retry([&] { return ::waitpid(child, &status, 0); }) != child) status = -1;
    if (retry([&] { return ::send(socket, &status, sizeof status, MSG_NOSIGNAL); }) < 0) return;
  }
}

int ChildWalker::look(const std::string& path) {
  using Kind = Answer::Kind;
  const std::size_t size = file_bytes(path);
  const auto seconds = limits_.seconds + static_cast<unsigned>(size >> 24);
  limit(RLIMIT_CORE, 0, 0);
  limit(RLIMIT_CPU, seconds, seconds + 5);
  ::alarm(10 * seconds);
  const std::size_t most = address_space() + limits_.bytes + 16 * size;
  if (memory_is_limited) limit(RLIMIT_AS, most, most);
  try {
    answer_->set(Kind::text, walk_(path));
  } catch (const IoError& e) {
    answer_->set(Kind::io_error, e.what());
  } catch (const Error& e) {
    answer_->set(Kind::data_error, e.what());
  } catch (const std::bad_alloc&) {
    answer_->set(Kind::too_large, "");
  } catch (const std::length_error&) {  // of a container, asked for more than any memory
    answer_->set(Kind::too_large, "");
  } catch (const std::exception& e) {
    answer_->set(Kind::data_error, cat(path, ": is damaged: ", e.what()));
  }
  return 0;
}

}  // namespace strata
