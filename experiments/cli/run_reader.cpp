#include "experiments/cli/run_reader.hpp"

#include <sys/stat.h>

#include "experiments/cli/trials_file.hpp"
#include "framework/core/errors.hpp"
#include "framework/io/analysis_file.hpp"
#include "framework/io/hdf5.hpp"
#include "framework/io/run_file.hpp"

namespace strata::cli {
namespace {

namespace fs = std::filesystem;

std::string schema_of(const fs::path& file) {
  const auto root = h5::open_file(file);
  return root.has_attribute("schema") ? root.text("schema") : "";
}

std::string describe_file(const fs::path& file) {
  const std::string schema = schema_of(file);
  if (schema == trials_schema) {
    const Tuning tuning = read_trials_file(file);
    std::size_t trials = 0;
    for (const TunedCell& cell : tuning.cells) trials += cell.trials.size();
    return cat("search, ", trials, " trials, ", tuning.cells.size(), " pairs of rule and network");
  }
  if (schema == analysis_schema) {
    const AnalysisRecord record = read_analysis_file(file);
    std::vector<std::string> groups;
    for (const DataGroup& group : record.groups) groups.push_back(group.name);
    return cat(record.title, ": ", join(groups));
  }
  const RunFileInfo info = validate_run_file(file);
  return cat(info.status, ", ", info.rule, " on ", info.network, " and ", info.dataset, ", seed ", info.seed, ", ",
             info.epochs, " epochs, ", info.layers, " layers, ", info.weights, " weight matrices");
}

// "" for a file that is not there.
std::string stamp(const fs::path& file) {
  struct stat s = {};
  if (::stat(file.c_str(), &s) != 0) return "";
  return cat(s.st_ino, ' ', s.st_size, ' ', s.st_mtim.tv_sec, ' ', s.st_mtim.tv_nsec);
}

}  // namespace

RunReader::RunReader(ChildWalker::Limits limits) : walker_(describe_file, limits) {}

RunRecord RunReader::read(const fs::path& file, bool with_weights) const {
  const std::string now = stamp(file);
  if (std::string& known = good_[file.string()]; now.empty() || known != now) {
    walker_(file);
    known = now;
  }
  return read_run_file(file, with_weights);
}

Tuning RunReader::read_trials(const fs::path& file) const {
  walker_(file);
  return read_trials_file(file);
}

}  // namespace strata::cli
