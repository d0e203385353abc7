// Text for people: tables, durations, percentages.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace strata::cli {

/// Columns on a terminal that UTF-8 text takes (a code point is taken as one column).
std::size_t columns_of(const std::string& text);

/// A table with a header line, columns two spaces apart. Columns named in `right` are aligned right.
std::string aligned(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows,
                    const std::vector<std::size_t>& right = {});

/// A table with what its columns mean, for the terminal and for the report.
struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  ///< the last cell of a short row takes up the columns that it lacks
  std::size_t words = 1;                       ///< columns of words; numbers follow
  std::string note;
};
/// "" without rows.
std::string text_of(const Table& table);

/// Broken at spaces into lines of at most `width` columns; a longer word has a line of its own.
std::vector<std::string> wrapped(const std::string& text, std::size_t width);

/// The first `columns` columns of a text.
std::string shortened(const std::string& text, std::size_t columns);

/// "42 s", "3:07" (minutes), "1:02:03".
std::string duration(double seconds);

/// "0.123"; "–" for NaN.
std::string decimal(double value, int digits = 3);
/// "+0.123"
std::string signed_decimal(double value, int digits = 3);

/// 0.88183 → "88.18"; "–" for NaN.
std::string percent(double fraction);
/// As percent, with a sign.
std::string signed_percent(double fraction);

/// 1234567 → "1.23e+06"; "–" for NaN.
std::string scientific(double value);

/// 465930 → "465,930"
std::string with_commas(double count);

/// "87 MiB"
std::string bytes_text(double bytes);

/// Appends what is not there yet.
template <class T> void add_missing(std::vector<T>& all, const T& one) {
  if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
}

/// The names of entries of a catalog, options, commands, …
template <class Entries> std::vector<std::string> names_in(const Entries& entries) {
  std::vector<std::string> names;
  for (const auto& e : entries) names.push_back(e.name);
  return names;
}

}  // namespace strata::cli
