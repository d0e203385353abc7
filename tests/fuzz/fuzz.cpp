#include "tests/fuzz/fuzz.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "framework/core/errors.hpp"

namespace strata::fuzz {

MemoryFile::MemoryFile() : file_(::memfd_create("input", 0)), path_(cat("/proc/self/fd/", file_)) {
  if (file_ < 0) throw std::runtime_error("cannot make a file in memory");
}

MemoryFile::~MemoryFile() { ::close(file_); }

void MemoryFile::write(Bytes bytes) {
  const auto size = static_cast<ssize_t>(bytes.size());
  if (::ftruncate(file_, 0) != 0 || ::pwrite(file_, bytes.data(), bytes.size(), 0) != size) {
    throw std::runtime_error("cannot write a file in memory");
  }
}

Bytes take_part(Bytes& bytes) {
  const std::size_t said = bytes.size() < 2 ? 0 : bytes[0] | std::size_t{bytes[1]} << 8;
  bytes = bytes.subspan(std::min<std::size_t>(bytes.size(), 2));
  const Bytes part = bytes.first(std::min(said, bytes.size()));
  bytes = bytes.subspan(part.size());
  return part;
}

void may_refuse(FunctionRef<void()> read) {
  std::string message;
  try {
    read();
    return;
  } catch (const Error& e) {
    message = e.what();
  }
  promise(!message.empty(), "an error says something");
  promise(message.find_first_of("\n\r") == message.npos, "an error is one line");
}

void promise(bool held, const char* what) {
  if (!held) throw std::logic_error(cat("broken promise: ", what));
}

}  // namespace strata::fuzz
