// A terminal as a user sees it: text with the few escapes that the program uses, as lines on a screen.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

namespace strata::testing {

class Screen {
 public:
  Screen(std::size_t width, std::size_t height) : width_(width), height_(height), rows_(height, Row(width, " ")) {}

  /// Throws std::runtime_error on an escape that is none of A (up), J and K (erase to the end) and m (colour).
  void feed(const std::string& text) {
    for (const char c : text) {
      if (!escape_.empty()) {
        escape_ += c;
        if (escape_.size() > 2 && c >= '@') finish_escape();
      } else if (c == '\033') {
        escape_ = c;
      } else if (c == '\r') {
        column_ = 0;
      } else if (c == '\n') {
        down();
      } else if ((static_cast<unsigned char>(c) & 0xC0) == 0x80) {
        last_->push_back(c);
      } else {
        put(c);
      }
    }
  }

  /// Lines that have left the screen, then those on it, without spaces and empty lines at the end.
  std::vector<std::string> lines() const {
    std::vector<std::string> all = history_;
    for (const Row& row : rows_) all.push_back(text_of(row));
    while (!all.empty() && all.back().empty()) all.pop_back();
    return all;
  }
  bool wrapped() const { return wrapped_; }  ///< whether a line ever was too long
  bool scrolled() const { return !history_.empty(); }

 private:
  using Row = std::vector<std::string>;  // a character a cell

  static std::string text_of(const Row& row) {
    std::string text;
    for (const std::string& cell : row) text += cell;
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
  }

  void down() {
    if (++row_ < height_) return;
    row_ = height_ - 1;
    history_.push_back(text_of(rows_.front()));
    rows_.erase(rows_.begin());
    rows_.emplace_back(width_, " ");
  }

  void put(char c) {
    if (column_ == width_) {
      wrapped_ = true;
      column_ = 0;
      down();
    }
    last_ = &rows_[row_][column_++];
    *last_ = c;
  }

  void finish_escape() {
    const char what = escape_.back();
    const std::string number = escape_.substr(2, escape_.size() - 3);
    if (what == 'A') {
      row_ -= std::min<std::size_t>(row_, std::stoul(number));
    } else if ((what == 'K' || what == 'J') && number.empty()) {
      for (std::size_t c = column_; c < width_; ++c) rows_[row_][c] = " ";
      for (std::size_t r = row_ + 1; what == 'J' && r < height_; ++r) rows_[r].assign(width_, " ");
    } else if (what != 'm') {
      throw std::runtime_error("an escape that the screen does not know: " + escape_.substr(1));
    }
    escape_.clear();
  }

  std::size_t width_, height_, row_ = 0, column_ = 0;
  std::vector<Row> rows_;
  std::string* last_ = nullptr;
  std::vector<std::string> history_;
  std::string escape_;
  bool wrapped_ = false;
};

}  // namespace strata::testing
