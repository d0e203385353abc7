#include "framework/graph/initializer.hpp"

#include <algorithm>
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
  const double out = static_cast<double>(rows * init.positions);
  switch (init.kind) {
    case Kind::zeros:
    case Kind::ones: return 0;
    case Kind::xavier: return init.gain * std::sqrt(2.0 / (in + out));
    case Kind::he: return init.gain * std::sqrt(2.0 / in);
    case Kind::lecun: return init.gain * std::sqrt(1.0 / in);
    case Kind::orthogonal: return init.gain / std::sqrt(static_cast<double>(std::max(rows, cols)));
    case Kind::normal: return init.gain;
    case Kind::uniform: return init.gain / std::sqrt(3.0);
  }
  return 0;
}

namespace {

// Gram–Schmidt, each column twice ("twice is enough": Giraud et al., Numer. Math. 101, 2005). It is the QR
// decomposition whose R has a positive diagonal, hence Q is uniform (Mezzadri math-ph/0609050).
void orthonormalise(Matrix& q) {
  for (Index j = 0; j < q.cols(); ++j) {
    const auto before = q.leftCols(j);
    for (int pass = 0; pass < 2; ++pass) q.col(j) -= before * (before.transpose() * q.col(j)).eval();
    q.col(j).normalize();
  }
}

}  // namespace

void draw_into(MutView out, const Initializer& init, const Rng& rng) {
  const Index rows = out.rows(), cols = out.cols();
  if (init.kind == Initializer::Kind::zeros || init.kind == Initializer::Kind::ones) {
    out.setConstant(init.kind == Initializer::Kind::ones ? Scalar(1) : Scalar(0));
    return;
  }
  if (init.kind == Initializer::Kind::orthogonal) {
    Matrix q(std::max(rows, cols), std::min(rows, cols));
    rng.fill_normal(mut_view(q), 0, 1);
    orthonormalise(q);
    q *= static_cast<Scalar>(init.gain);
    if (rows >= cols) out = q;
    else out = q.transpose();
    return;
  }
  const auto sd = static_cast<Scalar>(initial_sd(init, rows, cols));
  if (init.uniform) {
    const Scalar half = sd * std::sqrt(Scalar(3));
    rng.fill_uniform(out, -half, half);
  } else {
    rng.fill_normal(out, 0, sd);
  }
}

Matrix draw(const Initializer& init, Index rows, Index cols, const Rng& rng) {
  Matrix m(rows, cols);
  draw_into(mut_view(m), init, rng);
  return m;
}

}  // namespace strata
