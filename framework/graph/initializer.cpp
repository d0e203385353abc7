#include "framework/graph/initializer.hpp"

#include <Eigen/QR>
#include <cmath>

#include "framework/core/errors.hpp"

namespace strata {

const std::vector<std::string>& initializer_names() {
  static const std::vector<std::string> names = {"xavier_normal", "xavier_uniform", "he_normal",  "he_uniform",
                                                 "lecun_normal",  "lecun_uniform",  "orthogonal", "zeros"};
  return names;
}

Initializer initializer(const std::string& name, double gain) {
  using Kind = Initializer::Kind;
  if (name == "xavier_normal") return {Kind::xavier, false, gain};
  if (name == "xavier_uniform") return {Kind::xavier, true, gain};
  if (name == "he_normal") return {Kind::he, false, gain};
  if (name == "he_uniform") return {Kind::he, true, gain};
  if (name == "lecun_normal") return {Kind::lecun, false, gain};
  if (name == "lecun_uniform") return {Kind::lecun, true, gain};
  if (name == "orthogonal") return {Kind::orthogonal, false, gain};
  if (name == "zeros") return {};
  throw UsageError(unknown_name("initialiser", name, initializer_names()));
}

double initial_sd(const Initializer& init, Index rows, Index cols) {
  using Kind = Initializer::Kind;
  const double in = static_cast<double>(cols);
  const double out = static_cast<double>(rows);
  switch (init.kind) {
    case Kind::zeros: return 0;
    case Kind::xavier: return init.gain * std::sqrt(2.0 / (in + out));
    case Kind::he: return init.gain * std::sqrt(2.0 / in);
    case Kind::lecun: return init.gain * std::sqrt(1.0 / in);
    case Kind::orthogonal: return init.gain / std::sqrt(std::max(in, out));
    case Kind::normal: return init.gain;
    case Kind::uniform: return init.gain / std::sqrt(3.0);
  }
  return 0;
}

Matrix draw(const Initializer& init, Index rows, Index cols, const Rng& rng) {
  Matrix m = Matrix::Zero(rows, cols);
  if (init.kind == Initializer::Kind::zeros) return m;
  if (init.kind == Initializer::Kind::orthogonal) {
    const Index tall = std::max(rows, cols);
    const Index thin = std::min(rows, cols);
    Matrix normal(tall, thin);
    rng.fill_normal(mut_view(normal), 0, 1);
    const Eigen::HouseholderQR<Matrix> qr(normal);
    Matrix q = qr.householderQ() * Matrix::Identity(tall, thin);
    // The sign of R's diagonal is fixed, or Q would not be uniform (Mezzadri math-ph/0609050).
    for (Index j = 0; j < thin; ++j) {
      if (qr.matrixQR()(j, j) < 0) q.col(j) = -q.col(j);
    }
    if (rows >= cols) {
      m = static_cast<Scalar>(init.gain) * q;
    } else {
      m = static_cast<Scalar>(init.gain) * q.transpose();
    }
    return m;
  }
  const auto sd = static_cast<Scalar>(initial_sd(init, rows, cols));
  if (init.uniform) {
    const Scalar half = sd * std::sqrt(Scalar(3));
    rng.fill_uniform(mut_view(m), -half, half);
  } else {
    rng.fill_normal(mut_view(m), 0, sd);
  }
  return m;
}

}  // namespace strata
