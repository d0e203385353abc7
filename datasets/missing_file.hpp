// A data file that does not exist, apart from one that is wrong.
#pragma once

#include "framework/core/errors.hpp"

namespace strata {

/// A data file or folder that does not exist.
class MissingFile : public DataError {
 public:
  using DataError::DataError;
};

}  // namespace strata
