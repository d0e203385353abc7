#include "experiments/cli/progress_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "experiments/cli/text.hpp"
#include "experiments/cli/values.hpp"
#include "framework/core/errors.hpp"

namespace strata::cli {
namespace {

constexpr std::size_t widest_bar = 24;

struct Column {
  std::string header;
  bool right;
  int importance;  // the least goes first
  std::vector<std::string> cells;
};

std::vector<Column> columns_of_rows(const ProgressState& state, std::size_t rows) {
  std::vector<Column> columns = {{"rule", false, 7, {}}, {"network", false, 2, {}}, {"seed", true, 3, {}},
                                 {"epoch", true, 6, {}}, {"loss", true, 1, {}},     {"val %", true, 5, {}},
                                 {"left", true, 4, {}}};
  for (std::size_t i = 0; i < rows; ++i) {
    const ProgressRow& r = state.rows[i];
    const std::array<std::string, 7> cells = {r.rule,
                                              r.network,
                                              std::to_string(r.seed),
                                              cat(r.epoch, "/", r.epochs),
                                              decimal(r.loss, 4),
                                              percent(r.accuracy),
                                              duration(r.left)};
    for (std::size_t c = 0; c < cells.size(); ++c) columns[c].cells.push_back(cells[c]);
  }
  if (!state.networks) columns.erase(columns.begin() + 1);
  return columns;
}

std::size_t width_of(const Column& column) {
  std::size_t width = columns_of(column.header);
  for (const std::string& cell : column.cells) width = std::max(width, columns_of(cell));
  return width;
}

std::size_t width_of(const std::vector<Column>& columns) {
  std::size_t width = 0;
  for (const Column& c : columns) width += width_of(c) + 2;
  return width - 2;
}

// Header and rows, without the columns that there is no room for.
std::vector<std::string> rows_text(std::vector<Column> columns, std::size_t rows, std::size_t width) {
  while (columns.size() > 1 && width_of(columns) > width) {
    const auto less = [](const Column& a, const Column& b) { return a.importance < b.importance; };
    columns.erase(std::min_element(columns.begin(), columns.end(), less));
  }
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> cells(rows);
  std::vector<std::size_t> right;
  for (const Column& c : columns) {
    if (c.right) right.push_back(header.size());
    header.push_back(c.header);
    for (std::size_t i = 0; i < rows; ++i) cells[i].push_back(c.cells[i]);
  }
  std::vector<std::string> lines = split_text(aligned(header, cells, right), '\n');
  lines.pop_back();  // behind the last line's end
  for (std::string& line : lines) line = shortened(line, width);
  return lines;
}

std::string status_line(const ProgressState& state, std::size_t width, bool colour) {
  const std::string words = progress_words(state), longer = cat(words, ", ", duration(state.elapsed), " so far");
  const std::string text = columns_of(longer) <= width ? longer : shortened(words, width);
  const std::size_t room = width - columns_of(text);
  if (room < 6) return text;
  const std::size_t bar = std::min(widest_bar, room - 1);
  const auto filled = static_cast<std::size_t>(static_cast<double>(bar) * std::clamp(state.fraction, 0.0, 1.0));
  std::string line;
  for (std::size_t i = 0; i < bar; ++i) line += i < filled ? "█" : "░";
  return colour ? cat("\033[36m", line, "\033[0m ", text) : cat(line, " ", text);
}

}  // namespace

std::string progress_words(const ProgressState& state) {
  std::string text =
      cat(state.ended, "/", state.runs, " runs, ", static_cast<int>(100 * std::clamp(state.fraction, 0.0, 1.0)), " %");
  if (!std::isnan(state.left)) text += cat(", ", duration(state.left), " left");
  return text;
}

std::vector<std::string> progress_table(const ProgressState& state, std::size_t width, std::size_t height,
                                        bool colour) {
  width = std::max<std::size_t>(width, 2) - 1;
  const std::size_t lines = std::max<std::size_t>(height, 2) - 1;
  std::vector<std::string> table;
  if (!state.rows.empty() && lines >= 3) {
    std::size_t shown = state.rows.size();
    if (shown + 2 > lines) shown = std::max<std::size_t>(lines - 2, 2) - 1;  // a line says how many are not shown
    table = rows_text(columns_of_rows(state, shown), shown, width);
    if (colour) table[0] = cat("\033[1m", table[0], "\033[0m");
    if (shown < state.rows.size() && lines > 3) {
      table.push_back(shortened(cat("… and ", state.rows.size() - shown, " more"), width));
    }
  }
  table.push_back(status_line(state, std::max<std::size_t>(width, 3) - 2, colour));
  return table;
}

}  // namespace strata::cli
