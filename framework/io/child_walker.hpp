// Looks at a file in a child process before this process opens it.
//
// HDF5's own parser has faults: a damaged or hostile file can make it read beyond its memory, loop, or ask for all memory
// there is. A child meets that first, under limits; here it becomes an error like any other.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

#include <sys/types.h>

namespace strata {

class ChildWalker {
 public:
  /// What reads a file whole, and may say something about it. Runs in a child process: its effects are lost.
  using Walk = std::function<std::string(const std::filesystem::path&)>;

  /// For a small file; a larger one gets a second for each 16 MiB and 16 times its size on top. By the clock ten times
  /// as long, for a file system that lets wait.
  struct Limits {
    unsigned seconds = 20;                     ///< of processor time
    std::size_t bytes = std::size_t{1} << 30;  ///< of memory, besides what this process has
  };

  /// Starts a process that waits for files. To be made before any thread starts, since a fork copies the calling thread
  /// alone. Throws IoError.
  explicit ChildWalker(Walk walk) : ChildWalker(std::move(walk), Limits{}) {}
  ChildWalker(Walk walk, Limits limits);
  ~ChildWalker();
  ChildWalker(const ChildWalker&) = delete;
  ChildWalker& operator=(const ChildWalker&) = delete;

  /// Walks the file in a child of its own and returns what `walk` did. Throws IoError where `walk` threw one, or where
  /// no child could be had; DataError with the message of whatever else it threw; DataError where the child crashed or
  /// needed more than the limits. For one thread at a time.
  std::string operator()(const std::filesystem::path& path) const;

 private:
  struct Answer;
  void serve(int socket);
  int look(const std::string& path);

  Walk walk_;
  Limits limits_;
  Answer* answer_;  // in memory that all three processes share
  int socket_ = -1;
  pid_t server_ = -1;
};

}  // namespace strata
