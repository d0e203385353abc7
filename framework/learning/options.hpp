// A rule's hyper-parameters: declared in the catalog, given as text, checked, and read back typed.
#pragma once

#include <limits>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace strata {

/// One declared option. Numbers must lie in [low, high].
struct OptionSpec {
  enum class Kind { real, integer, flag, text };
  std::string name;  ///< as on the command line after "--<rule>.": "target-step"
  Kind kind = Kind::real;
  std::string fallback;  ///< the default, as text
  std::string help;
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices = {};  ///< of a text option; empty = any text
};

OptionSpec real_option(std::string name, double fallback, double low, double high, std::string help);
OptionSpec integer_option(std::string name, int fallback, int low, int high, std::string help);
OptionSpec flag_option(std::string name, bool fallback, std::string help);
OptionSpec choice_option(std::string name, std::string fallback, std::vector<std::string> choices, std::string help);

/// Every declared option with a checked value.
class Options {
 public:
  Options() = default;
  /// `given` overrides the defaults. Throws UsageError naming `owner` on an option that is not declared, a value that
  /// is not of its kind (nan and inf are no numbers here), or one out of range.
  Options(const std::string& owner, const std::vector<OptionSpec>& specs,
          const std::map<std::string, std::string>& given);

  /// Throw std::logic_error if `name` is not declared with that kind: a slip of the rule's author.
  double real(const std::string& name) const;
  int integer(const std::string& name) const;
  bool flag(const std::string& name) const;
  const std::string& text(const std::string& name) const;

  /// Name → value, typed, in order of declaration: part of the resolved config.
  nlohmann::ordered_json json() const { return values_; }

 private:
  const nlohmann::ordered_json& at(const std::string& name, nlohmann::ordered_json::value_t kind) const;
  nlohmann::ordered_json values_ = nlohmann::ordered_json::object();
};

/// true, 1, on or yes; false, 0, off or no. Throws UsageError: "<what> = 'x': expected true or false".
bool parse_flag(const std::string& what, const std::string& text);
/// Parses a whole text as a finite number. Throws UsageError: "<what> = 'x': expected a number".
double parse_real(const std::string& what, const std::string& text);
/// Parses a whole text as a whole number.
long long parse_integer(const std::string& what, const std::string& text);

}  // namespace strata
