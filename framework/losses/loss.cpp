#include "framework/losses/loss.hpp"

#include <algorithm>
#include <cmath>

#include "framework/core/errors.hpp"
#include "framework/parallel/column_blocks.hpp"

namespace strata {
namespace {

// Each loss is two functions of one example: o its outputs, t its targets, n classes.

struct CrossEntropy {
  static constexpr const char* name = "cross_entropy";

  static double log_sum_exp(const Scalar* o, Index n) {
    const double top = *std::max_element(o, o + n);
    double sum = 0;
    for (Index k = 0; k < n; ++k) sum += std::exp(o[k] - top);
    return top + std::log(sum);
  }
  static double value(const Scalar* o, const Scalar* t, Index n) {
    // Σ t_k (lse − o_k) rather than lse − Σ t_k o_k: no cancellation between large numbers.
    const double lse = log_sum_exp(o, n);
    double sum = 0;
    for (Index k = 0; k < n; ++k) sum += t[k] * (lse - o[k]);
    return sum;
  }
  static void gradient(const Scalar* o, const Scalar* t, Index n, double scale, Scalar* d) {
    const double lse = log_sum_exp(o, n);
    for (Index k = 0; k < n; ++k) d[k] = static_cast<Scalar>(scale * (std::exp(o[k] - lse) - t[k]));
  }
};

struct SquaredError {
  static constexpr const char* name = "squared_error";

  static double value(const Scalar* o, const Scalar* t, Index n) {
    double sum = 0;
    for (Index k = 0; k < n; ++k) {
      const double error = static_cast<double>(o[k]) - t[k];
      sum += error * error;
    }
    return sum / 2;
  }
  static void gradient(const Scalar* o, const Scalar* t, Index n, double scale, Scalar* d) {
    for (Index k = 0; k < n; ++k) d[k] = static_cast<Scalar>(scale * (static_cast<double>(o[k]) - t[k]));
  }
};

struct BinaryCrossEntropy {
  static constexpr const char* name = "binary_cross_entropy";

  static double sigmoid(double x) {
    const double e = std::exp(-std::abs(x));
    return (x >= 0 ? 1 : e) / (1 + e);
  }
  static double value(const Scalar* o, const Scalar* t, Index n) {
    double sum = 0;
    for (Index k = 0; k < n; ++k) {
      const double x = o[k];  // log(1 + eˣ) = max(x, 0) + log(1 + e^{−|x|})
      sum += std::max(x, 0.0) - x * t[k] + std::log1p(std::exp(-std::abs(x)));
    }
    return sum;
  }
  static void gradient(const Scalar* o, const Scalar* t, Index n, double scale, Scalar* d) {
    for (Index k = 0; k < n; ++k) d[k] = static_cast<Scalar>(scale * (sigmoid(o[k]) - t[k]));
  }
};

template <class Example> class ExampleLoss final : public Loss {
 public:
  std::string name() const override { return Example::name; }

  void values(View out, const Batch& batch, std::span<double> each) const override {
    check(out, batch);
    if (each.size() != static_cast<std::size_t>(out.cols())) {
      throw ShapeError(cat(Example::name, ": room for ", each.size(), " losses of ", out.cols(), " examples"));
    }
    for_column_blocks(
        out.rows(), out.cols(),
        [&](Index first, Index count) {
          for (Index b = first; b < first + count; ++b) {
            each[static_cast<std::size_t>(b)] = Example::value(column(out, b), column(batch.one_hot, b), out.rows());
          }
        },
        cost);
  }

  void gradient(View out, const Batch& batch, MutView d) const override {
    check(out, batch);
    if (d.rows() != out.rows() || d.cols() != out.cols()) {
      throw ShapeError(cat(Example::name, ": gradient ", d.rows(), " × ", d.cols(), " for an output ", out.rows(),
                           " × ", out.cols()));
    }
    const double scale = 1 / static_cast<double>(out.cols());
    for_column_blocks(
        out.rows(), out.cols(),
        [&](Index first, Index count) {
          for (Index b = first; b < first + count; ++b) {
            Example::gradient(column(out, b), column(batch.one_hot, b), out.rows(), scale,
                              d.data() + b * d.outerStride());
          }
        },
        cost);
  }

 private:
  static constexpr Index cost = 20;  // of an element: about an exponential

  static const Scalar* column(const View& m, Index c) { return m.data() + c * m.outerStride(); }

  static void check(const View& out, const Batch& batch) {
    if (out.rows() != batch.one_hot.rows() || out.cols() != batch.one_hot.cols() || out.size() == 0) {
      throw ShapeError(cat(Example::name, ": output ", out.rows(), " × ", out.cols(), ", targets ",
                           batch.one_hot.rows(), " × ", batch.one_hot.cols(),
                           ": expected the same classes × batch, at least 1 × 1"));
    }
  }
};

}  // namespace

const std::vector<std::string>& loss_names() {
  static const std::vector<std::string> names = {CrossEntropy::name, SquaredError::name, BinaryCrossEntropy::name};
  return names;
}

double Loss::value(View out, const Batch& batch) const {
  std::vector<double> each(static_cast<std::size_t>(out.cols()));
  values(out, batch, each);
  double sum = 0;
  for (const double e : each) sum += e;
  return sum / static_cast<double>(each.size());
}

std::unique_ptr<Loss> make_loss(const std::string& name) {
  if (name == CrossEntropy::name) return std::make_unique<ExampleLoss<CrossEntropy>>();
  if (name == SquaredError::name) return std::make_unique<ExampleLoss<SquaredError>>();
  if (name == BinaryCrossEntropy::name) return std::make_unique<ExampleLoss<BinaryCrossEntropy>>();
  throw UsageError(unknown_name("loss", name, loss_names()));
}

}  // namespace strata
