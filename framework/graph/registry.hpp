// Every number that training changes or a rule keeps: one table of named matrices.
//
// A parameter belongs to a group ("forward", "feedback", "inverse", …); a group has one optimizer. A buffer is kept
// and checkpointed but never stepped. Anything a rule must remember between steps is one or the other.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "framework/core/types.hpp"
#include "framework/graph/initializer.hpp"

namespace strata {

/// Index of a parameter or buffer in its Registry.
using ParamId = int;

struct Parameter {
  std::string name;  ///< unique, e.g. "h1.weight"; "inverse/h2/dense.weight" for a rule's private net
  std::string group;
  bool trainable;  ///< false: a buffer
  Matrix value;
};

/// Values to start from in place of drawn ones, by the parameter's name.
using StartingValues = std::map<std::string, Matrix, std::less<>>;

class Registry {
 public:
  explicit Registry(std::uint64_t seed, std::shared_ptr<const StartingValues> start = {})
      : seed_(seed), start_(std::move(start)) {}

  /// Adds a parameter drawn from the stream "init/<name>", so that equal names start equal for a seed; or with the value
  /// of that name and shape among those to start from. Throws GraphError if the name is taken.
  ParamId add(const std::string& name, const std::string& group, Index rows, Index cols, const Initializer& init);

  /// Adds a buffer: as `add`, but no optimizer ever steps it.
  ParamId add_buffer(const std::string& name, const std::string& group, Index rows, Index cols,
                     const Initializer& init);

  int size() const { return static_cast<int>(parameters_.size()); }
  const Parameter& operator[](ParamId id) const { return parameters_[static_cast<std::size_t>(id)]; }
  const Matrix& value(ParamId id) const { return (*this)[id].value; }
  Matrix& value(ParamId id) { return parameters_[static_cast<std::size_t>(id)].value; }

  /// The id of `name`; throws UsageError naming the known ones.
  ParamId find(std::string_view name) const;

  /// Trainable parameters of a group, in order of registration.
  std::vector<ParamId> group(std::string_view name) const;

  /// Names of the groups that hold trainable parameters, in order of registration.
  std::vector<std::string> groups() const;

  std::uint64_t seed() const { return seed_; }

 private:
  Matrix first_value(const std::string& name, Index rows, Index cols, const Initializer& init) const;
  ParamId insert(const std::string& name, const std::string& group, bool trainable, Matrix value);

  std::uint64_t seed_;
  std::shared_ptr<const StartingValues> start_;
  std::vector<Parameter> parameters_;
};

}  // namespace strata
