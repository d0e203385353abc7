#include "framework/layers/activation.hpp"

#include "framework/core/chunks.hpp"
#include "framework/core/errors.hpp"
#include "framework/core/vector_math.hpp"
#include "framework/layers/one_input.hpp"
#include "framework/parallel/column_blocks.hpp"

namespace strata {
namespace {

// A loop of fixed length, which the compiler turns into vector instructions; Eigen does not vectorise comparisons.
template <class F> Chunk each(const Eigen::Map<const Chunk>& x, const F& f) {
  Chunk y;
  for (Index i = 0; i < vector_lanes; ++i) y.data()[i] = f(x.data()[i]);
  return y;
}

// A function is a name, its value f(x), and its derivative from x and y = f(x). All on chunks, so vectorised.
struct Identity {
  static constexpr const char* name = "identity";
  template <class X> static auto value(const X& x) { return x; }
  template <class X, class Y> static auto derivative(const X& x, const Y&) { return x * 0 + 1; }
};
struct Tanh {
  static constexpr const char* name = "tanh";
  template <class X> static auto value(const X& x) {
    if constexpr (sizeof(Scalar) == 8) return each(x, [](Scalar v) { return std::tanh(v); });
    else return x.tanh();
  }
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
    return each(x, [](Scalar v) { return v > -3 && v < 3 ? Scalar(1) / 6 : Scalar(0); });
  }
};
struct Relu {
  static constexpr const char* name = "relu";
  template <class X> static auto value(const X& x) { return x.max(Scalar(0)); }
  template <class X, class Y> static auto derivative(const X& x, const Y&) {
    return each(x, [](Scalar v) { return v > 0 ? Scalar(1) : Scalar(0); });
  }
};
struct LeakyRelu {
  static constexpr const char* name = "leaky_relu";
  static constexpr Scalar slope = Scalar(0.01);
  template <class X> static auto value(const X& x) { return x.max(Scalar(0)) + slope * x.min(Scalar(0)); }
  template <class X, class Y> static auto derivative(const X& x, const Y&) {
    return each(x, [](Scalar v) { return v > 0 ? Scalar(1) : slope; });
  }
};
struct Elu {
  static constexpr const char* name = "elu";
  template <class X> static auto value(const X& x) { return x.max(Scalar(0)) + x.min(Scalar(0)).expm1(); }
  // eᶻ = y + 1 on the left; min keeps the right half at 1.
  template <class X, class Y> static auto derivative(const X&, const Y& y) { return y.min(Scalar(0)) + 1; }
};

template <class F> class Activation final : public Layer, public Pointwise {
 public:
  std::string type() const override { return F::name; }
  bool keeps_units() const override { return true; }
  const Pointwise* pointwise() const override { return this; }

  Shape infer(std::span<const Shape> in) const override { return one_input(F::name, in); }

  void map(Index n, const Scalar* x, Scalar* y) const override {
    in_chunks(
        n, y, [](const auto& a) { return Chunk(F::value(a)); }, x);
  }

  void pull(Index n, const Scalar* x, const Scalar* y, const Scalar* dy, Scalar* dx) const override {
    const auto f = [](const auto& a, const auto& b, const auto& d) { return Chunk(d * F::derivative(a, b)); };
    in_chunks(n, dx, f, x, y, dy);
  }

  void forward(const NodeCtx&, Views, Views x, MutView y, Aux&) const override {
    for_column_blocks(y.rows(), y.cols(), [&](Index first, Index count) {
      for (Index c = first; c < first + count; ++c) map(y.rows(), column(x[0], c), column(y, c));
    });
  }

  void pull_back(Views, Views x, View y, const Aux&, View dy, MutViews dx) const override {
    if (!wanted(dx[0])) return;
    for_column_blocks(dy.rows(), dy.cols(), [&](Index first, Index count) {
      for (Index c = first; c < first + count; ++c) {
        const Index sample = c % y.cols();  // dy may hold several cotangents a sample
        const auto f = [](const auto& a, const auto& b, const auto& d, const auto& sum) {
          return Chunk(sum + Chunk(d * F::derivative(a, b)));
        };
        Scalar* to = column(dx[0], c);
        in_chunks(y.rows(), to, f, column(x[0], sample), column(y, sample), column(dy, c), to);
      }
    });
  }

  void pull_back_blocks(Views w, Views x, View y, const Aux& aux, View dy, View before, MutView dx,
                        BlockBody done) const override {
    if (given(before)) return Layer::pull_back_blocks(w, x, y, aux, dy, before, dx, done);
    for_column_blocks(dy.rows(), dy.cols(), [&](Index first, Index count) {
      for (Index c = first; c < first + count; ++c) {
        const Index sample = c % y.cols();
        pull(y.rows(), column(x[0], sample), column(y, sample), column(dy, c), column(dx, c));
      }
      if (done) done(0, first, MutView(column(dx, first), dx.rows(), count, Eigen::OuterStride<>(dx.outerStride())));
    });
  }

  void push_forward(Views, Views x, View y, const Aux&, Views dx, Views, MutView dy) const override {
    if (!given(dx[0])) {
      dy.setZero();
      return;
    }
    for_column_blocks(y.rows(), y.cols(), [&](Index first, Index count) {
      for (Index c = first; c < first + count; ++c) {
        pull(y.rows(), column(x[0], c), column(y, c), column(dx[0], c), column(dy, c));
      }
    });
  }

 private:
  static const Scalar* column(const View& m, Index c) { return m.data() + c * m.outerStride(); }
  static Scalar* column(MutView& m, Index c) { return m.data() + c * m.outerStride(); }
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
