#include "datasets/normalize.hpp"

#include <algorithm>
#include <cmath>

#include "framework/core/errors.hpp"

namespace strata {
namespace {

// The mean of equal values differs from them in its last bits: a spread that small is none.
double sd_or_1(double variance, double mean) {
  const double sd = std::sqrt(variance);
  return sd > 1e-10 * std::abs(mean) ? sd : 1;
}

}  // namespace

const std::vector<std::string>& normalization_names() {
  static const std::vector<std::string> names = {"none", "global", "feature"};
  return names;
}

void check_normalization(const std::string& how) {
  const auto& names = normalization_names();
  if (std::find(names.begin(), names.end(), how) == names.end()) {
    throw UsageError(cat("--normalize: ", unknown_name("normalisation", how, names)));
  }
}

Normalization fit_normalization(const Matrix& x, std::span<const Index> ids, const std::string& how) {
  check_normalization(how);
  if (how == "none" || ids.empty()) return {};
  // Two passes in double: no cancellation. Columns in order, so the same bits always.
  const auto n = static_cast<double>(ids.size());
  Eigen::VectorXd mean = Eigen::VectorXd::Zero(x.rows());
  for (const Index id : ids) mean += x.col(id).cast<double>();
  mean /= n;
  if (how == "global") mean.setConstant(mean.mean());
  Eigen::VectorXd variance = Eigen::VectorXd::Zero(x.rows());
  for (const Index id : ids) variance += (x.col(id).cast<double>() - mean).cwiseAbs2();
  variance /= n;
  if (how == "global") {
    return {{mean[0]}, {sd_or_1(variance.mean(), mean[0])}};
  }
  Normalization fitted;
  for (Index i = 0; i < x.rows(); ++i) {
    fitted.mean.push_back(mean[i]);
    fitted.sd.push_back(sd_or_1(variance[i], mean[i]));
  }
  return fitted;
}

}  // namespace strata
