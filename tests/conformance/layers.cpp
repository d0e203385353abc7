// What every layer must keep to, tried with the examples of its catalog entry.

#include <cmath>

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
