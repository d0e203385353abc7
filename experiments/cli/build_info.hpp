// What this program was built from, for /provenance and `strata --version`.
#pragma once

#include <string>

namespace strata::cli {

struct BuildInfo {
  std::string version;     ///< of the project
  std::string git_commit;  ///< "unknown" outside a git checkout
  bool git_dirty = false;  ///< the sources differed from that commit
  std::string compiler;    ///< name and version
  std::string flags;
  std::string date;  ///< of that commit, or of the change log: 2026-11-26

  /// What wrote a file: "strata 0.1.0 (1a2b3c4)".
  std::string source() const {
    return std::string("strata ").append(version).append(" (").append(git_commit).append(")");
  }
};

BuildInfo build_info();

/// 16 hex digits over the build id of the running program, or over its bytes: tells two builds apart, which may give
/// different bits.
std::string binary_id();

/// "AMD EPYC 7B13", as /proc/cpuinfo has it.
std::string cpu_model();

}  // namespace strata::cli
