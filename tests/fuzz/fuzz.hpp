// Readers of hostile input, each as a function of bytes: for libFuzzer (entry.cpp) and for the replay of the corpus.
//
// What a reader may do with bytes it does not like is to throw one of Strata's errors, with a message of one line. All
// else (another exception, a wrong result) leaves these functions as an exception.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "framework/core/function_ref.hpp"

namespace strata::fuzz {

using Bytes = std::span<const std::uint8_t>;

/// An IDX file behind one byte that says how to read it: '0' as images, '1' as labels, '2' and '3' the same under a
/// name that ends in .gz. Behind '4': four files, each behind its length in two bytes, as a data set.
void idx(Bytes bytes);

/// A .npy file behind '0': read alone. Behind '1': four files, each behind its length in two bytes, as a data set.
void npy(Bytes bytes);

/// An .npz file: every array is read, within 64 KiB.
void npz(Bytes bytes);

/// A graph file: read, built into a Graph, written again.
void graph(Bytes bytes);

/// An INI file of options: what `strata run` and `strata compare` do with it up to the plan of their runs, on a few
/// examples instead of a data set.
void ini(Bytes bytes);

/// A file in memory, written anew for every input: the readers take paths.
class MemoryFile {
 public:
  MemoryFile();
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  void write(Bytes bytes);
  const std::string& path() const { return path_; }

 private:
  int file_;
  std::string path_;
};

/// Cuts the first of several parts off: two bytes, low one first, say how long it is, or what is left if that is less.
Bytes take_part(Bytes& bytes);

/// Calls `read`. Swallows Strata's errors that say something on one line; throws std::logic_error about other messages.
void may_refuse(FunctionRef<void()> read);

/// Throws std::logic_error unless `held`.
void promise(bool held, const char* what);

}  // namespace strata::fuzz
