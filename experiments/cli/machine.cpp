#include <fstream>
#include <string>

#include "experiments/cli/build_info.hpp"
#include "framework/core/hex.hpp"
#include "framework/core/rng.hpp"

namespace strata::cli {

std::string binary_id() {
  std::ifstream in("/proc/self/exe", std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return bytes.empty() ? "unknown" : hex(stable_hash(bytes));
}

std::string cpu_model() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    const auto colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

}  // namespace strata::cli
