#include "framework/optim/optimizer.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "framework/core/errors.hpp"
#include "framework/core/vector_size.hpp"
#include "framework/parallel/column_blocks.hpp"

namespace strata {
namespace {

// a·b + c with one rounding where the processor can, two where it cannot. Always spelt out, so that the compiler has no
// choice of what to contract: it might choose differently in a loop's vector body and in its remainder.
inline Scalar mul_add(Scalar a, Scalar b, Scalar c) {
#if defined(__FMA__) || defined(FP_FAST_FMA)
  return std::fma(a, b, c);
#else
  return a * b + c;
#endif
}

Scalar scalar(double x) { return static_cast<Scalar>(x); }

// A kernel steps `chunk` elements that lie side by side; state[i] belongs to slot i. The fixed length lets the compiler
// turn it into vector instructions and nothing else, so every element takes the same ones. It is that of one vector, so
// that hardly anything has to be filled up: products hand on blocks of a few.
constexpr Index chunk = vector_lanes;
using State = std::array<Scalar*, Optimizer::max_slots>;

struct SgdKernel {
  Scalar rate, decay;

  void operator()(const Scalar* __restrict g, Scalar* __restrict w, const State&) const {
    for (Index i = 0; i < chunk; ++i) w[i] = mul_add(-rate, mul_add(decay, w[i], g[i]), w[i]);
  }
};

template <bool nesterov> struct MomentumKernel {
  Scalar rate, decay, momentum;

  void operator()(const Scalar* __restrict g, Scalar* __restrict w, const State& state) const {
    Scalar* __restrict v = state[0];
    for (Index i = 0; i < chunk; ++i) {
      const Scalar d = mul_add(decay, w[i], g[i]);
      v[i] = mul_add(momentum, v[i], d);
      w[i] = mul_add(-rate, nesterov ? mul_add(momentum, v[i], d) : v[i], w[i]);
    }
  }
};

template <bool with_momentum> struct RmspropKernel {
  Scalar rate, decay, momentum, alpha, one_minus_alpha, epsilon;

  void operator()(const Scalar* __restrict g, Scalar* __restrict w, const State& state) const {
    Scalar* __restrict s = state[0];
    Scalar* __restrict v = state[1];
    for (Index i = 0; i < chunk; ++i) {
      const Scalar d = mul_add(decay, w[i], g[i]);
      s[i] = mul_add(alpha, s[i], one_minus_alpha * d * d);
      Scalar q = d / (std::sqrt(s[i]) + epsilon);
      if constexpr (with_momentum) q = v[i] = mul_add(momentum, v[i], q);
      w[i] = mul_add(-rate, q, w[i]);
    }
  }
};

// Adam with L2 decay (shrink = 1), AdamW (decay = 0): the other one's decay multiplies exactly by 1 or adds exactly 0.
struct AdamKernel {
  Scalar rate, decay, shrink, beta1, one_minus_beta1, beta2, one_minus_beta2, root, epsilon;

  void operator()(const Scalar* __restrict g, Scalar* __restrict w, const State& state) const {
    Scalar* __restrict m = state[0];
    Scalar* __restrict s = state[1];
    for (Index i = 0; i < chunk; ++i) {
      const Scalar d = mul_add(decay, w[i], g[i]);
      m[i] = mul_add(beta1, m[i], one_minus_beta1 * d);
      s[i] = mul_add(beta2, s[i], one_minus_beta2 * d * d);
      w[i] = mul_add(-rate, m[i] / mul_add(root, std::sqrt(s[i]), epsilon), shrink * w[i]);
    }
  }
};

// The elements that fill no chunk go through one that is filled up.
template <class Kernel>
void rest(Index n, const Scalar* g, Scalar* w, const State& state, std::size_t slots, const Kernel& kernel) {
  Scalar g_all[chunk] = {}, w_all[chunk] = {}, state_all[Optimizer::max_slots][chunk] = {};
  State all{};
  std::copy_n(g, n, g_all);
  std::copy_n(w, n, w_all);
  for (std::size_t i = 0; i < slots; ++i) all[i] = std::copy_n(state[i], n, state_all[i]) - n;
  kernel(g_all, w_all, all);
  std::copy_n(w_all, n, w);
  for (std::size_t i = 0; i < slots; ++i) std::copy_n(state_all[i], n, state[i]);
}

template <class Kernel> void sweep(View g, MutView w, std::span<const MutView> slots, const Kernel& kernel) {
  for_column_blocks(w.rows(), w.cols(), [&](Index first, Index count) {
    for (Index c = first; c < first + count; ++c) {
      const Scalar* g_c = g.data() + c * g.outerStride();
      Scalar* w_c = w.data() + c * w.outerStride();
      State state{};
      for (std::size_t i = 0; i < slots.size(); ++i) {
        state[i] = const_cast<Scalar*>(slots[i].data()) + c * slots[i].outerStride();
      }
      Index r = 0;
      for (; r + chunk <= w.rows(); r += chunk) {
        kernel(g_c, w_c, state);
        g_c += chunk;
        w_c += chunk;
        for (std::size_t i = 0; i < slots.size(); ++i) state[i] += chunk;
      }
      if (r < w.rows()) rest(w.rows() - r, g_c, w_c, state, slots.size(), kernel);
    }
  });
}

class Elementwise : public Optimizer {
 public:
  Elementwise(OptimizerSpec spec, int slots) : spec_(std::move(spec)), slots_(slots) {}
  int slots() const final { return slots_; }

