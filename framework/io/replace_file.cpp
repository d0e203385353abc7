#include "framework/io/replace_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "framework/core/errors.hpp"
#include "framework/core/retry.hpp"

namespace strata {
namespace {

/// A POSIX file descriptor, closed when it goes.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

std::filesystem::path temporary_file(const std::filesystem::path& path) { return path.string() + ".tmp"; }

void replace_file(const std::filesystem::path& path, std::string_view bytes) {
  const std::string temp = temporary_file(path);
  bool made = false;
  const auto fail = [&](const char* what) {
    const std::string reason = std::strerror(errno);
    if (made) ::unlink(temp.c_str());
    throw IoError(cat(path.string(), ": cannot ", what, ": ", reason));
  };
  {
    Descriptor file{retry([&] { return ::open(temp.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666); })};
    if (file.fd < 0) fail("create its temporary file beside it");
    made = true;
    for (std::string_view rest = bytes; !rest.empty();) {
      const auto written = retry([&] { return ::write(file.fd, rest.data(), rest.size()); });
      if (written < 0) fail("write");
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    if (retry([&] { return ::fsync(file.fd); }) != 0) fail("flush to disk");
    if (::close(std::exchange(file.fd, -1)) != 0 && errno != EINTR) fail("close");
  }
  if (::rename(temp.c_str(), path.c_str()) != 0) fail("put the new file in place");
  made = false;
  const std::string folder = path.has_parent_path() ? path.parent_path().string() : ".";
  const Descriptor directory{retry([&] { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); })};
  // A folder that may be written but not read cannot be opened, and some file systems cannot sync one: no failures.
  if (directory.fd >= 0 && retry([&] { return ::fsync(directory.fd); }) != 0 && errno == EIO) fail("flush its folder");
}

}  // namespace strata
