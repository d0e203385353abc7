// What every layer must keep to, tried with the examples of its catalog entry.

#include <cmath>
#include <limits>

#include "framework/core/errors.hpp"
#include "framework/parallel/parallel.hpp"
#include "tests/conformance/suites.hpp"
#include "tests/support/layer_trial.hpp"
#include "tests/support/says.hpp"
#include "tests/support/threads.hpp"

namespace strata::conformance {
namespace {

using testing::bytes;
using testing::drawn;
using testing::views;
using testing::zeros;

// Of central differences, with room for their rounding and the step's square.
constexpr double tolerance = sizeof(Scalar) == sizeof(double) ? 1e-6 : 1e-2;

double distance(const Matrix& a, const Matrix& reference) {
  return static_cast<double>((a - reference).norm()) / (1e-3 + static_cast<double>(reference.norm()));
}

struct Trial : testing::LayerTrial {
  Trial(const LayerEntry& entry, const LayerExample& example, Index batch)
      : LayerTrial(made(entry, example), example.inputs, batch) {}

  std::vector<Matrix> dx_by(const std::vector<Matrix>& transport) const {
    std::vector<Matrix> dx = zeros(x);
    pull_back(transport, dy, dx);
    return dx;
  }
  std::vector<Matrix> gradients() const {
    std::vector<Matrix> g = zeros(w);
    param_grad(g, 1);
    return g;
  }

 private:
  static std::shared_ptr<const Layer> made(const LayerEntry& entry, const LayerExample& example) {
    Attributes attributes("node", example.attributes);
    auto layer = entry.make(attributes);
    attributes.finish();
    return layer;
  }
};

void gradients_match_central_differences(const LayerEntry& entry, const LayerExample& example) {
  Trial t(entry, example, 3);
  t.forward();
  BOOST_TEST(t.y.allFinite());
  const auto dx = t.dx_by(t.w), g = t.gradients();
  for (std::size_t i = 0; i < dx.size(); ++i) BOOST_TEST(distance(dx[i], t.numeric(t.x[i])) < tolerance, "input " << i);
  for (std::size_t i = 0; i < g.size(); ++i)
    BOOST_TEST(distance(g[i], t.numeric(t.w[i])) < tolerance, "parameter " << i);
}

void gradients_are_added_and_scaled(const LayerEntry& entry, const LayerExample& example) {
  Trial t(entry, example, 3);
  t.forward();
  const auto dx = t.dx_by(t.w), g = t.gradients();
  auto more_dx = dx, more_g = g;
  t.pull_back(t.w, t.dy, more_dx);
  t.param_grad(more_g, Scalar(-0.5));
  for (std::size_t i = 0; i < dx.size(); ++i) BOOST_TEST(distance(more_dx[i], 2 * dx[i]) < 1e-4, "input " << i);
  for (std::size_t i = 0; i < g.size(); ++i) BOOST_TEST(distance(more_g[i], g[i] / 2) < 1e-4, "parameter " << i);
}

void unwanted_gradients_are_left_alone(const LayerEntry& entry, const LayerExample& example) {
  Trial t(entry, example, 3);
  t.forward();
  const auto dx = t.dx_by(t.w);
  for (std::size_t i = 0; i < dx.size(); ++i) {
    auto got = zeros(t.x);
    t.pull_back(t.w, t.dy, got, static_cast<int>(i));
    for (std::size_t k = 0; k < dx.size(); ++k) {
      BOOST_TEST((bytes(got[k]) == bytes(k == i ? Matrix(Matrix::Zero(dx[k].rows(), dx[k].cols())) : dx[k])));
    }
  }
}

// The backward half of a layer that has the foreign weights: a layer with parameters is linear in them and in x, or its
// derivative by x does not depend on x's image under its own.
void foreign_transport_weights(const LayerEntry& entry, const LayerExample& example) {
  Trial t(entry, example, 3);
  if (t.w.empty()) return;
  t.forward();
  const auto own = t.dx_by(t.w);
  std::vector<Matrix> foreign;
  for (const Matrix& w : t.w) foreign.push_back(drawn(w.rows(), w.cols(), "foreign"));
  const auto dx = t.dx_by(foreign);
  double apart = 0;
  for (std::size_t i = 0; i < dx.size(); ++i) {
    BOOST_TEST(dx[i].allFinite());
    apart += distance(dx[i], own[i]);
  }
  BOOST_TEST(apart > 1e-3, "pull_back uses the layer's own weights and not those that it is given");
}

void many_cotangents_are_so_many_calls(const LayerEntry& entry, const LayerExample& example) {
  Trial t(entry, example, 5);
  t.forward();
  const Matrix dy = drawn(t.y.rows(), 15, "many");
  std::vector<Matrix> together = zeros(t.x, 15);
  t.pull_back(t.w, dy, together);
  for (Index k = 0; k < 3; ++k) {
    t.dy = dy.middleCols(5 * k, 5);
    const auto one = t.dx_by(t.w);
    for (std::size_t i = 0; i < one.size(); ++i) BOOST_TEST(distance(together[i].middleCols(5 * k, 5), one[i]) < 1e-4);
  }
}

// 0 and −0 are the same here: a signal that is added to nothing cannot be told from one that is written.
bool same(const Matrix& a, const Matrix& b) { return (a.array() == b.array()).all(); }

// Notes what is handed on block by block.
struct Blocks {
  Matrix values;
  Matrix times;
  explicit Blocks(const Matrix& like)
      : values(Matrix::Zero(like.rows(), like.cols())), times(Matrix::Zero(like.rows(), like.cols())) {}

