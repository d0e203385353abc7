// A layer with values for all that it reads, and its derivatives by central differences.
#pragma once

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "framework/core/errors.hpp"
#include "framework/core/rng.hpp"
#include "framework/layers/layer.hpp"

namespace strata::testing {

inline Matrix drawn(Index rows, Index cols, const std::string& name) {
  Matrix m(rows, cols);
  Rng(1, name).fill_normal(mut_view(m), 0, 2);
  return m;
}

inline std::vector<View> views(const std::vector<Matrix>& matrices) {
  std::vector<View> out;
  for (const Matrix& m : matrices) out.push_back(view(m));
  return out;
}

/// Of the same shapes, or with so many columns.
inline std::vector<Matrix> zeros(const std::vector<Matrix>& like, Index cols = 0) {
  std::vector<Matrix> out;
  for (const Matrix& m : like) out.push_back(Matrix::Zero(m.rows(), cols > 0 ? cols : m.cols()));
  return out;
}

struct LayerTrial {
  /// Of the central differences.
  static constexpr Scalar step = sizeof(Scalar) == sizeof(double) ? Scalar(1e-5) : Scalar(1e-2);

  std::shared_ptr<const Layer> layer;
  std::vector<Shape> shapes;
  std::vector<Matrix> x, w;
  Matrix y, dy;
  Aux aux;
  Ctx ctx{Mode::train, true, 1, 3};

  /// Inputs keep away from 0 and ±3, the kinks of the activations.
  LayerTrial(std::shared_ptr<const Layer> tried, std::vector<Shape> inputs, Index batch)
      : layer(std::move(tried)), shapes(std::move(inputs)) {
    const Scalar room = std::max(Scalar(0.01), 2 * step);
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      x.push_back(drawn(features(shapes[i]), batch, cat("x", i)));
      for (const Scalar kink : {-3, 0, 3}) {
        x.back() = ((x.back().array() - kink).abs() < room).select(kink + 2 * room, x.back());
      }
    }
    for (const ParamSpec& p : layer->params(shapes)) w.push_back(drawn(p.rows, p.cols, p.name));
    y.resize(features(layer->infer(shapes)), batch);
    if (auto bound = layer->bound(shapes)) layer = std::move(bound);
    dy = drawn(y.rows(), batch, "dy");
  }

  void forward() {
    y.setConstant(std::numeric_limits<Scalar>::quiet_NaN());  // all of it must be written
    layer->forward({ctx, "node"}, views(w), views(x), mut_view(y), aux);
  }

  /// Adds to `dx`, except for input `skipped`.
  void pull_back(const std::vector<Matrix>& transport, const Matrix& d, std::vector<Matrix>& dx,
                 int skipped = -1) const {
    std::vector<MutView> out = wanted(dx, skipped);
    layer->pull_back(views(transport), views(x), view(y), aux, view(d), out);
  }
  /// Adds to `g`, except for parameter `skipped`.
  void param_grad(std::vector<Matrix>& g, Scalar scale, int skipped = -1) const {
    std::vector<MutView> out = wanted(g, skipped);
    layer->param_grad(views(x), view(y), aux, view(dy), out, scale);
  }

  /// d⟨dy, y⟩/dm by central differences; m is one of x or w.
  Matrix numeric(Matrix& m) {
    Matrix out(m.rows(), m.cols());
    const auto value = [&] {
      forward();
      return y.cast<double>().cwiseProduct(dy.cast<double>()).sum();
    };
    for (Index i = 0; i < m.size(); ++i) {
      const Scalar kept = m.data()[i];
      m.data()[i] = kept + step;
      const double up = value();
      m.data()[i] = kept - step;
      out.data()[i] = static_cast<Scalar>((up - value()) / (2 * static_cast<double>(step)));
      m.data()[i] = kept;
    }
    forward();
    return out;
  }

 private:
  // Eigen's maps cannot be assigned, so they are made one by one.
  static std::vector<MutView> wanted(std::vector<Matrix>& all, int skipped) {
    std::vector<MutView> out;
    for (std::size_t i = 0; i < all.size(); ++i) {
      out.push_back(static_cast<int>(i) == skipped ? no_view() : mut_view(all[i]));
    }
    return out;
  }
};

}  // namespace strata::testing
