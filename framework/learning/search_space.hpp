// What a rule's hyper-parameters may be when they are searched for: declared in the catalog beside the options, and drawn
// from by number, so that a draw depends on nothing but the search's seed and the number of the trial.
//
// Random search (Bergstra & Bengio, JMLR 13, 2012): every hyper-parameter of a trial is drawn independently.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace strata {

struct RuleEntry;

/// The values of one option.
struct SearchRange {
  enum class Kind { uniform, log_uniform, choice, same };
  std::string option;  ///< of the rule or its optimizers, as after "--<rule>.": "lr", "target-step"
  Kind kind = Kind::log_uniform;
  double low = 0, high = 0;               ///< of numbers: low < high, and 0 < low if log-uniform
  std::vector<std::string> choices = {};  ///< of a choice: two or more; of `same`: the option that it follows

  bool operator==(const SearchRange&) const = default;
};

SearchRange log_uniform(std::string option, double low, double high);
SearchRange uniform(std::string option, double low, double high);
SearchRange choice(std::string option, std::vector<std::string> choices);
/// Always what `other` is: Kolen–Pollack's two learning rates.
SearchRange same(std::string option, std::string other);

/// Reads "log:1e-5:1e-2", "uniform:0:1", "choice:tanh|linear" or "same:lr"; to_text writes them. Throws UsageError naming `option`.
SearchRange parse_range(const std::string& option, const std::string& text);
std::string to_text(const SearchRange& range);

/// The value at 0 ≤ u < 1 of the range's distribution, as the option takes it: numbers with four significant digits, so
/// that what a table shows can be typed; whole ones where the option is whole.
std::string value_at(const SearchRange& range, double u, bool whole = false);

/// The learning rates of the entry's groups, from a thirtieth of their default to thirty times it unless the entry declares
/// other ranges, and what else it declares. What is `given` is fixed and left out; where another optimizer is given for the
/// forward weights that is no relative of Adam, their learning rate is from 1e-4 to 1.
std::vector<SearchRange> search_space(const RuleEntry& entry, const std::map<std::string, std::string>& given = {});

/// Throws UsageError if a range names no option of the entry, names one twice, or has an end that the option refuses.
void check_search_space(const RuleEntry& entry, const std::vector<SearchRange>& space);

/// Option → value of one trial, for the options of `space`. Draw `trial` of the stream "search/<rule>/<option>" of `seed`: adding a range, a trial or
/// a rule changes no other.
std::map<std::string, std::string> draw_trial(const RuleEntry& entry, const std::vector<SearchRange>& space,
                                              const std::map<std::string, std::string>& given, std::uint64_t seed,
                                              int trial);

}  // namespace strata
