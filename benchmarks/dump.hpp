// Files for the other side of a comparison: numbers as they lie in memory, and a registry's parameters.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "framework/graph/registry.hpp"

namespace strata::bench {

template <class T> void write_values(const std::filesystem::path& path, const T* values, std::size_t count) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(values), static_cast<std::streamsize>(count * sizeof(T)));
}

inline void write_values(const std::filesystem::path& path, const Matrix& m) {
  write_values(path, m.data(), static_cast<std::size_t>(m.size()));
}

/// Each into a file of its own, column by column; says which is where.
inline nlohmann::json write_parameters(const std::filesystem::path& folder, const Registry& registry) {
  nlohmann::json all;
  for (ParamId id = 0; id < registry.size(); ++id) {
    const Matrix& w = registry.value(id);
    const std::string file = std::to_string(id).append(".f4");
    write_values(folder / file, w);
    all.push_back({{"name", registry[id].name}, {"rows", w.rows()}, {"cols", w.cols()}, {"file", file}});
  }
  return all;
}

}  // namespace strata::bench
