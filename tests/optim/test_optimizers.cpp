// The optimizers against torch (golden/make_optimizers.py), their checks, and that a parameter may be cut anywhere.

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "framework/core/errors.hpp"
#include "framework/core/rng.hpp"
#include "framework/optim/optimizer.hpp"
#include "framework/parallel/parallel.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/threads.hpp"

using namespace strata;
using strata::testing::golden;
using Json = nlohmann::json;

namespace {

OptimizerSpec spec_of(const std::string& name, const Json& options) {
  OptimizerSpec s = default_optimizer(name);
  const auto set = [&](const char* key, double& value) { value = options.value(key, value); };
  set("lr", s.lr);
  set("momentum", s.momentum);
  set("beta1", s.beta1);
  set("beta2", s.beta2);
  set("epsilon", s.epsilon);
  set("alpha", s.alpha);
  set("weight_decay", s.weight_decay);
  return s;
}

/// One of each kind of kernel, with weight decay.
std::vector<OptimizerSpec> every_kernel() {
  std::vector<OptimizerSpec> all;
  for (const auto& info : optimizer_catalog()) all.push_back(default_optimizer(info.name));
  all.push_back(default_optimizer("rmsprop"));
  all.back().momentum = 0.7;
  for (OptimizerSpec& s : all) s.lr = 0.5, s.weight_decay = 0.013;
  return all;
}

/// A parameter with its gradient and state, as random as training leaves them.
struct Stepped {
  Matrix g, w;
  std::vector<Matrix> slots;

  Stepped(const Optimizer& optimizer, Index rows, Index cols) : g(rows, cols), w(rows, cols) {
    Rng(1, "g").fill_normal(mut_view(g), 0, Scalar(0.01));
    Rng(1, "w").fill_normal(mut_view(w), 0, 1);
    for (int i = 0; i < optimizer.slots(); ++i) {
      slots.emplace_back(rows, cols);
      Rng(1, cat("slot", i)).fill_uniform(mut_view(slots.back()), 0, 1);
    }
  }

  /// Steps the rows × cols block at (row, col) alone.
  void step(const Optimizer& optimizer, Index row, Index col, Index rows, Index cols) {
    const auto block = [&](Matrix& m) {
      return MutView(m.data() + row + col * m.rows(), rows, cols, Eigen::OuterStride<>(m.rows()));
    };
    std::vector<MutView> state;
    for (Matrix& s : slots) state.push_back(block(s));
    optimizer.step(optimizer.at(0.3, 7), view(block(g)), block(w), state);
  }

