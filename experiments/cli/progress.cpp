#include "experiments/cli/progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "experiments/cli/interrupt.hpp"
#include "experiments/cli/terminal.hpp"
#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"
#include "framework/core/retry.hpp"

namespace strata::cli {
namespace {

constexpr double unknown_time = std::numeric_limits<double>::quiet_NaN();

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

TerminalSize size_of_terminal() {
  const auto size = terminal_size(STDERR_FILENO);
  return size && size->height > 0 ? *size : TerminalSize{80, 24};
}

// A program in the background leaves the terminal to those in front. Where it is not the controlling terminal, nobody is.
bool in_background() {
  const pid_t foreground = tcgetpgrp(STDERR_FILENO);
  return foreground > 0 && foreground != getpgrp();
}

// Rows of a terminal that lines take, if one that has become narrower wraps them.
std::size_t rows_of(const std::vector<std::string>& lines, std::size_t width) {
  std::size_t rows = 0;
  for (const std::string& line : lines) {
    std::size_t columns = 0;
    bool escape = false;
    for (const char c : line) {
      if (c == '\033') escape = true;
      if (!escape) columns += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
      if (c == 'm') escape = false;
    }
    rows += std::max<std::size_t>(1, (columns + width - 1) / width);
  }
  return rows;
}

// To the first column of the first line of what is drawn.
std::string to_top(const std::vector<std::string>& drawn, const TerminalSize& size) {
  if (drawn.empty()) return "";
  const std::size_t up = std::min(rows_of(drawn, size.width), size.height) - 1;
  return up == 0 ? "\r" : cat("\r\033[", up, "A");
}

// In one piece, so that no other message falls into it. A terminal that has gone is no reason to stop.
void write_frame(const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const auto written = retry([&] { return ::write(STDERR_FILENO, text.data() + done, text.size() - done); });
    if (written <= 0) return;
    done += static_cast<std::size_t>(written);
  }
}

}  // namespace

std::string ProgressItem::label() const { return cat(rule, network.empty() ? "" : " ", network, " s", seed); }

Progress::Progress(std::vector<ProgressItem> items, const std::vector<std::size_t>& open, bool quiet)
    : items_(std::move(items)), live_(items_.size()), quiet_(quiet),
      terminal_(!quiet && isatty(STDERR_FILENO) == 1 && environment("TERM") != "" && environment("TERM") != "dumb"),
      colour_(terminal_ && environment("NO_COLOR").empty()), start_(Clock::now()), continued_(continued()) {
  for (Live& l : live_) l.ended = true;
  for (const std::size_t i : open) live_[i].ended = false;
  if (!terminal_) return;
  display_says_the_word(true);
  watcher_ = std::thread([this] { watch(); });
}

Progress::~Progress() {
  if (!terminal_) return;
  {
    const std::lock_guard lock(guard_);
    closed_ = true;
  }
  closing_.notify_all();
  watcher_.join();
  display_says_the_word(false);
  say_word();
  if (!drawn_.empty()) write_frame(to_top(drawn_, size_of_terminal()) + "\033[J");
}

double Progress::fraction(std::size_t run) const {
  const Live& l = live_[run];
  if (l.ended) return 1;
  if (l.trainer == nullptr) return 0;
  const double within = std::min(1.0, static_cast<double>(l.trainer->steps_in_epoch()) / l.steps_an_epoch);
  return std::clamp((std::max(l.epoch, 0) + within) / std::max(1, items_[run].epochs), 0.0, 1.0);
}

