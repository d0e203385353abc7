#include "framework/layers/activation.hpp"

#include "framework/core/errors.hpp"
#include "framework/parallel/column_blocks.hpp"

namespace strata {
namespace {

// A function is a name, its value f(x), and its derivative from x and y = f(x). All on Eigen arrays, so vectorised.
struct Identity {
  static constexpr const char* name = "identity";
  template <class X> static auto value(const X& x) { return x; }
  template <class X, class Y> static auto derivative(const X& x, const Y&) { return x * 0 + 1; }
};
struct Tanh {
  static constexpr const char* name = "tanh";
  template <class X> static auto value(const X& x) { return x.tanh(); }
  template <class X, class Y> static auto derivative(const X&, const Y& y) { return 1 - y.square(); }
};
struct Sigmoid {
  static constexpr const char* name = "sigmoid";
  template <class X> static auto value(const X& x) { return x.logistic(); }
  template <class X, class Y> static auto derivative(const X&, const Y& y) { return y * (1 - y); }
};
struct HardSigmoid {
  static constexpr const char* name = "hard_sigmoid";
  template <class X> static auto value(const X& x) {
    return (x / Scalar(6) + Scalar(0.5)).max(Scalar(0)).min(Scalar(1));
  }
  template <class X, class Y> static auto derivative(const X& x, const Y&) {
    return (x.abs() < Scalar(3)).template cast<Scalar>() / Scalar(6);
  }
};
struct Relu {
  static constexpr const char* name = "relu";
  template <class X> static auto value(const X& x) { return x.max(Scalar(0)); }
  template <class X, class Y> static auto derivative(const X& x, const Y&) {
    return (x > Scalar(0)).template cast<Scalar>();
  }
};
struct LeakyRelu {
  static constexpr const char* name = "leaky_relu";
  static constexpr Scalar slope = Scalar(0.01);
  template <class X> static auto value(const X& x) { return x.max(Scalar(0)) + slope * x.min(Scalar(0)); }
  template <class X, class Y> static auto derivative(const X& x, const Y&) {
    return (x > Scalar(0)).template cast<Scalar>() * (1 - slope) + slope;
  }
};
struct Elu {
  static constexpr const char* name = "elu";
  template <class X> static auto value(const X& x) { return x.max(Scalar(0)) + x.min(Scalar(0)).expm1(); }
  // eᶻ = y + 1 on the left; min keeps the right half at 1.
  template <class X, class Y> static auto derivative(const X&, const Y& y) { return y.min(Scalar(0)) + 1; }
};

template <class F> class Activation final : public Layer {
 public:
  std::string type() const override { return F::name; }
  bool elementwise() const override { return true; }

  Shape infer(std::span<const Shape> in) const override {
    if (in.size() != 1) throw ShapeError(cat(F::name, " takes one input, got ", in.size()));
    return in[0];
  }

  void forward(const NodeCtx&, Views, Views x, MutView y, Aux&) const override {
    for_column_blocks(y.rows(), y.cols(),
                      [&](Index c, Index n) { y.middleCols(c, n).array() = F::value(x[0].middleCols(c, n).array()); });
  }

  void pull_back(Views, Views x, View y, const Aux&, View dy, MutViews dx) const override {
    if (!wanted(dx[0])) return;
    const Index batch = y.cols();
    // One block of columns at a time within one cotangent, so that x and y line up with dy.
    for (Index k = 0; k < dy.cols(); k += batch) {
      for_column_blocks(y.rows(), batch, [&](Index c, Index n) {
        dx[0].middleCols(k + c, n).array() +=
            dy.middleCols(k + c, n).array() * F::derivative(x[0].middleCols(c, n).array(), y.middleCols(c, n).array());
      });
    }
  }

  void push_forward(Views, Views x, View y, const Aux&, Views dx, Views, MutView dy) const override {
    if (!given(dx[0])) {
      dy.setZero();
      return;
    }
    for_column_blocks(y.rows(), y.cols(), [&](Index c, Index n) {
      dy.middleCols(c, n).array() =
          dx[0].middleCols(c, n).array() * F::derivative(x[0].middleCols(c, n).array(), y.middleCols(c, n).array());
    });
  }
};

template <class... Fs> struct Family {
  static std::unique_ptr<Layer> make(const std::string& wanted_name) {
    std::unique_ptr<Layer> made;
    ((wanted_name == Fs::name ? void(made = std::make_unique<Activation<Fs>>()) : void()), ...);
    return made;
  }
  static std::vector<std::string> names() { return {Fs::name...}; }
};
using All = Family<Identity, Tanh, Sigmoid, HardSigmoid, Relu, LeakyRelu, Elu>;

}  // namespace

const std::vector<std::string>& activation_names() {
  static const std::vector<std::string> names = All::names();
  return names;
}

std::unique_ptr<Layer> make_activation(const std::string& name) {
  auto layer = All::make(name);
  if (!layer) throw UsageError(unknown_name("activation", name, activation_names()));
  return layer;
}

}  // namespace strata
