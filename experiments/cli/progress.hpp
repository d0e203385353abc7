// How far a grid is: a live table on a terminal, a line per epoch elsewhere. To stderr.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "experiments/cli/progress_table.hpp"
#include "framework/io/run_record.hpp"
#include "framework/learning/trainer.hpp"

namespace strata::cli {

/// One run as the display sees it.
struct ProgressItem {
  std::string rule, network;  ///< network: "" if there is one only
  int seed = 0;
  int epochs = 0;   ///< to reach
  double cost = 1;  ///< of all epochs, in any unit

  std::string label() const;  ///< "fa mlp s0"
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
  using Clock = std::chrono::steady_clock;
  struct Live {
    const Trainer* trainer = nullptr;
    int epoch = -1;  // finished epochs
    double steps_an_epoch = 1;
    double loss, accuracy;  // after the last of them
    double fraction_at_start = 0;
    Clock::time_point start;
    bool ended = false;
  };
  void look(std::size_t run, const Trainer& trainer);
  double fraction(std::size_t run) const;
  ProgressState state() const;
  void print(const std::string& line);
  void say_word();
  void draw(const std::string& line_above);
  void watch();

  std::vector<ProgressItem> items_;
  std::vector<Live> live_;
  bool quiet_, terminal_, colour_;
  Clock::time_point start_;
  std::vector<std::string> drawn_;  // the table as it stands on the terminal
  std::size_t width_ = 0;           // of the terminal, then
  int continued_ = 0;
  std::mutex guard_;
  std::condition_variable closing_;
  bool closed_ = false;
  std::thread watcher_;
};

}  // namespace strata::cli