ProgressState Progress::state() const {
  const auto now = Clock::now();
  const auto seconds = [&](Clock::time_point start) { return std::chrono::duration<double>(now - start).count(); };
  // What earlier sessions did took none of this session's time.
  const auto left = [](double elapsed, double total, double done, double before) {
    return done > before && elapsed > 1 ? elapsed * (total - done) / (done - before) : unknown_time;
  };
  ProgressState s;
  double total = 0, done = 0, before = 0;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const Live& l = live_[i];
    const ProgressItem& item = items_[i];
    const double f = fraction(i);
    total += item.cost;
    done += item.cost * f;
    before += item.cost * l.fraction_at_start;
    s.ended += l.ended ? 1 : 0;
    s.networks = s.networks || !item.network.empty();
    if (l.trainer == nullptr) continue;
    s.rows.push_back({item.rule, item.network, item.seed, std::min(l.epoch + 1, item.epochs), item.epochs, l.loss,
                      l.accuracy, left(seconds(l.start), 1, f, l.fraction_at_start)});
  }
  s.runs = items_.size();
  s.fraction = total > 0 ? done / total : 1;
  s.elapsed = seconds(start_);
  s.left = left(s.elapsed, total, done, before);
  return s;
}

void Progress::look(std::size_t run, const Trainer& trainer) {
  Live& l = live_[run];
  l.epoch = trainer.epoch();
  l.steps_an_epoch = static_cast<double>(trainer.steps_per_epoch());
  l.loss = trainer.training().empty() ? unknown_time : trainer.training().back().train_loss;
  l.accuracy = trainer.training().empty() ? unknown_time : trainer.training().back().validation_accuracy;
}

void Progress::begins(std::size_t run, const Trainer& trainer) {
  const std::lock_guard lock(guard_);
  Live& l = live_[run];
  look(run, trainer);
  l.trainer = &trainer;
  l.start = Clock::now();
  l.fraction_at_start = static_cast<double>(std::max(l.epoch, 0)) / std::max(1, items_[run].epochs);
  if (l.epoch >= 0) print(cat(items_[run].label(), ": goes on after epoch ", l.epoch));
}

void Progress::epoch_done(std::size_t run, const Trainer& trainer) {
  const std::lock_guard lock(guard_);
  look(run, trainer);
  if (terminal_ || live_[run].epoch == 0) return;
  const EpochMetrics& row = trainer.training().back();
  print(cat(items_[run].label(), ": epoch ", row.epoch, "/", items_[run].epochs, ", training loss ",
            decimal(row.train_loss, 4), ", validation ", percent(row.validation_accuracy), " %, ",
            duration(row.train_seconds), "  [", progress_words(state()), "]"));
}

void Progress::leaves(std::size_t run) {
  const std::lock_guard lock(guard_);
  live_[run].trainer = nullptr;
}

void Progress::ended(std::size_t run, const std::string& how) {
  const std::lock_guard lock(guard_);
  live_[run].ended = true;
  print(cat(items_[run].label(), ": ", how));
}

void Progress::print(const std::string& line) {
  if (quiet_) return;
  if (terminal_) {
    // A run may stop before the watching thread has said why.
    say_word();
    draw(line);
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
}

void Progress::say_word() {
  if (const std::string word = word_to_say(); !word.empty()) draw(word);
}

// The table in the place of the one before; a line that stays, if any, above it.
void Progress::draw(const std::string& line_above) {
  const TerminalSize size = size_of_terminal();
  std::string frame = to_top(drawn_, size);
  if (in_background() || continued() != continued_) {  // others have written since, and the cursor is on a new line
    drawn_.clear();
    frame = in_background() ? "" : "\r\033[J";
  }
  continued_ = continued();
  if (!line_above.empty()) frame += cat("\033[J", line_above, "\n");
  std::vector<std::string> table;
  if (!in_background()) table = progress_table(state(), size.width, size.height, colour_);
  if (line_above.empty() && (table.empty() || (table == drawn_ && size.width == width_))) return;
  for (std::size_t i = 0; i < table.size(); ++i) frame += cat(i == 0 ? "" : "\n", table[i], "\033[K");
  if (!table.empty()) frame += "\033[J";
  write_frame(frame);
  drawn_ = std::move(table);
  width_ = size.width;
}

void Progress::watch() {
  std::unique_lock lock(guard_);
  while (!closed_) {
    draw(word_to_say());
    closing_.wait_for(lock, std::chrono::milliseconds(100));
  }
}

}  // namespace strata::cli
