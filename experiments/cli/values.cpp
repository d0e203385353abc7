#include "experiments/cli/values.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <filesystem>
#include <fstream>

#include "framework/core/errors.hpp"
#include "framework/learning/options.hpp"

namespace strata::cli {
namespace {

namespace po = boost::program_options;

// No guessing, no short options (so that "-1" is a value), no case folding.
constexpr int style = po::command_line_style::allow_long | po::command_line_style::long_allow_adjacent |
                      po::command_line_style::long_allow_next;

// A switch takes no value on the command line, so that it does not swallow the next word; in a file it takes one.
po::options_description declare(const std::vector<OptionDef>& table, const std::vector<std::string>& dotted,
                                bool in_file = false) {
  po::options_description all;
  for (const OptionDef& o : table) {
    if (o.value.empty() && !in_file) {
      all.add_options()(o.name.c_str(), "");
    } else {
      all.add_options()(o.name.c_str(), po::value<std::string>(), "");
    }
  }
  for (const std::string& name : dotted) all.add_options()(name.c_str(), po::value<std::string>(), "");
  return all;
}

// What is known about a name that is not: "dtp.sigm" is best compared with dtp's options alone.
std::string unknown_option(const std::string& name, const std::vector<OptionDef>& table,
                           const std::vector<std::string>& dotted) {
  std::vector<std::string> near;
  const std::size_t dot = name.find('.');
  for (const std::string& d : dotted) {
    if (dot != std::string::npos && d.substr(0, d.find('.')) == name.substr(0, dot)) near.push_back(d);
  }
  if (near.empty()) {
    for (const OptionDef& o : table) near.push_back(o.name);
    if (dot != std::string::npos) near.insert(near.end(), dotted.begin(), dotted.end());
  }
  const std::string guess = closest(name, near);
  return cat("unknown option '--", name, "'", guess.empty() ? "" : cat(" (did you mean '--", guess, "'?)"),
             "; `strata help` lists the options");
}

void read_config(const std::string& path, const std::vector<OptionDef>& table, const std::vector<std::string>& dotted,
                 std::map<std::string, std::string>& given, std::set<std::string>& from_file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) throw UsageError(cat("--config ", path, ": no such file"));
  std::ifstream in(path);
  if (!in) throw UsageError(cat("--config ", path, ": cannot be opened"));
  std::vector<std::string> seen;
  try {
    const auto parsed = po::parse_config_file(in, declare(table, dotted, true), true);
    for (const auto& option : parsed.options) {
      const std::string& name = option.string_key;
      const bool network = name.rfind("network.", 0) == 0 && std::count(name.begin(), name.end(), '.') == 2;
      if (option.unregistered && !network) throw UsageError(unknown_option(name, table, dotted));
      if (std::find(seen.begin(), seen.end(), name) != seen.end()) throw UsageError(cat(name, " is set twice"));
      seen.push_back(name);
      // The command line, read first, wins.
      if (!option.value.empty() && given.emplace(name, option.value[0]).second) from_file.insert(name);
    }
  } catch (const po::invalid_config_file_syntax& e) {
    // Not what(): it puts the line where "%invalid_line%" stands until that stands nowhere, and a line may hold it.
    throw UsageError(
        cat("--config ", path, ": the line '", e.tokens(), "': expected name = value, [section] or # comment"));
  } catch (const po::error& e) {
    throw UsageError(cat("--config ", path, ": ", e.what()));
  } catch (const UsageError& e) {
    throw UsageError(cat("--config ", path, ": ", e.what()));
  }
}

}  // namespace

Values::Values(std::vector<OptionDef> table, std::map<std::string, std::string> given, std::set<std::string> from_file)
    : table_(std::move(table)), given_(std::move(given)), from_file_(std::move(from_file)) {}

bool Values::declares(const std::string& name) const {
  return std::any_of(table_.begin(), table_.end(), [&](const OptionDef& o) { return o.name == name; });
}

