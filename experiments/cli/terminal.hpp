// How large a terminal is.
#pragma once

#include <sys/ioctl.h>

#include <cstddef>
#include <optional>

namespace strata::cli {

struct TerminalSize {
  std::size_t width, height;
};

/// Nothing if the file is no terminal, or one that does not say; height 0 if it says that of the width alone.
inline std::optional<TerminalSize> terminal_size(int file) {
  winsize size{};
  if (::ioctl(file, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return TerminalSize{size.ws_col, size.ws_row};
}

}  // namespace strata::cli
