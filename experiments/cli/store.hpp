// An output folder: runs/, summaries, one program at a time.
//
//   OUT/.strata               says that the folder is ours, and is locked while a program works in it
//   OUT/runs/STEM.h5          a finished run            OUT/runs/STEM.h5.partial   one under way
//   OUT/runs/STEM.checkpoint  what it goes on from      OUT/runs/STEM.progress.jsonl  a line an epoch
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "experiments/cli/run_reader.hpp"
#include "framework/io/run_record.hpp"

namespace strata::cli {

class Store {
 public:
  /// Opens or makes the folder and locks it. Throws UsageError if it holds something else or cannot be written, IoError
  /// if another program works in it.
  explicit Store(const std::filesystem::path& folder);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path run_file(const std::string& stem) const { return folder_ / "runs" / (stem + ".h5"); }
  std::filesystem::path partial_file(const std::string& stem) const {
    return folder_ / "runs" / (stem + ".h5.partial");
  }
  std::filesystem::path checkpoint(const std::string& stem) const { return folder_ / "runs" / (stem + ".checkpoint"); }
  std::filesystem::path progress(const std::string& stem) const {
    return folder_ / "runs" / (stem + ".progress.jsonl");
  }
  /// Removes what only a run under way needs, temporary files of a killed program too.
  void tidy(const std::string& stem, bool keep_checkpoint) const;

 private:
  std::filesystem::path folder_;
  int lock_ = -1;
};

/// True if `folder` is a Strata output folder.
bool is_store(const std::filesystem::path& folder);

/// The records of all finished runs of a folder, sorted by file name, with their file names relative to it. A file
/// that cannot be read, or holds the same run as one before it, is left out and described in `complaints`.
struct StoredRun {
  std::string file;
  RunRecord record;
};
std::vector<StoredRun> stored_runs(const std::filesystem::path& folder, const RunReader& reader,
                                   std::vector<std::string>& complaints);
/// The same of the run files that lie in `folder` itself.
std::vector<StoredRun> runs_in(const std::filesystem::path& folder, const RunReader& reader,
                               std::vector<std::string>& complaints);

/// Writes summary.h5 and summary.csv of the folder over all its finished runs.
void write_summaries(const std::filesystem::path& folder, const std::vector<StoredRun>& runs);

}  // namespace strata::cli
