#include <link.h>

#include <cstring>
#include <fstream>
#include <string>

#include "experiments/cli/build_info.hpp"
#include "framework/core/hex.hpp"
#include "framework/core/rng.hpp"

namespace strata::cli {
namespace {

// The linker's checksum over the program (--build-id, which Debian's compilers ask for), from the notes of the program
// itself, the first object in memory; "" if it has none.
std::string build_id() {
  std::string id;
  const auto look = [](dl_phdr_info* object, std::size_t, void* out) {
    for (int i = 0; i < object->dlpi_phnum; ++i) {
      const auto& segment = object->dlpi_phdr[i];
      if (segment.p_type != PT_NOTE) continue;
      const char* at = reinterpret_cast<const char*>(object->dlpi_addr + segment.p_vaddr);
      const char* const end = at + segment.p_memsz;
      const auto padded = [](std::size_t size) { return (size + 3) / 4 * 4; };
      while (end - at > static_cast<std::ptrdiff_t>(sizeof(ElfW(Nhdr)))) {
        ElfW(Nhdr) note;
        std::memcpy(&note, at, sizeof note);
        const char* name = at + sizeof note;
        const char* content = name + padded(note.n_namesz);
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0) {
          static_cast<std::string*>(out)->assign(content, note.n_descsz);
        }
        at = content + padded(note.n_descsz);
      }
    }
    return 1;  // no more objects
  };
  dl_iterate_phdr(look, &id);
  return id;
}

}  // namespace

std::string binary_id() {
  std::string bytes = build_id();
  if (bytes.empty()) {
    std::ifstream in("/proc/self/exe", std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
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