const std::string& Values::text(const std::string& name) const {
  if (const auto found = given_.find(name); found != given_.end()) return found->second;
  for (const OptionDef& o : table_) {
    if (o.name == name) return o.fallback;
  }
  throw std::logic_error(cat("option '", name, "' is not declared"));
}

long long Values::integer(const std::string& name, long long low, long long high) const {
  const long long value = parse_integer("--" + name, text(name));
  if (value < low || value > high) {
    throw UsageError(cat("--", name, " ", value, ": expected a whole number from ", low, " to ", high));
  }
  return value;
}

double Values::real(const std::string& name, double low, double high) const {
  const double value = parse_real("--" + name, text(name));
  if (value < low || value > high)
    throw UsageError(cat("--", name, " ", value, ": expected a number from ", low, " to ", high));
  return value;
}

bool Values::flag(const std::string& name) const {
  const std::string& t = text(name);
  return !t.empty() && parse_flag("--" + name, t);  // empty: a switch that is not given
}

std::vector<std::string> Values::list(const std::string& name) const {
  auto items = split_text(text(name), ',');
  for (const auto& item : items) {
    if (item.empty()) throw UsageError(cat("--", name, " = '", text(name), "': there is an empty item in the list"));
  }
  return items;
}

std::map<std::string, std::string> Values::others() const {
  std::map<std::string, std::string> rest = given_;
  for (const OptionDef& o : table_) rest.erase(o.name);
  return rest;
}

std::map<std::string, std::string> Values::given_of(const std::vector<std::string>& names) const {
  std::map<std::string, std::string> found;
  for (const auto& name : names) {
    if (const auto it = given_.find(name); it != given_.end()) found.insert(*it);
  }
  return found;
}

std::vector<std::string> split_text(const std::string& text, char separator) {
  std::vector<std::string> items;
  if (text.empty()) return items;
  std::size_t start = 0;
  for (std::size_t end = text.find(separator); end != std::string::npos; end = text.find(separator, start)) {
    items.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  items.push_back(text.substr(start));
  return items;
}

Values parse_values(const std::vector<OptionDef>& table, const std::vector<std::string>& dotted,
                    const std::vector<std::string>& arguments, std::vector<std::string>* words) {
  std::map<std::string, std::string> given;
  std::set<std::string> from_file;
  try {
    const auto description = declare(table, dotted);
    const auto parsed = po::command_line_parser(arguments).options(description).style(style).allow_unregistered().run();
    for (const auto& option : parsed.options) {
      if (option.position_key != -1 || option.string_key.empty()) {
        const std::string word = option.value.empty() ? "" : option.value[0];
        if (word.size() > 1 && word[0] == '-' && !std::isdigit(static_cast<unsigned char>(word[1]))) {
          throw UsageError(cat("unknown option '", word, "'; options are written out: --name value"));
        }
        if (words == nullptr)
          throw UsageError(
              cat("stray word '", word, "': options are written --name value; lists have commas and no spaces"));
        words->push_back(word);
        continue;
      }
      std::string name = option.string_key;
      if (option.unregistered) {
        name = name.substr(0, name.find('='));
        if (name.rfind("--", 0) == 0) name = name.substr(2);
        throw UsageError(unknown_option(name, table, dotted));
      }
      const std::string value = option.value.empty() ? "true" : option.value[0];  // empty: a switch
      if (value.rfind("--", 0) == 0) throw UsageError(cat("--", name, ": expected a value, got '", value, "'"));
      if (!given.emplace(name, value).second) throw UsageError(cat("--", name, " is given twice"));
    }
  } catch (const po::error& e) {
    throw UsageError(e.what());
  }
  if (const auto config = given.find("config"); config != given.end()) {
    const std::string path = config->second;
    read_config(path, table, dotted, given, from_file);
  }
  return {table, std::move(given), std::move(from_file)};
}

std::vector<OptionDef> flat(const std::vector<OptionGroup>& groups) {
  std::vector<OptionDef> all;
  for (const OptionGroup& group : groups) all.insert(all.end(), group.options.begin(), group.options.end());
  return all;
}

}  // namespace strata::cli
