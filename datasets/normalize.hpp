// Normalisation fitted to the training split: it becomes the first node of the graph, so a trained net carries it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "framework/core/types.hpp"

namespace strata {

/// (x − mean)/sd, one number for all features or one a feature; empty = none.
struct Normalization {
  std::vector<double> mean, sd;
};

/// The names fit_normalization accepts: none, global (one mean and sd for all features), feature (one a feature).
const std::vector<std::string>& normalization_names();

/// Throws UsageError on an unknown name: to be asked before the data are read.
void check_normalization(const std::string& how);

/// Fits to the columns `ids` of x (features × examples), sd over n. A feature that never varies keeps sd 1.
/// Throws UsageError on an unknown name.
Normalization fit_normalization(const Matrix& x, std::span<const Index> ids, const std::string& how);

}  // namespace strata