  auto take() {
    return [this](Index row, Index col, MutView block) {
      values.block(row, col, block.rows(), block.cols()) = block;
      times.block(row, col, block.rows(), block.cols()).array() += 1;
    };
  }
  bool are(const Matrix& all) const { return same(values, all) && (times.array() == 1).all(); }
  bool none() const { return times.isZero(0); }
};

// Whatever a layer does in blocks, or both halves of the way back at once, or not at all since it passes through.
void shortcuts_have_the_same_bits(const LayerEntry& entry, const LayerExample& example) {
  for (const Index batch : {3, 300}) {
    Trial t(entry, example, batch);
    t.forward();
    const Matrix y = t.y;
    Blocks of_y(y);
    t.y.setConstant(std::numeric_limits<Scalar>::quiet_NaN());
    t.layer->forward_blocks({t.ctx, "node"}, views(t.w), views(t.x), mut_view(t.y), t.aux, of_y.take());
    BOOST_TEST(of_y.are(y));
    BOOST_TEST(same(t.y, y));
    if (t.layer->passes_through()) BOOST_TEST(same(y, t.x[0]));

    const auto apart = t.dx_by(t.w), of_w = t.gradients();
    if (t.layer->passes_back()) {
      for (const Matrix& dx : apart) BOOST_TEST(same(dx, t.dy));
    }
    std::vector<Blocks> blocks(of_w.begin(), of_w.end());
    const auto take = [&](std::size_t p, Index row, Index col, MutView block) { blocks[p].take()(row, col, block); };
    const bool in_blocks = t.layer->param_grad_blocks(views(t.x), view(t.y), t.aux, view(t.dy), 1, take);
    const std::vector<ParamSpec> params = t.layer->params(t.shapes);
    for (std::size_t p = 0; p < of_w.size(); ++p) {
      BOOST_TEST((in_blocks ? blocks[p].are(of_w[p]) : blocks[p].none()), "parameter " << p);
    }

    if (t.x.size() > 1) continue;
    const Matrix other = drawn(t.x[0].rows(), batch, "before");
    std::vector<Matrix> added{other};
    t.pull_back(t.w, t.dy, added);
    enum class Before { nothing, elsewhere, there };
    for (const Before kind : {Before::nothing, Before::elsewhere, Before::there}) {
      const Matrix& wanted = kind == Before::nothing ? apart[0] : added[0];
      const auto fresh = [&] {
        return kind == Before::there ? other : Matrix(Matrix::Constant(other.rows(), other.cols(), 7));
      };
      Matrix dx = fresh();
      const auto before = [&] {
        return kind == Before::nothing ? nothing() : kind == Before::there ? view(dx) : view(other);
      };
      Blocks of_dx(dx);
      t.layer->pull_back_blocks(views(t.w), views(t.x), view(t.y), t.aux, view(t.dy), before(), mut_view(dx),
                                of_dx.take());
      BOOST_TEST(of_dx.are(wanted));
      BOOST_TEST(same(dx, wanted));

      const Matrix untouched = dx = fresh();
      Blocks at_once(dx);
      std::vector<Matrix> g;
      std::vector<int> asked(of_w.size(), 0);
      for (const Matrix& m : of_w) g.push_back(Matrix::Constant(m.rows(), m.cols(), 7));
      const auto place = [&](std::size_t p) {
        ++asked[p];
        return mut_view(g[p]);
      };
      const bool both = t.layer->backward_blocks(views(t.w), views(t.x), view(t.y), t.aux, view(t.dy), before(),
                                                 mut_view(dx), at_once.take(), place);
      BOOST_TEST(same(dx, both ? wanted : untouched));
      BOOST_TEST((both ? at_once.are(wanted) : at_once.none()));
      for (std::size_t p = 0; p < g.size(); ++p) {
        BOOST_TEST(asked[p] == (both && params[p].trainable ? 1 : 0), "parameter " << p);
        if (asked[p] > 0) BOOST_TEST(same(g[p], of_w[p]), "parameter " << p);
      }
    }
  }
}

void the_number_of_threads_does_not_show(const LayerEntry& entry, const LayerExample& example) {
  const testing::EightThreads eight;
  Trial t(entry, example, 4099);
  const auto all = [&] {
    t.forward();
    std::string found = bytes(t.y);
    for (const Matrix& m : t.dx_by(t.w)) found += bytes(m);
    for (const Matrix& m : t.gradients()) found += bytes(m);
    return found;
  };
  const std::string reference = all();
  for (const int threads : {1, 2, 3, 8}) {
    with_threads(threads, [&] { BOOST_TEST((all() == reference), threads << " threads"); });
  }
}

void its_attributes_make_it_again(const LayerEntry& entry, const LayerExample& example) {
  const Trial t(entry, example, 1);
  BOOST_TEST(t.layer->type() == entry.name);
  Attributes again("node", t.layer->attributes());
  BOOST_TEST(entry.make(again)->attributes().dump() == t.layer->attributes().dump());
  BOOST_CHECK_NO_THROW(again.finish());
  if (t.layer->keeps_units()) BOOST_TEST(features(t.layer->infer(t.shapes)) == features(t.shapes[0]));
  BOOST_CHECK_THROW(t.layer->infer({}), ShapeError);
}

struct LayerCheck {
  const char* name;
  void (*run)(const LayerEntry&, const LayerExample&);
};

constexpr LayerCheck layer_checks[] = {{"gradients_match_central_differences", gradients_match_central_differences},
                                       {"gradients_are_added_and_scaled", gradients_are_added_and_scaled},
                                       {"unwanted_gradients_are_left_alone", unwanted_gradients_are_left_alone},
                                       {"foreign_transport_weights", foreign_transport_weights},
                                       {"many_cotangents_are_so_many_calls", many_cotangents_are_so_many_calls},
                                       {"shortcuts_have_the_same_bits", shortcuts_have_the_same_bits},
                                       {"the_number_of_threads_does_not_show", the_number_of_threads_does_not_show},
                                       {"its_attributes_make_it_again", its_attributes_make_it_again}};

}  // namespace

Suite* layer_suite(const std::vector<LayerEntry>& layers) {
  Suite* all = suite("layers");
  for (const LayerEntry& entry : layers) {
    Suite* of_layer = suite(entry.name);
    add_case(*of_layer, "an_entry_says_what_it_is", [entry] {
      BOOST_TEST(!entry.summary.empty());
      BOOST_TEST(entry.summary.find('\n') == std::string::npos);
      BOOST_TEST(!entry.examples.empty(), "layer '" << entry.name << "': its entry has no example to try");
    });
    for (const LayerCheck& check : layer_checks) {
      add_case(*of_layer, check.name, [entry, check] {
        for (const LayerExample& example : entry.examples) {
          BOOST_TEST_CONTEXT(example.attributes.dump()) { check.run(entry, example); }
        }
      });
    }
    all->add(of_layer);
  }
  return all;
}

}  // namespace strata::conformance
