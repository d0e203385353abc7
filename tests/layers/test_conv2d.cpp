// Convolution against the loops of its definition, for many geometries. In double.

#include <boost/test/unit_test.hpp>

#include "framework/core/errors.hpp"
#include "framework/layers/conv2d.hpp"
#include "framework/parallel/parallel.hpp"
#include "tests/support/layer_trial.hpp"
#include "tests/support/says.hpp"
#include "tests/support/threads.hpp"

using namespace strata;
using strata::testing::bytes;
using strata::testing::drawn;
using strata::testing::says;
using strata::testing::zeros;

namespace {

struct Geometry {
  Shape image;
  Index channels;
  Window window;
  Index groups = 1;

  Conv2d::Options options() const { return {.channels = channels, .window = window, .groups = groups}; }
};

// Kernels of one pixel and of the whole image, strides larger than the kernel, holes, padding wider than the kernel reaches,
// maps of one pixel, more positions than a block, rows of whole vectors and of half ones, channels that fill no vector and
// more than one tile.
const std::vector<Geometry> geometries = {
    {{1, 1, 1}, 1, {{1, 1}}},
    {{3, 7, 5}, 4, {{3, 3}}},
    {{3, 7, 5}, 4, {{3, 3}, {1, 1}, {1, 1}}},
    {{2, 9, 8}, 3, {{2, 3}, {2, 3}, {1, 2}}},
    {{2, 9, 8}, 3, {{3, 3}, {2, 2}, {1, 1}}},
    {{4, 6, 6}, 6, {{3, 3}, {2, 1}, {1, 1}}, 2},
    {{4, 6, 6}, 8, {{3, 3}, {1, 1}, {1, 1}}, 4},
    {{4, 5, 7}, 4, {{3, 1}, {3, 2}, {0, 0}}, 4},
    {{2, 11, 9}, 3, {{3, 2}, {1, 2}, {2, 3}, {3, 4}}},
    {{2, 5, 5}, 3, {{1, 1}, {3, 3}, {0, 0}}},
    {{2, 4, 6}, 3, {{1, 1}, {2, 2}, {3, 3}}},
    {{5, 6, 7}, 3, {{1, 1}}},
    {{3, 4, 5}, 7, {{4, 5}}},
    {{3, 4, 5}, 2, {{4, 5}, {5, 6}, {1, 1}}},
    {{1, 20, 21}, 2, {{5, 5}, {1, 1}, {2, 2}}},
    {{2, 6, 16}, 3, {{3, 3}, {1, 1}, {1, 1}}},
    {{4, 7, 32}, 6, {{3, 3}, {2, 2}, {1, 1}}, 2},
    {{3, 10, 8}, 5, {{3, 3}, {1, 1}, {1, 1}}},
    {{2, 20, 16}, 3, {{3, 3}, {2, 2}, {1, 1}}},
    {{4, 18, 4}, 6, {{3, 3}, {1, 1}, {1, 1}}, 2},
    {{3, 3, 48}, 140, {{1, 1}}},
    {{9, 4, 4}, 70, {{3, 3}, {1, 1}, {1, 1}}},
    {{40, 3, 3}, 150, {{2, 2}, {1, 1}, {1, 1}}},
};

struct Trial : strata::testing::LayerTrial {
  Trial(const Geometry& g, Index batch) : LayerTrial(std::make_shared<Conv2d>(g.options()), {g.image}, batch) {}
};

/// use(sample, output feature, input feature, row of W, column of W) for every product of the definition.
template <class Use> void for_each_product(const Geometry& g, Index batch, const Use& use) {
  const Extents out = g.window.output("conv2d", g.image);
  const Index inputs = g.image[0] / g.groups, outputs = g.channels / g.groups;
  for (Index b = 0; b < batch; ++b) {
    for (Index map = 0; map < g.channels; ++map) {
      for (Index i = 0; i < out[0]; ++i) {
        for (Index j = 0; j < out[1]; ++j) {
          for (Index c = 0; c < inputs; ++c) {
            for (Index p = 0; p < g.window.size[0]; ++p) {
              for (Index q = 0; q < g.window.size[1]; ++q) {
                const Index y = i * g.window.stride[0] - g.window.padding[0] + p * g.window.dilation[0];
                const Index x = j * g.window.stride[1] - g.window.padding[1] + q * g.window.dilation[1];
                if (y < 0 || y >= g.image[1] || x < 0 || x >= g.image[2]) continue;
                use(b, (map * out[0] + i) * out[1] + j,
                    ((map / outputs * inputs + c) * g.image[1] + y) * g.image[2] + x, map,
                    (c * g.window.size[0] + p) * g.window.size[1] + q);
              }
            }
          }
        }
      }
    }
  }
}

void for_every_geometry(Index batch, const std::function<void(const Geometry&, Trial&)>& check) {
  for (const Geometry& g : geometries) {
    Trial trial(g, batch);
    BOOST_TEST_CONTEXT(to_string(g.image) << " " << trial.layer->attributes().dump()) { check(g, trial); }
  }
}

double apart(const Matrix& a, const Matrix& reference) { return (a - reference).cwiseAbs().maxCoeff(); }

}  // namespace

