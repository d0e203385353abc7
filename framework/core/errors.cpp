#include "framework/core/errors.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>

namespace strata {
namespace {

// Letters put in, left out, replaced, or swapped with the next one.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before, above(b.size() + 1), row(b.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = above;
    above = row;
  }
  return above[b.size()];
}

std::string one_line(std::string message) {
  for (char& c : message) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  return message;
}

}  // namespace

Error::Error(std::string message) : std::runtime_error(one_line(std::move(message))) {}

std::string shortest(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

std::string closest(std::string_view name, const std::vector<std::string>& known) {
  std::string best;
  if (name.size() > 200) return best;  // no slip of the pen, and the distance takes the product of the lengths
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const auto& candidate : known) {
    // An abbreviation is the commonest slip that edit distance alone rates badly.
    const bool prefix = name.size() >= 2 && candidate.starts_with(name);
    const std::size_t longer = std::max(name.size(), candidate.size());
    const std::size_t added = longer - std::min(name.size(), candidate.size());
    if (!prefix && added >= best_distance) continue;
    const std::size_t distance = prefix ? 1 : edit_distance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string join(const std::vector<std::string>& items, std::string_view separator) {
  std::string out;
  for (const auto& item : items) {
    if (!out.empty()) out += separator;
    out += item;
  }
  return out;
}

std::string unknown_name(std::string_view what, std::string_view name, const std::vector<std::string>& known) {
  const std::string guess = closest(name, known);
  return cat("unknown ", what, " '", name, "'", guess.empty() ? "" : cat(" (did you mean '", guess, "'?)"),
             "; known: ", join(known));
}

}  // namespace strata
