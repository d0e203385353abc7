// Shared by the writing and the reading half of run files; not for inclusion elsewhere.
#pragma once

#include <string>

#include "framework/io/hdf5.hpp"

namespace strata {

/// 16 hex digits over everything that read_run_file returns, weights included, as it is in the file: what a reader does
/// not see (a group or an attribute that somebody added) leaves it alone.
std::string content_checksum(const h5::Group& root);

}  // namespace strata