  bool same_bytes(const Stepped& o) const {
    const auto same = [](const Matrix& a, const Matrix& b) {
      return std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(Scalar)) == 0;
    };
    bool all = same(w, o.w);
    for (std::size_t i = 0; i < slots.size(); ++i) all = all && same(slots[i], o.slots[i]);
    return all;
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(same_as_torch) {
  const Json file = golden("optimizers.json");
  const Index rows = file["rows"], cols = file["cols"];
  const auto matrix = [&](const std::vector<double>& v) {
    return Matrix(Eigen::Map<const Eigen::MatrixXd>(v.data(), rows, cols).cast<Scalar>());
  };
  BOOST_REQUIRE(file["cases"].size() == 14U);
  for (const Json& one : file["cases"]) {
    const auto optimizer = make_optimizer(spec_of(one["name"], one["options"]));
    Matrix w = matrix(file["start"]);
    std::vector<Matrix> state(static_cast<std::size_t>(optimizer->slots()), Matrix::Zero(rows, cols));
    std::vector<MutView> slots;
    for (Matrix& s : state) slots.push_back(mut_view(s));
    BOOST_TEST_CONTEXT(one["name"] << " " << one["options"]) {
      for (std::size_t t = 0; t < file["gradients"].size(); ++t) {
        const Matrix g = matrix(file["gradients"][t]);
        optimizer->step(optimizer->at(file["lr_factors"][t].get<double>(), t + 1), view(g), mut_view(w), slots);
        const Matrix expected = matrix(one["path"][t]);
        const double apart = static_cast<double>((w - expected).cwiseAbs().maxCoeff() / expected.cwiseAbs().maxCoeff());
        BOOST_TEST(apart < (sizeof(Scalar) == 8 ? 1e-13 : 1e-5), "step " << t + 1 << ": off by " << apart);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(defaults_are_torchs) {
  const Json defaults = golden("optimizers.json")["defaults"];
  BOOST_REQUIRE(defaults.size() == 3U);
  for (const auto& [name, options] : defaults.items()) {
    BOOST_TEST_CONTEXT(name) { BOOST_TEST((default_optimizer(name) == spec_of(name, options))); }
  }
  BOOST_TEST((adam(1e-3) == default_optimizer("adam")));
}

// Sizes around every vector width, cut at odd places: the vector body and its remainder round alike.
BOOST_AUTO_TEST_CASE(any_partition_gives_the_same_bytes) {
  for (const OptimizerSpec& spec : every_kernel()) {
    const auto optimizer = make_optimizer(spec);
    BOOST_TEST_CONTEXT(spec.name) {
      for (const Index n : {1, 7, 8, 15, 31, 33, 64, 131, 20011}) {
        Stepped whole(*optimizer, n, 1);
        const Stepped before = whole;
        whole.step(*optimizer, 0, 0, n, 1);
        BOOST_TEST((whole.w.array() != before.w.array()).any());
        for (const Index cut : {1, 3, 13, 1009}) {
          Stepped parts(*optimizer, n, 1);
          for (Index i = 0; i < n; i += cut) parts.step(*optimizer, i, 0, std::min(cut, n - i), 1);
          BOOST_TEST(parts.same_bytes(whole), n << " in parts of " << cut);
        }
      }
      // Tiles of a matrix, last column first.
      Stepped whole(*optimizer, 61, 23);
      whole.step(*optimizer, 0, 0, 61, 23);
      Stepped tiles(*optimizer, 61, 23);
      for (Index c = 20; c >= 0; c -= 5) {
        for (Index r = 0; r < 61; r += 17) {
          tiles.step(*optimizer, r, c, std::min<Index>(17, 61 - r), std::min<Index>(5, 23 - c));
        }
      }
      BOOST_TEST(tiles.same_bytes(whole));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_number_of_threads_does_not_show) {
  const testing::EightThreads eight;
  for (const OptimizerSpec& spec : every_kernel()) {
    const auto optimizer = make_optimizer(spec);
    Stepped one(*optimizer, 301, 203);
    one.step(*optimizer, 0, 0, 301, 203);
    for (const int threads : {2, 3, 8}) {
      Stepped many(*optimizer, 301, 203);
      with_threads(threads, [&] { many.step(*optimizer, 0, 0, 301, 203); });
      BOOST_TEST(many.same_bytes(one));
    }
  }
}

BOOST_AUTO_TEST_CASE(only_the_block_moves) {
  for (const OptimizerSpec& spec : every_kernel()) {
    const auto optimizer = make_optimizer(spec);
    const Stepped before(*optimizer, 9, 7);
    Stepped after = before;
    after.step(*optimizer, 2, 3, 4, 2);
    Matrix moved = (after.w.array() != before.w.array()).cast<Scalar>();
    BOOST_TEST(moved.sum() == 8);
    BOOST_TEST(moved.block(2, 3, 4, 2).sum() == 8);
  }
}

// As in a tile: some views compact, others windows on a larger matrix.
BOOST_AUTO_TEST_CASE(strides_may_differ) {
  for (const OptimizerSpec& spec : every_kernel()) {
    const auto optimizer = make_optimizer(spec);
    Stepped whole(*optimizer, 5, 4);
    const Stepped before = whole;
    whole.step(*optimizer, 0, 0, 5, 4);
    for (int strided = 0; strided < 2 + optimizer->slots(); ++strided) {
      std::vector<Matrix> buffers = {before.g, before.w};
      buffers.insert(buffers.end(), before.slots.begin(), before.slots.end());
      std::vector<MutView> views;
      for (std::size_t i = 0; i < buffers.size(); ++i) {
        if (static_cast<int>(i) == strided) buffers[i].conservativeResize(9, 4);
        views.emplace_back(buffers[i].data(), 5, 4, Eigen::OuterStride<>(buffers[i].rows()));
      }
      optimizer->step(optimizer->at(0.3, 7), view(views[0]), views[1], std::span(views).subspan(2));
      BOOST_TEST((views[1].array() == whole.w.array()).all());
      for (std::size_t i = 0; i < whole.slots.size(); ++i) {
        BOOST_TEST((views[2 + i].array() == whole.slots[i].array()).all());
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(shapes) {
  for (const OptimizerSpec& spec : every_kernel()) {
    const auto optimizer = make_optimizer(spec);
    Matrix w = Matrix::Zero(3, 2), g = Matrix::Zero(2, 3);
    std::vector<Matrix> state(static_cast<std::size_t>(optimizer->slots()) + 1, Matrix::Zero(3, 2));
    std::vector<MutView> slots;
    for (Matrix& s : state) slots.push_back(mut_view(s));
    const std::span<MutView> enough = std::span(slots).first(slots.size() - 1);
    BOOST_CHECK_THROW(optimizer->step(optimizer->at(1, 1), view(g), mut_view(w), enough), ShapeError);
    BOOST_CHECK_THROW(optimizer->step(optimizer->at(1, 1), view(w), mut_view(w), slots), ShapeError);
    if (optimizer->slots() > 0) {
      std::vector<MutView> turned(enough.size(), mut_view(g));
      BOOST_CHECK_THROW(optimizer->step(optimizer->at(1, 1), view(w), mut_view(w), turned), ShapeError);
    }
    Matrix none(0, 2);
    std::vector<MutView> empty(enough.size(), mut_view(none));
    optimizer->step(optimizer->at(1, 1), view(none), mut_view(none), empty);
  }
}

BOOST_AUTO_TEST_CASE(senseless_numbers_are_refused) {
  struct Case {
    const char* name;
    const char* option;
    std::vector<double> bad;
    std::vector<double> good;
  };
  const double nan = std::nan("");
  const std::vector<Case> cases = {{"sgd", "lr", {-1, nan, HUGE_VAL}, {0, 1e-3, 10}},
                                   {"sgd", "weight_decay", {-1e-9, nan, HUGE_VAL}, {0, 0.1}},
                                   {"sgd", "momentum", {0.9, nan}, {0}},
                                   {"adam", "momentum", {0.9}, {0}},
                                   {"momentum", "momentum", {0, -0.1, 1, nan}, {0.5, 0.999}},
                                   {"nesterov", "momentum", {0, -0.1, 1, nan}, {0.5}},
                                   {"rmsprop", "momentum", {-0.1, 1, nan}, {0, 0.5}},
                                   {"rmsprop", "alpha", {-0.1, 1, nan}, {0, 0.5}},
                                   {"rmsprop", "beta1", {0.5}, {0.9}},
                                   {"rmsprop", "epsilon", {-1e-9, nan, HUGE_VAL}, {0, 1e-3}},
                                   {"momentum", "epsilon", {1e-3}, {1e-8}},
                                   {"adam", "alpha", {0.5}, {0.99}},
                                   {"adam", "beta1", {-0.1, 1, 1.5, nan}, {0, 0.999}},
                                   {"adamw", "beta2", {-0.1, 1, 1.5, nan}, {0, 0.9999}},
                                   {"sgd", "beta2", {0.5, nan}, {0.999}},
                                   {"adamw", "epsilon", {-1e-9, nan, HUGE_VAL}, {0, 1e-3}}};
  for (const Case& c : cases) {
    for (const double value : c.bad) {
      const OptimizerSpec spec = spec_of(c.name, {{c.option, value}});
      BOOST_TEST_CONTEXT(c.name << " " << c.option << " " << value) {
        BOOST_CHECK_EXCEPTION(validate(spec), UsageError, [&](const UsageError& e) {
          const std::string text = e.what();
          return text.find(cat("optimizer ", c.name, ": ", c.option, " = ", value, ": expected ")) == 0;
        });
        BOOST_CHECK_THROW(make_optimizer(spec), UsageError);
      }
    }
    for (const double value : c.good) BOOST_CHECK_NO_THROW(make_optimizer(spec_of(c.name, {{c.option, value}})));
  }
  BOOST_CHECK_THROW(default_optimizer("adma"), UsageError);
  BOOST_CHECK_THROW(make_optimizer({.name = "sgdd"}), UsageError);
}