  StepSize at(double lr_factor, std::uint64_t) const override { return {scalar(spec_.lr * lr_factor)}; }

  void step(const StepSize& size, View g, MutView w, std::span<const MutView> slots) const final {
    if (static_cast<int>(slots.size()) != slots_) {
      throw ShapeError(cat(spec_.name, ": ", slots.size(), " slots: expected ", slots_));
    }
    check("gradient", g.rows(), g.cols(), w);
    for (const MutView& s : slots) check("slot", s.rows(), s.cols(), w);
    apply(size, g, w, slots);
  }

 protected:
  virtual void apply(const StepSize& size, View g, MutView w, std::span<const MutView> slots) const = 0;
  const OptimizerSpec& spec() const { return spec_; }

 private:
  void check(const char* what, Index rows, Index cols, const MutView& w) const {
    if (rows == w.rows() && cols == w.cols()) return;
    throw ShapeError(
        cat(spec_.name, ": ", what, " ", rows, " × ", cols, " for a parameter ", w.rows(), " × ", w.cols()));
  }

  OptimizerSpec spec_;
  int slots_;
};

class Sgd final : public Elementwise {
 public:
  explicit Sgd(const OptimizerSpec& spec) : Elementwise(spec, 0) {}

 protected:
  void apply(const StepSize& size, View g, MutView w, std::span<const MutView> slots) const override {
    sweep(g, w, slots, SgdKernel{size.rate, scalar(spec().weight_decay)});
  }
};

template <bool nesterov> class Momentum final : public Elementwise {
 public:
  explicit Momentum(const OptimizerSpec& spec) : Elementwise(spec, 1) {}

 protected:
  void apply(const StepSize& size, View g, MutView w, std::span<const MutView> slots) const override {
    sweep(g, w, slots, MomentumKernel<nesterov>{size.rate, scalar(spec().weight_decay), scalar(spec().momentum)});
  }
};

template <bool with_momentum> class Rmsprop final : public Elementwise {
 public:
  explicit Rmsprop(const OptimizerSpec& spec) : Elementwise(spec, with_momentum ? 2 : 1) {}

 protected:
  void apply(const StepSize& size, View g, MutView w, std::span<const MutView> slots) const override {
    const OptimizerSpec& o = spec();
    sweep(g, w, slots,
          RmspropKernel<with_momentum>{size.rate, scalar(o.weight_decay), scalar(o.momentum), scalar(o.alpha),
                                       scalar(1 - o.alpha), scalar(o.epsilon)});
  }
};

template <bool decoupled> class Adam final : public Elementwise {
 public:
  explicit Adam(const OptimizerSpec& spec) : Elementwise(spec, 2) {}

  StepSize at(double lr_factor, std::uint64_t step) const override {
    const OptimizerSpec& o = spec();
    const double rate = o.lr * lr_factor;
    const auto t = static_cast<double>(step);
    return {scalar(rate / (1 - std::pow(o.beta1, t))), scalar(decoupled ? 1 - rate * o.weight_decay : 1),
            scalar(1 / std::sqrt(1 - std::pow(o.beta2, t)))};
  }

 protected:
  void apply(const StepSize& size, View g, MutView w, std::span<const MutView> slots) const override {
    const OptimizerSpec& o = spec();
    sweep(g, w, slots,
          AdamKernel{size.rate, scalar(decoupled ? 0 : o.weight_decay), size.shrink, scalar(o.beta1),
                     scalar(1 - o.beta1), scalar(o.beta2), scalar(1 - o.beta2), size.root, scalar(o.epsilon)});
  }
};

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& info : optimizer_catalog()) all.push_back(info.name);
  return all;
}

