#include "framework/learning/options.hpp"

#include <charconv>
#include <cmath>
#include <stdexcept>

#include "framework/core/errors.hpp"

namespace strata {
namespace {

using Type = nlohmann::ordered_json::value_t;

nlohmann::ordered_json parse(const std::string& what, const OptionSpec& spec, const std::string& text) {
  using Kind = OptionSpec::Kind;
  const auto check_range = [&](double value) {
    if (value < spec.low || value > spec.high) {
      throw UsageError(cat(what, " = ", text, ": expected a value from ", spec.low, " to ", spec.high));
    }
  };
  switch (spec.kind) {
    case Kind::real: {
      const double value = parse_real(what, text);
      check_range(value);
      return value;
    }
    case Kind::integer: {
      const long long value = parse_integer(what, text);
      check_range(static_cast<double>(value));
      return value;
    }
    case Kind::flag: return parse_flag(what, text);
    case Kind::text: break;
  }
  for (const auto& choice : spec.choices) {
    if (choice == text) return text;
  }
  if (!spec.choices.empty()) throw UsageError(cat(what, ": ", unknown_name("value", text, spec.choices)));
  return text;
}

}  // namespace

OptionSpec real_option(std::string name, double fallback, double low, double high, std::string help) {
  return {std::move(name), OptionSpec::Kind::real, shortest(fallback), std::move(help), low, high};
}

OptionSpec integer_option(std::string name, int fallback, int low, int high, std::string help) {
  return {std::move(name), OptionSpec::Kind::integer, std::to_string(fallback),
          std::move(help), static_cast<double>(low),  static_cast<double>(high)};
}

OptionSpec flag_option(std::string name, bool fallback, std::string help) {
  return {std::move(name), OptionSpec::Kind::flag, fallback ? "true" : "false", std::move(help)};
}

OptionSpec choice_option(std::string name, std::string fallback, std::vector<std::string> choices, std::string help) {
  OptionSpec spec{std::move(name), OptionSpec::Kind::text, std::move(fallback), std::move(help)};
  spec.choices = std::move(choices);
  return spec;
}

Options::Options(const std::string& owner, const std::vector<OptionSpec>& specs,
                 const std::map<std::string, std::string>& given) {
  std::vector<std::string> known;
  for (const auto& spec : specs) {
    const auto found = given.find(spec.name);
    values_[spec.name] =
        parse(cat("--", owner, ".", spec.name), spec, found == given.end() ? spec.fallback : found->second);
    known.push_back(spec.name);
  }
  for (const auto& [name, value] : given) {
    if (!values_.contains(name))
      throw UsageError(cat("--", owner, ".", name, ": ", unknown_name("option of '" + owner + "'", name, known)));
  }
}

const nlohmann::ordered_json& Options::at(const std::string& name, Type kind) const {
  const auto found = values_.find(name);
  if (found == values_.end()) throw std::logic_error(cat("option '", name, "' is not declared"));
  if (found->type() != kind) throw std::logic_error(cat("option '", name, "' is declared with another kind"));
  return *found;
}

double Options::real(const std::string& name) const { return at(name, Type::number_float).get<double>(); }
int Options::integer(const std::string& name) const { return at(name, Type::number_integer).get<int>(); }
bool Options::flag(const std::string& name) const { return at(name, Type::boolean).get<bool>(); }
const std::string& Options::text(const std::string& name) const {
  return at(name, Type::string).get_ref<const std::string&>();
}

bool parse_flag(const std::string& what, const std::string& text) {
  if (text == "true" || text == "1" || text == "on" || text == "yes") return true;
  if (text == "false" || text == "0" || text == "off" || text == "no") return false;
  throw UsageError(cat(what, " = '", text, "': expected true or false"));
}

double parse_real(const std::string& what, const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    throw UsageError(cat(what, " = '", text, "': expected a finite number"));
  }
  return value;
}

long long parse_integer(const std::string& what, const std::string& text) {
  long long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw UsageError(cat(what, " = '", text, "': expected a whole number"));
  }
  return value;
}

}  // namespace strata
