#include "experiments/cli/store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "framework/core/errors.hpp"
#include "framework/io/run_file.hpp"
#include "framework/io/summary.hpp"

namespace strata::cli {
namespace {

namespace fs = std::filesystem;
constexpr const char* marker = ".strata";

}  // namespace

// What cannot be looked at for want of permission counts as not there; writing there then says why it cannot.
bool is_store(const fs::path& folder) {
  std::error_code error;
  return fs::exists(folder / marker, error);
}

Store::Store(const fs::path& folder) : folder_(folder) {
  std::error_code error;
  const bool is_folder = fs::is_directory(folder, error);
  if (fs::exists(folder, error) && !is_folder) {
    throw UsageError(cat("--out ", folder.string(), ": is a file; expected a folder, new, empty or made by strata"));
  }
  if (is_folder && !is_store(folder) && !fs::is_empty(folder, error)) {
    throw UsageError(cat("--out ", folder.string(), error ? ": cannot be read" : ": holds something else",
                         "; expected a folder that is new, empty or made by strata"));
  }
  fs::create_directories(folder / "runs", error);
  if (error)
    throw UsageError(
        cat("--out ", folder.string(), ": cannot be written: ", error.message(), "; choose another folder"));
  lock_ = ::open((folder / marker).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0 || ::access((folder / "runs").c_str(), W_OK) != 0) {
    const std::string why = std::strerror(errno);
    if (lock_ >= 0) ::close(lock_);
    throw UsageError(cat("--out ", folder.string(), ": cannot be written: ", why, "; choose another folder"));
  }
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock_);
    throw IoError(
        cat("--out ", folder.string(), ": another strata works in this folder; wait for it or choose another folder"));
  }
}

Store::~Store() {
  if (lock_ >= 0) ::close(lock_);
}

std::vector<StoredRun> stored_runs(const fs::path& folder, std::vector<std::string>& complaints) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder / "runs", error)) {
    if (entry.path().extension() == ".h5") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<StoredRun> runs;
  for (const fs::path& file : files) {
    try {
      runs.push_back({fs::path("runs") / file.filename(), read_run_file(file)});
    } catch (const Error& e) {
      complaints.emplace_back(e.what());
    }
  }
  return runs;
}

void write_summaries(const fs::path& folder, const std::vector<StoredRun>& runs) {
  std::vector<SummaryRow> rows;
  std::vector<RunRecord> records;
  for (const StoredRun& run : runs) {
    rows.push_back(summary_row(run.record, run.file));
    records.push_back(run.record);
  }
  write_summary_csv(folder / "summary.csv", rows);
  write_summary_file(folder / "summary.h5", records);
}

}  // namespace strata::cli
