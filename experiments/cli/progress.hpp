// How far a grid is: a bar with the time left on a terminal, a line per epoch elsewhere. To stderr.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "framework/io/run_record.hpp"
#include "framework/learning/trainer.hpp"

namespace strata::cli {

/// One run as the display sees it.
struct ProgressItem {
  std::string label;  ///< "fa mlp s0"
  int epochs = 0;     ///< to reach
  double cost = 1;    ///< of all epochs, in any unit
};

class Progress {
 public:
  /// `open` are the items that are trained now; the others count as done. Shows nothing at all if `quiet`.
  Progress(std::vector<ProgressItem> items, const std::vector<std::size_t>& open, bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Called from the threads of the runs.

  /// The run goes on from its trainer's epoch (−1: from nothing). The trainer is looked at until leaves().
  void begins(std::size_t run, const Trainer& trainer);
  void epoch_done(std::size_t run, const Trainer& trainer);
  void leaves(std::size_t run);
  /// `how` is a few words: "test 88.2 %", "diverged: …".
  void ended(std::size_t run, const std::string& how);

 private:
  struct Live {
    const Trainer* trainer = nullptr;
    int epoch = -1;  // finished epochs
    double steps_an_epoch = 1;
    double fraction_at_start = 0;
    bool ended = false;
  };
  struct Work {
    double total = 0, done = 0, before = 0;  // before: in earlier sessions
  };
  double fraction(std::size_t run) const;
  Work work() const;
  std::string status();  // "7/15 runs, 46 %, 2:31 left"
  void print(const std::string& line);
  void draw();
  void watch();

  std::vector<ProgressItem> items_;
  std::vector<Live> live_;
  bool quiet_, terminal_, colour_;
  std::chrono::steady_clock::time_point start_;
  std::mutex guard_;
  std::condition_variable closing_;
  bool closed_ = false;
  std::thread watcher_;
};

}  // namespace strata::cli
