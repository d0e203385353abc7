#include "experiments/cli/store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "framework/core/errors.hpp"
#include "framework/io/replace_file.hpp"
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

void Store::tidy(const std::string& stem, bool keep_checkpoint) const {
  std::error_code ignored;
  fs::remove(partial_file(stem), ignored);
  if (!keep_checkpoint) fs::remove(checkpoint(stem), ignored);
  for (const fs::path& file : {run_file(stem), partial_file(stem), checkpoint(stem), progress(stem)}) {
    fs::remove(temporary_file(file), ignored);
  }
}

std::vector<StoredRun> stored_runs(const fs::path& folder, const RunReader& reader,
                                   std::vector<std::string>& complaints) {
  auto runs = runs_in(folder / "runs", reader, complaints);
  for (StoredRun& run : runs) run.file = (fs::path("runs") / run.file).string();
  return runs;
}

std::vector<StoredRun> runs_in(const fs::path& folder, const RunReader& reader, std::vector<std::string>& complaints) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".h5") files.push_back(entry.path());
  }
  // A run under its own name comes before a copy of it: "…-s0-0bfd07ae.h5" before "…-s0-0bfd07ae (copy).h5".
  std::sort(files.begin(), files.end(), [](const fs::path& a, const fs::path& b) { return a.stem() < b.stem(); });
  std::vector<StoredRun> runs;
  const auto same_run = [](const RunRecord& a, const RunRecord& b) {
    return a.hash == b.hash && a.rule == b.rule && a.network == b.network && a.dataset == b.dataset && a.seed == b.seed;
  };
  for (const fs::path& file : files) {
    try {
      RunRecord record = reader.read(file);
      const auto twin =
          std::find_if(runs.begin(), runs.end(), [&](const StoredRun& run) { return same_run(run.record, record); });
      if (twin != runs.end()) {
        complaints.push_back(cat(file.string(), ": holds the same run as ", twin->file, "; remove one of them"));
      } else {
        runs.push_back({file.filename().string(), std::move(record)});
      }
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
