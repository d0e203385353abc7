#include "experiments/cli/interrupt.hpp"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>

namespace strata::cli {
namespace {

std::atomic<int> received{0}, continuations{0};
std::atomic<bool> display{false}, said{false};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

constexpr const char* word =
    "stopping: the last whole epoch is saved; the same command goes on from it (again to leave at once)";

// A closed stderr is no reason not to stop.
void say(const char* text) { [[maybe_unused]] const auto written = write(STDERR_FILENO, text, std::strlen(text)); }

void handle(int signal) {
  const bool again = received.exchange(signal) != 0;
  if ((again || !display) && !said.exchange(true)) {
    say("\n");
    say(word);
    say("\n");
  } else if (again) {
    say("\n");  // below what is drawn
  }
  if (again) _exit(128 + signal);
}

}  // namespace

void watch_signals() {
  struct sigaction action = {};
  action.sa_handler = handle;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = [](int) { ++continuations; };
  sigaction(SIGCONT, &action, nullptr);
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
  sigaction(SIGHUP, &action, nullptr);
  sigaction(SIGXFSZ, &action, nullptr);  // a file above `ulimit -f` is an error like a full disk, not the end
}

int interrupted() { return received.load(); }

void display_says_the_word(bool yes) { display = yes; }

std::string word_to_say() { return interrupted() != 0 && !said.exchange(true) ? word : ""; }

int continued() { return continuations.load(); }

}  // namespace strata::cli
