// The options of a command as text: declared in a table, read from the command line and an INI file, asked for typed.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace strata::cli {

/// What a value can be, as far as that can be listed: what shells complete it to.
struct Known {
  std::vector<std::string> names = {};
  std::string files = {};                                ///< names of files: "*.h5"; "/": folders alone
  bool rules = false, datasets = false, topics = false;  ///< besides, the program's own, and the topics of its help

  bool operator==(const Known&) const = default;
};

/// A declared option of the program (a rule's own options are declared in the rule's catalog entry).
struct OptionDef {
  std::string name;      ///< without dashes
  std::string fallback;  ///< the default, as text; "" for none
  std::string value;     ///< what the help calls the value: "N", "NAME,…"; "" for a switch that takes none
  std::string help;
  Known known = {};

  bool operator==(const OptionDef&) const = default;
  /// Whether the value is a list with commas: the help calls it "NAME,…".
  bool is_list() const { return value.ends_with(",…"); }
};

/// Options that belong together.
struct OptionGroup {
  std::string title;  ///< as a heading: "Training"; "" for a command's own
  std::vector<OptionDef> options;

  bool operator==(const OptionGroup&) const = default;
};

/// The options of all groups, in their order.
std::vector<OptionDef> flat(const std::vector<OptionGroup>& groups);

/// Name → text; what is not given falls back to the table.
class Values {
 public:
  Values() = default;
  /// `from_file`: those of `given` that a file set, not the command line.
  Values(std::vector<OptionDef> table, std::map<std::string, std::string> given, std::set<std::string> from_file = {});

  bool given(const std::string& name) const { return given_.contains(name); }
  bool declares(const std::string& name) const;
  const std::string& text(const std::string& name) const;
  /// Throw UsageError naming option, value and range.
  long long integer(const std::string& name, long long low, long long high) const;
  double real(const std::string& name, double low, double high) const;
  bool flag(const std::string& name) const;
  /// Comma-separated; empty items are errors, an empty text is an empty list.
  std::vector<std::string> list(const std::string& name) const;

  /// Everything given that is not in the table: rules' options ("dtp.sigma"), networks of an INI ("network.deep.hidden").
  std::map<std::string, std::string> others() const;
  bool from_file(const std::string& name) const { return from_file_.contains(name); }
  /// What was given, of `names`.
  std::map<std::string, std::string> given_of(const std::vector<std::string>& names) const;

 private:
  std::vector<OptionDef> table_;
  std::map<std::string, std::string> given_;
  std::set<std::string> from_file_;
};

/// Splits at `separator`; "" gives no items.
std::vector<std::string> split_text(const std::string& text, char separator);

/// Parses `arguments` (without program and command) against the table. Option names must be written out; negative
/// numbers are values; a switch may stand alone. `dotted` names the options "<rule>.<option>" that are allowed as
/// well. Words that are no options go to `words`, or are errors if `words` is null. With a --config option the INI
/// file is read too, and the command line wins. Throws UsageError, with a guess at what was meant.
Values parse_values(const std::vector<OptionDef>& table, const std::vector<std::string>& dotted,
                    const std::vector<std::string>& arguments, std::vector<std::string>* words);

}  // namespace strata::cli
