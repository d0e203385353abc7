// A small generated task on which hidden layers pay: each class is several clusters, scattered so that no line
// separates the classes. For tests and first tries; the same numbers on every machine up to the last bits of log, sin
// and cos.
#pragma once

#include "framework/learning/dataset.hpp"

namespace strata {

struct ClustersSpec {
  Index features = 16;
  Index classes = 4;
  Index clusters = 4;  ///< a class
  Index train = 1200;
  Index test = 400;
  double spread = 0.35;  ///< standard deviation within a cluster; centres are standard normal
  std::uint64_t seed = 1;
};

/// Values are squashed into 0 … 1 by the normal distribution function. Throws UsageError on a spec without examples,
/// features, or two classes.
Dataset make_clusters(const ClustersSpec& spec);

}  // namespace strata