BOOST_AUTO_TEST_CASE(values_are_those_of_the_definition) {
  for_every_geometry(3, [](const Geometry& g, Trial& t) {
    t.forward();
    Matrix y(t.y.rows(), 3);
    const Index positions = y.rows() / g.channels;
    for (Index r = 0; r < y.rows(); ++r) y.row(r).setConstant(t.w[1](r / positions, 0));
    for_each_product(g, 3, [&](Index b, Index to, Index from, Index row, Index col) {
      y(to, b) += t.w[0](row, col) * t.x[0](from, b);
    });
    BOOST_TEST(apart(t.y, y) < 1e-12 * static_cast<double>(t.w[0].cols()));
  });
}

BOOST_AUTO_TEST_CASE(signals_go_back_by_the_definition) {
  for_every_geometry(3, [](const Geometry& g, Trial& t) {
    t.forward();
    const Matrix foreign = drawn(t.w[0].rows(), t.w[0].cols(), "foreign");
    Matrix expected = Matrix::Constant(t.x[0].rows(), 3, 5);
    for_each_product(g, 3, [&](Index b, Index to, Index from, Index row, Index col) {
      expected(from, b) += foreign(row, col) * t.dy(to, b);
    });
    std::vector<Matrix> dx{Matrix::Constant(t.x[0].rows(), 3, 5)};
    t.pull_back({foreign, t.w[1]}, t.dy, dx);
    BOOST_TEST(apart(dx[0], expected) < 1e-10);

    // The same without a place for what was there before, and handed on.
    Matrix over = Matrix::Constant(t.x[0].rows(), 3, std::numeric_limits<double>::quiet_NaN()), seen = over;
    const std::vector<View> w{view(foreign), view(t.w[1])}, x{view(t.x[0])};
    t.layer->pull_back_blocks(
        w, x, view(t.y), t.aux, view(t.dy), nothing(), mut_view(over),
        [&](Index row, Index col, MutView block) { seen.block(row, col, block.rows(), block.cols()) = block; });
    BOOST_TEST(apart(over, expected.array() - 5) < 1e-10);
    BOOST_TEST((bytes(seen) == bytes(over)));
  });
}

