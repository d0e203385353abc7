#include "framework/graph/registry.hpp"

#include <algorithm>

#include "framework/core/errors.hpp"

namespace strata {

ParamId Registry::insert(const std::string& name, const std::string& group, bool trainable, Matrix value) {
  for (const auto& p : parameters_) {
    if (p.name == name) throw GraphError(cat("parameter '", name, "' is registered twice; names must be unique"));
  }
  parameters_.push_back({name, group, trainable, std::move(value)});
  return size() - 1;
}

Matrix Registry::first_value(const std::string& name, Index rows, Index cols, const Initializer& init) const {
  if (start_) {
    const auto found = start_->find(name);
    if (found != start_->end() && found->second.rows() == rows && found->second.cols() == cols) return found->second;
  }
  return draw(init, rows, cols, Rng(seed_, "init/" + name));
}

ParamId Registry::add(const std::string& name, const std::string& group, Index rows, Index cols,
                      const Initializer& init) {
  return insert(name, group, true, first_value(name, rows, cols, init));
}

ParamId Registry::add_buffer(const std::string& name, const std::string& group, Index rows, Index cols,
                             const Initializer& init) {
  return insert(name, group, false, first_value(name, rows, cols, init));
}

ParamId Registry::find(std::string_view name) const {
  std::vector<std::string> known;
  for (int i = 0; i < size(); ++i) {
    if ((*this)[i].name == name) return i;
    known.push_back((*this)[i].name);
  }
  throw UsageError(unknown_name("parameter", name, known));
}

std::vector<ParamId> Registry::group(std::string_view name) const {
  std::vector<ParamId> ids;
  for (int i = 0; i < size(); ++i) {
    if ((*this)[i].trainable && (*this)[i].group == name) ids.push_back(i);
  }
  return ids;
}

std::vector<std::string> Registry::groups() const {
  std::vector<std::string> names;
  for (const auto& p : parameters_) {
    if (p.trainable && std::find(names.begin(), names.end(), p.group) == names.end()) names.push_back(p.group);
  }
  return names;
}

}  // namespace strata
