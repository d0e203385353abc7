#include "framework/learning/search_space.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "framework/core/errors.hpp"
#include "framework/core/rng.hpp"
#include "framework/learning/catalog.hpp"

namespace strata {
namespace {

using Kind = SearchRange::Kind;

std::string number_text(double value, bool whole) {
  char text[32];
  if (whole) {
    std::snprintf(text, sizeof text, "%.0f", value);
  } else {
    std::snprintf(text, sizeof text, "%.4g", value);
  }
  return text;
}

std::vector<OptionSpec> all_options(const RuleEntry& entry) {
  auto all = entry.options;
  for (auto& option : optimizer_options(entry)) all.push_back(std::move(option));
  return all;
}

const OptionSpec* find_option(const std::vector<OptionSpec>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const OptionSpec& o) { return o.name == name; });
  return found == all.end() ? nullptr : &*found;
}

void check_range(const SearchRange& r) {
  if (r.kind == Kind::same) return;
  if (r.kind == Kind::choice) {
    if (r.choices.size() < 2) throw UsageError(cat("search of ", r.option, ": expected two choices or more"));
    return;
  }
  if (!std::isfinite(r.low) || !std::isfinite(r.high) || !(r.low < r.high)) {
    throw UsageError(cat("search of ", r.option, ": from ", r.low, " to ", r.high, ": expected the lower end first"));
  }
  if (r.kind == Kind::log_uniform && !(r.low > 0)) {
    throw UsageError(cat("search of ", r.option, ": log from ", r.low, ": expected a lower end above 0"));
  }
}

SearchRange checked(SearchRange range) {
  check_range(range);
  return range;
}

std::vector<std::string> parts_of(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

}  // namespace

SearchRange log_uniform(std::string option, double low, double high) {
  return {std::move(option), Kind::log_uniform, low, high};
}

SearchRange uniform(std::string option, double low, double high) {
  return {std::move(option), Kind::uniform, low, high};
}

SearchRange choice(std::string option, std::vector<std::string> choices) {
  return {std::move(option), Kind::choice, 0, 0, std::move(choices)};
}

SearchRange same(std::string option, std::string other) {
  return {std::move(option), Kind::same, 0, 0, {std::move(other)}};
}

SearchRange parse_range(const std::string& option, const std::string& text) {
  const auto parts = parts_of(text, ':');
  const std::string what = cat("search of ", option);
  if (parts.size() == 3 && parts[0] == "log") {
    return checked(log_uniform(option, parse_real(what, parts[1]), parse_real(what, parts[2])));
  }
  if (parts.size() == 3 && parts[0] == "uniform") {
    return checked(uniform(option, parse_real(what, parts[1]), parse_real(what, parts[2])));
  }
  if (parts.size() == 2 && parts[0] == "choice") return checked(choice(option, parts_of(parts[1], '|')));
  if (parts.size() == 2 && parts[0] == "same") return same(option, parts[1]);
  throw UsageError(cat(what, " = '", text, "': expected log:LOW:HIGH, uniform:LOW:HIGH, choice:A|B|… or same:OPTION"));
}

std::string to_text(const SearchRange& r) {
  if (r.kind == Kind::same) return cat("same:", r.choices.front());
  if (r.kind == Kind::choice) {
    std::string text = "choice:";
    for (std::size_t i = 0; i < r.choices.size(); ++i) text += cat(i == 0 ? "" : "|", r.choices[i]);
    return text;
  }
  return cat(r.kind == Kind::log_uniform ? "log:" : "uniform:", number_text(r.low, false), ":",
             number_text(r.high, false));
}

