// What the library throws. It never prints, aborts or exits; the program turns an error into one line.
//
// Every message says what was wrong, which value it was, what was expected and, where that helps, what to do.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// Root of everything the library throws on purpose.
class Error : public std::runtime_error {
 public:
  /// The message stays one line, whatever it quotes of a file: control characters become spaces.
  explicit Error(std::string message);
};

/// The caller gave something that cannot be used: the program exits with 2.
class InputError : public Error {
 public:
  using Error::Error;
};

/// An option, name or value that is unknown or out of range.
class UsageError : public InputError {
 public:
  using InputError::InputError;
};

/// Two shapes that should agree do not; the message names both.
class ShapeError : public InputError {
 public:
  using InputError::InputError;
};

/// A graph that is cyclic, disconnected, or otherwise not a network.
class GraphError : public InputError {
 public:
  using InputError::InputError;
};

/// A data file that is missing, truncated, or not what it claims to be.
class DataError : public InputError {
 public:
  using InputError::InputError;
};

/// A rule asked to train a network or loss that it does not support.
class UnsupportedError : public InputError {
 public:
  using InputError::InputError;
};

/// The file system, HDF5 or another system service failed: the program exits with 1.
class IoError : public Error {
 public:
  using Error::Error;
};

/// A loss, activation or parameter became non-finite while training; the run ends as `diverged`.
class DivergedError : public Error {
 public:
  using Error::Error;
};

/// Joins its arguments into one string: `cat("--lr ", lr, ": expected > 0")`.
template <class... Args> std::string cat(const Args&... args) {
  std::ostringstream out;
  (out << ... << args);
  return out.str();
}

/// The shortest decimal that reads back as the same double: "0.1", "1e-08".
std::string shortest(double value);

/// The known name closest to `name` by edit distance, or "" if none is close enough to be a slip of the pen.
std::string closest(std::string_view name, const std::vector<std::string>& known);

/// "unknown <what> 'x' (did you mean 'y'?); known: a, b, c"
std::string unknown_name(std::string_view what, std::string_view name, const std::vector<std::string>& known);

/// "a, b, c"
std::string join(const std::vector<std::string>& items, std::string_view separator = ", ");

}  // namespace strata
