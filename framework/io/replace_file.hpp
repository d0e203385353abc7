// Replacing a file whole, so that neither a reader nor a kill ever sees half of it.
#pragma once

#include <filesystem>
#include <string_view>

namespace strata {

/// `<path>.tmp`: what a program that is killed in replace_file may leave; the next replace_file writes over it.
std::filesystem::path temporary_file(const std::filesystem::path& path);

/// Replaces the file at `path` by `bytes`: written to `<path>.tmp` beside it, fsynced, renamed, folder fsynced, so that
/// neither a reader nor a kill ever sees half a file. Throws IoError; the old file is then untouched, the temp removed.
void replace_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace strata
