#include "experiments/cli/text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "framework/core/errors.hpp"

namespace strata::cli {
namespace {

template <class... Args> std::string format(const char* pattern, Args... args) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, args...);
  return text;
}

}  // namespace

std::size_t columns_of(const std::string& text) {
  std::size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;  // not a continuation byte
  return n;
}

std::string aligned(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows,
                    const std::vector<std::size_t>& right) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < header.size(); ++i) {
    widths.push_back(columns_of(header[i]));
    for (const auto& row : rows) {
      // The last cell of a short row may be as long as it likes.
      if (i < row.size() && (i + 1 < row.size() || row.size() == header.size())) {
        widths[i] = std::max(widths[i], columns_of(row[i]));
      }
    }
  }
  std::string out;
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string pad(widths[i] > columns_of(cells[i]) ? widths[i] - columns_of(cells[i]) : 0, ' ');
      const bool short_end = cells.size() < header.size() && i + 1 == cells.size();
      const bool to_right = !short_end && std::find(right.begin(), right.end(), i) != right.end();
      if (i > 0) text += "  ";
      text += to_right ? cat(pad, cells[i]) : cat(cells[i], pad);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  };
  line(header);
  for (const auto& row : rows) line(row);
  return out;
}

std::string text_of(const Table& table) {
  if (table.rows.empty()) return "";
  std::vector<std::size_t> right;
  for (std::size_t c = table.words; c < table.header.size(); ++c) right.push_back(c);
  return cat(aligned(table.header, table.rows, right), "\n", table.note);
}

std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
  std::vector<std::string> lines;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (lines.empty() || columns_of(lines.back()) + 1 + columns_of(word) > width) {
      lines.push_back(word);
    } else {
      lines.back().append(" ").append(word);
    }
  }
  return lines;
}

std::string shortened(const std::string& text, std::size_t columns) {
  std::size_t end = 0, seen = 0;
  while (end < text.size()) {
    seen += (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;  // not a continuation byte
    if (seen > columns) break;
    ++end;
  }
  return text.substr(0, end);
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds)) return "–";
  const auto s = static_cast<long long>(std::llround(std::max(seconds, 0.0)));
  if (s < 60) return cat(s, " s");
  if (s < 3600) return format("%lld:%02lld", s / 60, s % 60);
  return format("%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
}

std::string decimal(double value, int digits) { return std::isnan(value) ? "–" : format("%.*f", digits, value); }
std::string signed_decimal(double value, int digits) {
  return std::isnan(value) ? "–" : format("%+.*f", digits, value);
}

std::string percent(double fraction) { return std::isnan(fraction) ? "–" : format("%.2f", 100 * fraction); }

std::string signed_percent(double fraction) { return std::isnan(fraction) ? "–" : format("%+.2f", 100 * fraction); }

std::string scientific(double value) { return std::isnan(value) ? "–" : format("%.2e", value); }

std::string with_commas(double count) {
  const std::string digits = format("%.0f", count);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string bytes_text(double bytes) {
  if (bytes >= 1024.0 * 1024 * 1024) return format("%.1f GiB", bytes / (1024.0 * 1024 * 1024));
  return format("%.0f MiB", std::max(1.0, bytes / (1024.0 * 1024)));
}

}  // namespace strata::cli
