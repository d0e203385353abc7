// Reads files of runs and of searches that may come from anywhere: each is walked in a child process first.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "framework/io/child_walker.hpp"
#include "framework/io/run_record.hpp"

namespace strata::cli {

struct Tuning;

class RunReader {
 public:
  /// To be made before any thread starts.
  explicit RunReader(ChildWalker::Limits limits = {});

  /// What `strata validate` says of a good file, one of a run, of `strata attribute` or of a search. Throws DataError or IoError.
  std::string describe(const std::filesystem::path& file) const { return walker_(file); }

  /// A run file that has been validated. Throws as read_run_file and validate_run_file do.
  RunRecord read(const std::filesystem::path& file, bool with_weights = false) const;

  /// The trials of a search. Throws as read_trials_file does.
  Tuning read_trials(const std::filesystem::path& file) const;

 private:
  ChildWalker walker_;
  mutable std::map<std::string, std::string> good_;  // files found good → what would show that they changed
};

}  // namespace strata::cli
