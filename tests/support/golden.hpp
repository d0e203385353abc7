// Reference values of the folder golden/.
#pragma once

#include <Eigen/Core>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace strata::testing {

/// The content of golden/<name>; Json is nlohmann's json or ordered_json.
template <class Json = nlohmann::json> Json golden(const std::string& name) {
  const std::string path = STRATA_GOLDEN_DIR "/" + name;
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  return Json::parse(file);
}

/// A list of rows as a matrix.
template <class Json> Eigen::MatrixXd matrix_of(const Json& rows) {
  Eigen::MatrixXd m(static_cast<Eigen::Index>(rows.size()), static_cast<Eigen::Index>(rows.at(0).size()));
  for (Eigen::Index i = 0; i < m.rows(); ++i) {
    for (Eigen::Index j = 0; j < m.cols(); ++j) {
      m(i, j) = rows[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)].template get<double>();
    }
  }
  return m;
}

}  // namespace strata::testing