std::string value_at(const SearchRange& r, double u, bool whole) {
  if (r.kind == Kind::choice) {
    const auto last = r.choices.size() - 1;
    return r.choices[std::min(last, static_cast<std::size_t>(u * static_cast<double>(r.choices.size())))];
  }
  // Of a whole option each number from low to high has its share: the ends reach half a step further.
  const double low = whole ? r.low - (r.kind == Kind::uniform ? 0.5 : 0) : r.low;
  const double high = whole ? r.high + (r.kind == Kind::uniform ? 0.5 : 0) : r.high;
  const double value = r.kind == Kind::uniform ? low + u * (high - low) : low * std::pow(high / low, u);
  return number_text(std::clamp(value, r.low, r.high), whole);
}

std::vector<SearchRange> search_space(const RuleEntry& entry, const std::map<std::string, std::string>& given) {
  std::vector<SearchRange> space;
  for (const auto& [group, optimizer] : entry.optimizers) {
    const std::string lr = group == "forward" ? "lr" : group + "-lr";
    const bool declared =
        std::any_of(entry.search.begin(), entry.search.end(), [&](const SearchRange& r) { return r.option == lr; });
    if (!declared && optimizer.lr > 0) space.push_back(log_uniform(lr, optimizer.lr / 30, optimizer.lr * 30));
  }
  space.insert(space.end(), entry.search.begin(), entry.search.end());
  if (const auto other = given.find("optimizer"); other != given.end()) {
    const bool adaptive = other->second.starts_with("adam") || other->second == "rmsprop";
    for (SearchRange& r : space) {
      if (r.option == "lr" && !adaptive) r = log_uniform("lr", 1e-4, 1);
    }
  }
  std::erase_if(space, [&](const SearchRange& r) { return given.contains(r.option); });
  return space;
}

void check_search_space(const RuleEntry& entry, const std::vector<SearchRange>& space) {
  const auto all = all_options(entry);
  std::vector<std::string> known;
  for (const OptionSpec& o : all) known.push_back(o.name);
  for (std::size_t i = 0; i < space.size(); ++i) {
    const SearchRange& r = space[i];
    const OptionSpec* option = find_option(all, r.option);
    if (option == nullptr) {
      throw UsageError(cat("search space of rule ", entry.name, ": ", unknown_name("option", r.option, known)));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (space[j].option == r.option) {
        throw UsageError(cat("search space of rule ", entry.name, ": ", r.option, " is there twice"));
      }
    }
    check_range(r);
    const bool whole = option->kind == OptionSpec::Kind::integer;
    if (r.kind == Kind::same) {
      if (find_option(all, r.choices.front()) == nullptr) {
        throw UsageError(cat("search space of rule ", entry.name, ": ", r.option, " is the same as ",
                             unknown_name("option", r.choices.front(), known)));
      }
    } else if (r.kind == Kind::choice) {
      for (const std::string& value : r.choices) resolve(entry, {{r.option, value}});
    } else {
      resolve(entry, {{r.option, value_at(r, 0, whole)}});
      resolve(entry, {{r.option, number_text(r.high, whole)}});
    }
  }
}

std::map<std::string, std::string> draw_trial(const RuleEntry& entry, const std::vector<SearchRange>& space,
                                              const std::map<std::string, std::string>& given, std::uint64_t seed,
                                              int trial) {
  const auto all = all_options(entry);
  std::map<std::string, std::string> values;
  for (const SearchRange& r : space) {
    if (r.kind == Kind::same) continue;
    const OptionSpec* option = find_option(all, r.option);
    const bool whole = option != nullptr && option->kind == OptionSpec::Kind::integer;
    const Rng rng(seed, cat("search/", entry.name, "/", r.option));
    values[r.option] = value_at(r, rng.uniform(static_cast<std::uint64_t>(trial)), whole);
  }
  for (const SearchRange& r : space) {
    if (r.kind != Kind::same) continue;
    for (const auto* of : {&std::as_const(values), &given}) {
      if (const auto found = of->find(r.choices.front()); found != of->end()) {
        values[r.option] = found->second;
        break;
      }
    }
  }
  return values;
}

}  // namespace strata
