// The things of one kind that a program knows by name. A value, passed around: a program outside the tree adds its own.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "framework/core/errors.hpp"

namespace strata {

/// An Entry has a `name`, and says with the constant `kind` what it is an entry of ("rule"), for messages.
template <class Entry> class CatalogOf {
 public:
  /// Throws UsageError if the name is taken.
  void add(Entry entry) {
    for (const Entry& e : entries_) {
      if (e.name == entry.name) throw UsageError(cat(Entry::kind, " '", entry.name, "' is already in the catalog"));
    }
    entries_.push_back(std::move(entry));
  }

  /// Throws UsageError with the known names and a guess.
  const Entry& at(const std::string& name) const {
    std::vector<std::string> known;
    for (const Entry& e : entries_) {
      if (e.name == name) return e;
      known.push_back(e.name);
    }
    throw UsageError(unknown_name(Entry::kind, name, known));
  }

  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

}  // namespace strata