BOOST_AUTO_TEST_CASE(gradients_are_those_of_the_definition) {
  for_every_geometry(5, [](const Geometry& g, Trial& t) {
    t.forward();
    Matrix weight = Matrix::Zero(t.w[0].rows(), t.w[0].cols()), bias = Matrix::Zero(g.channels, 1);
    for_each_product(g, 5, [&](Index b, Index to, Index from, Index row, Index col) {
      weight(row, col) += t.dy(to, b) * t.x[0](from, b);
    });
    const Index positions = t.y.rows() / g.channels;
    for (Index r = 0; r < t.y.rows(); ++r) bias(r / positions, 0) += t.dy.row(r).sum();
    std::vector<Matrix> gradients{Matrix::Constant(weight.rows(), weight.cols(), 5),
                                  Matrix::Constant(g.channels, 1, 5)};
    t.param_grad(gradients, -0.5);
    BOOST_TEST(apart(gradients[0], 5 - weight.array() / 2) < 1e-10);
    BOOST_TEST(apart(gradients[1], 5 - bias.array() / 2) < 1e-10);

    std::vector<Matrix> blocks{Matrix(weight.rows(), weight.cols()), Matrix(g.channels, 1)}, zero = zeros(t.w);
    t.param_grad(zero, -0.5);
    const std::vector<View> x{view(t.x[0])};
    t.layer->param_grad_blocks(x, view(t.y), t.aux, view(t.dy), -0.5,
                               [&](std::size_t p, Index row, Index col, MutView block) {
                                 blocks[p].block(row, col, block.rows(), block.cols()) = block;
                               });
    for (std::size_t p = 0; p < 2; ++p) BOOST_TEST((blocks[p].array() == zero[p].array()).all());
  });
}

// Where a batch is large enough for it, what goes back and the gradients are found together.
BOOST_AUTO_TEST_CASE(both_halves_of_the_way_back_at_once_have_the_same_bits) {
  int at_once = 0;
  for_every_geometry(70, [&](const Geometry&, Trial& t) {
    t.forward();
    const Matrix before = drawn(t.x[0].rows(), 70, "before");
    std::vector<Matrix> found(t.w), apart = zeros(t.w), dx{before};
    Matrix together = before;
    t.param_grad(apart, 1);
    t.pull_back(t.w, t.dy, dx);
    const std::vector<View> w{view(t.w[0]), view(t.w[1])}, x{view(t.x[0])};
    const auto place = [&](std::size_t p) { return mut_view(found[p]); };
    if (!t.layer->backward_blocks(w, x, view(t.y), t.aux, view(t.dy), view(before), mut_view(together), {}, place)) {
      return;
    }
    BOOST_TEST((together.array() == dx[0].array()).all());
    for (std::size_t p = 0; p < 2; ++p) BOOST_TEST((found[p].array() == apart[p].array()).all());
    ++at_once;
  });
  BOOST_TEST(at_once >= 6);
}

BOOST_AUTO_TEST_CASE(single_units_go_back_alone) {
  for_every_geometry(4, [](const Geometry&, Trial& t) {
    t.forward();
    std::vector<Index> unit;
    Matrix dy = Matrix::Zero(t.y.rows(), 4);
    for (Index c = 0; c < 4; ++c) {
      unit.push_back((c * 7 + 1) % dy.rows());
      dy(unit.back(), c) = t.dy(unit.back(), c);
    }
    std::vector<Matrix> dx = zeros(t.x), picked = zeros(t.x);
    t.pull_back(t.w, dy, dx);
    MutView out = mut_view(picked[0]);
    const std::vector<View> w{view(t.w[0]), view(t.w[1])}, x{view(t.x[0])};
    t.layer->pull_back_units(w, x, view(t.y), t.aux, view(dy), unit, {&out, 1});
    BOOST_TEST(apart(picked[0], dx[0]) < 1e-11);
  });
}

BOOST_AUTO_TEST_CASE(derivatives_along_a_direction) {
  for_every_geometry(3, [](const Geometry&, Trial& t) {
    t.forward();
    const Matrix base = t.y, dx = drawn(t.x[0].rows(), 3, "dx"), dw = drawn(t.w[0].rows(), t.w[0].cols(), "dw"),
                 db = drawn(t.w[1].rows(), 1, "db");
    Matrix along(t.y.rows(), 3);
    const std::vector<View> w{view(t.w[0]), view(t.w[1])}, x{view(t.x[0])}, dxs{view(dx)}, dws{view(dw), view(db)};
    t.layer->push_forward(w, x, view(t.y), t.aux, dxs, dws, mut_view(along));
    const double h = 1e-5;
    const auto moved = [&](double by) {
      Trial at = t;
      at.x[0] += by * dx;
      at.w[0] += by * dw;
      at.w[1] += by * db;
      at.forward();
      return at.y;
    };
    BOOST_TEST(apart((moved(h) - moved(-h)) / (2 * h), along) < 1e-5);
  });
}

