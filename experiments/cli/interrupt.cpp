#include "experiments/cli/interrupt.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>

namespace strata::cli {
namespace {

std::atomic<int> received{0};
static_assert(std::atomic<int>::is_always_lock_free);

void handle(int signal) {
  if (received.exchange(signal) != 0) _exit(128 + signal);
  const char* word =
      "\nstopping: the last whole epoch is saved; the same command goes on from it (again to leave at once)\n";
  // A closed stderr is no reason not to stop.
  [[maybe_unused]] const auto written = write(STDERR_FILENO, word, std::strlen(word));
}

}  // namespace

void watch_signals() {
  struct sigaction action = {};
  action.sa_handler = handle;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
  sigaction(SIGHUP, &action, nullptr);
  sigaction(SIGXFSZ, &action, nullptr);  // a file above `ulimit -f` is an error like a full disk, not the end
}

int interrupted() { return received.load(); }

}  // namespace strata::cli