[[noreturn]] void refuse(const OptimizerSpec& spec, const char* option, double value, const char* expected) {
  throw UsageError(cat("optimizer ", spec.name, ": ", option, " = ", value, ": expected ", expected));
}

}  // namespace

const std::vector<OptimizerInfo>& optimizer_catalog() {
  static const std::vector<OptimizerInfo> all = {
      {"sgd", "stochastic gradient descent"},
      {"momentum", "SGD with heavy-ball momentum"},
      {"nesterov", "SGD with Nesterov's momentum"},
      {"rmsprop", "gradients scaled by a running root mean square, optionally with momentum"},
      {"adam", "running first and second moments with bias correction; weight decay as L2 penalty"},
      {"adamw", "Adam with decoupled weight decay"}};
  return all;
}

OptimizerSpec default_optimizer(const std::string& name) {
  OptimizerSpec spec;
  spec.name = name;
  if (name == "sgd" || name == "adam") return spec;
  if (name == "momentum" || name == "nesterov") {
    spec.momentum = 0.9;
  } else if (name == "rmsprop") {
    spec.lr = 1e-2;
  } else if (name == "adamw") {
    spec.weight_decay = 1e-2;
  } else {
    throw UsageError(unknown_name("optimizer", name, names()));
  }
  return spec;
}

OptimizerSpec adam(double lr, double beta1, double beta2, double epsilon) {
  return {.name = "adam", .lr = lr, .beta1 = beta1, .beta2 = beta2, .epsilon = epsilon};
}

void validate(const OptimizerSpec& spec) {
  const OptimizerSpec unread = default_optimizer(spec.name);
  const bool heavy = spec.name == "momentum" || spec.name == "nesterov";
  const bool rmsprop = spec.name == "rmsprop";
  const bool moments = spec.name == "adam" || spec.name == "adamw";
  const auto not_negative = [&](const char* option, double value) {
    if (!(value >= 0) || !std::isfinite(value)) refuse(spec, option, value, "a finite number ≥ 0");
  };
  const auto fraction = [&](const char* option, double value) {
    if (!(value >= 0 && value < 1)) refuse(spec, option, value, "0 ≤ x < 1");
  };
  const auto left_alone = [&](const char* option, double value, double fallback) {
    if (value != fallback) {
      refuse(spec, option, value, cat("the default ", fallback, ", since ", spec.name, " does not read it").c_str());
    }
  };
  not_negative("lr", spec.lr);
  not_negative("weight_decay", spec.weight_decay);
  if (heavy && !(spec.momentum > 0 && spec.momentum < 1)) {
    refuse(spec, "momentum", spec.momentum, "0 < x < 1 (sgd is the optimizer without)");
  }
  if (rmsprop) fraction("momentum", spec.momentum);
  if (!heavy && !rmsprop) left_alone("momentum", spec.momentum, unread.momentum);
  if (moments) {
    fraction("beta1", spec.beta1);
    fraction("beta2", spec.beta2);
  } else {
    left_alone("beta1", spec.beta1, unread.beta1);
    left_alone("beta2", spec.beta2, unread.beta2);
  }
  if (rmsprop) {
    fraction("alpha", spec.alpha);
  } else {
    left_alone("alpha", spec.alpha, unread.alpha);
  }
  if (rmsprop || moments) {
    not_negative("epsilon", spec.epsilon);
  } else {
    left_alone("epsilon", spec.epsilon, unread.epsilon);
  }
}

std::unique_ptr<Optimizer> make_optimizer(const OptimizerSpec& spec) {
  validate(spec);
  if (spec.name == "sgd") return std::make_unique<Sgd>(spec);
  if (spec.name == "momentum") return std::make_unique<Momentum<false>>(spec);
  if (spec.name == "nesterov") return std::make_unique<Momentum<true>>(spec);
  if (spec.name == "rmsprop" && spec.momentum > 0) return std::make_unique<Rmsprop<true>>(spec);
  if (spec.name == "rmsprop") return std::make_unique<Rmsprop<false>>(spec);
  if (spec.name == "adam") return std::make_unique<Adam<false>>(spec);
  return std::make_unique<Adam<true>>(spec);
}

}  // namespace strata