BOOST_AUTO_TEST_CASE(the_number_of_threads_does_not_show) {
  const testing::EightThreads eight;
  for_every_geometry(130, [](const Geometry&, Trial& t) {
    const auto run = [&] {
      t.forward();
      std::vector<Matrix> dx = zeros(t.x), g = zeros(t.w);
      t.pull_back(t.w, t.dy, dx);
      t.param_grad(g, 1);
      return bytes(t.y) + bytes(dx[0]) + bytes(g[0]) + bytes(g[1]);
    };
    const std::string reference = run();
    for (const int threads : {1, 2, 3, 8}) {
      with_threads(threads, [&] { BOOST_TEST((run() == reference), threads << " threads"); });
    }
  });
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_named) {
  const auto refused = [](Conv2d::Options options, const Shape& image, std::vector<std::string> parts) {
    const Conv2d layer(std::move(options));
    BOOST_CHECK_EXCEPTION(layer.infer(std::vector<Shape>{image}), ShapeError, says(parts));
  };
  refused({.channels = 3, .window = {{5, 5}}}, {1, 4, 8}, {"5×5", "4×8", "[1, 4, 8]", "no larger"});
  refused({.channels = 3, .window = {{3, 3}, {1, 1}, {1, 0}, {3, 3}}}, {1, 4, 8}, {"7×7", "6×8"});
  refused({.channels = 3, .window = {{1, 1}}, .groups = 3}, {4, 2, 2}, {"groups = 3", "[4, 2, 2]", "3 channels"});
  refused({.channels = 4, .window = {{1, 1}}, .groups = 3}, {3, 2, 2}, {"groups = 3", "4 channels"});
  refused({.channels = 4, .window = {{1, 1}}}, {16}, {"images", "[16]"});
  refused({.channels = 100'000'000, .window = {{9, 9}}}, {1, 9, 9},
          {"81 pixels", "[1, 9, 9]", "100000000 channels", "at most"});
  BOOST_CHECK_EXCEPTION(Conv2d({.channels = 0}), UsageError, says({"channels = 0"}));
  BOOST_CHECK_EXCEPTION(Conv2d({.channels = 1, .groups = 0}), UsageError, says({"groups = 0"}));
  BOOST_CHECK_EXCEPTION(Conv2d({.channels = 1, .window = {{3, 0}}}), UsageError, says({"size = 0"}));
  BOOST_CHECK_EXCEPTION(Conv2d({.channels = 1, .window = {{3, 3}, {0, 1}}}), UsageError, says({"stride = 0"}));
  BOOST_CHECK_EXCEPTION(Conv2d({.channels = 1, .window = {{3, 3}, {1, 1}, {-1, 0}}}), UsageError,
                        says({"padding = -1"}));
  BOOST_CHECK_EXCEPTION(Conv2d({.channels = 1, .init = "he_norml"}), UsageError, says({"did you mean 'he_normal'"}));
}

BOOST_AUTO_TEST_CASE(fans_of_a_kernel_are_torchs) {
  const Conv2d layer({.channels = 8, .window = {{3, 5}}, .groups = 2});
  const auto specs = layer.params(std::vector<Shape>{{6, 9, 9}});
  BOOST_TEST(specs[0].rows == 8);
  BOOST_TEST(specs[0].cols == 3 * 15);
  // xavier: √(2/(fan_in + fan_out)), fan_in 3·15, fan_out 8·15
  BOOST_TEST(initial_sd(specs[0].init, 8, 45) == std::sqrt(2.0 / (45 + 120)), boost::test_tools::tolerance(1e-12));
}
