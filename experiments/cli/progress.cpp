#include "experiments/cli/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "experiments/cli/text.hpp"
#include "framework/core/errors.hpp"

namespace strata::cli {
namespace {

bool environment_has(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

std::size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

std::string four_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

}  // namespace

Progress::Progress(std::vector<ProgressItem> items, const std::vector<std::size_t>& open, bool quiet)
    : items_(std::move(items)), live_(items_.size()), quiet_(quiet),
      terminal_(!quiet && isatty(STDERR_FILENO) == 1 &&
                !(std::getenv("TERM") && std::string(std::getenv("TERM")) == "dumb")),
      colour_(terminal_ && !environment_has("NO_COLOR")), start_(std::chrono::steady_clock::now()) {
  for (Live& l : live_) l.ended = true;
  for (const std::size_t i : open) live_[i].ended = false;
  if (terminal_) watcher_ = std::thread([this] { watch(); });
}

Progress::~Progress() {
  {
    const std::lock_guard lock(guard_);
    closed_ = true;
  }
  closing_.notify_all();
  if (watcher_.joinable()) watcher_.join();
  if (terminal_) std::fputs("\r\033[K", stderr);
}

double Progress::fraction(std::size_t run) const {
  const Live& l = live_[run];
  if (l.ended) return 1;
  if (l.trainer == nullptr) return 0;
  const double within = std::min(1.0, static_cast<double>(l.trainer->steps_in_epoch()) / l.steps_an_epoch);
  return std::clamp((std::max(l.epoch, 0) + within) / std::max(1, items_[run].epochs), 0.0, 1.0);
}

Progress::Work Progress::work() const {
  Work w;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    w.total += items_[i].cost;
    w.done += items_[i].cost * fraction(i);
    w.before += items_[i].cost * live_[i].fraction_at_start;
  }
  return w;
}

std::string Progress::status() {
  const auto [total, done, before] = work();
  const auto ended = std::count_if(live_.begin(), live_.end(), [](const Live& l) { return l.ended; });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  std::string text = cat(ended, "/", items_.size(), " runs, ", static_cast<int>(100 * done / total), " %");
  // What earlier sessions did took none of this session's time.
  if (done > before && seconds > 1) text += cat(", ", duration(seconds * (total - done) / (done - before)), " left");
  return text;
}

void Progress::begins(std::size_t run, const Trainer& trainer) {
  const std::lock_guard lock(guard_);
  Live& l = live_[run];
  l.trainer = &trainer;
  l.epoch = trainer.epoch();
  l.steps_an_epoch = static_cast<double>(trainer.steps_per_epoch());
  l.fraction_at_start = static_cast<double>(std::max(l.epoch, 0)) / std::max(1, items_[run].epochs);
  if (l.epoch >= 0) print(cat(items_[run].label, ": goes on after epoch ", l.epoch));
}

void Progress::epoch_done(std::size_t run, const Trainer& trainer) {
  const std::lock_guard lock(guard_);
  Live& l = live_[run];
  l.epoch = trainer.epoch();
  l.steps_an_epoch = static_cast<double>(trainer.steps_per_epoch());
  if (terminal_ || l.epoch == 0) return;
  const EpochMetrics& row = trainer.training().back();
  print(cat(items_[run].label, ": epoch ", row.epoch, "/", items_[run].epochs, ", training loss ",
            four_digits(row.train_loss), ", validation ", percent(row.validation_accuracy), " %, ",
            duration(row.train_seconds), "  [", status(), "]"));
}

void Progress::leaves(std::size_t run) {
  const std::lock_guard lock(guard_);
  live_[run].trainer = nullptr;
}

void Progress::ended(std::size_t run, const std::string& how) {
  const std::lock_guard lock(guard_);
  Live& l = live_[run];
  l.ended = true;
  print(cat(items_[run].label, ": ", how));
}

void Progress::print(const std::string& line) {
  if (quiet_) return;
  std::fprintf(stderr, "%s%s\n", terminal_ ? "\r\033[K" : "", line.c_str());
  if (terminal_) draw();
}

void Progress::draw() {
  constexpr std::size_t width = 24;
  const Work w = work();
  const auto filled = static_cast<std::size_t>(static_cast<double>(width) * w.done / w.total);
  std::string bar;
  for (std::size_t i = 0; i < width; ++i) bar += i < filled ? "█" : "░";
  std::string line = status();
  for (std::size_t i = 0; i < items_.size(); ++i) {
    if (live_[i].trainer == nullptr) continue;
    const std::string more =
        cat("; ", items_[i].label, " ", std::min(live_[i].epoch + 1, items_[i].epochs), "/", items_[i].epochs);
    if (width + 2 + columns_of(line) + columns_of(more) >= terminal_width()) break;
    line += more;
  }
  std::fprintf(stderr, "\r\033[K%s%s%s %s", colour_ ? "\033[36m" : "", bar.c_str(), colour_ ? "\033[0m" : "",
               line.c_str());
  std::fflush(stderr);
}

void Progress::watch() {
  std::unique_lock lock(guard_);
  while (!closed_) {
    draw();
    closing_.wait_for(lock, std::chrono::milliseconds(250));
  }
}

}  // namespace strata::cli
