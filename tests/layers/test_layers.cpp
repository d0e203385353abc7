// Every layer of the catalog by one set of checks: gradients against central differences, what pull_back and param_grad
// may touch, threads, shapes. Then values by hand. In double.

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <map>

#include "framework/core/errors.hpp"
#include "framework/layers/activation.hpp"
#include "framework/layers/catalog.hpp"
#include "framework/parallel/parallel.hpp"
#include "tests/support/layer_trial.hpp"
#include "tests/support/says.hpp"
#include "tests/support/threads.hpp"

using namespace strata;
using strata::testing::bytes;
using strata::testing::drawn;
using strata::testing::says;
using strata::testing::views;
using strata::testing::zeros;
using Json = nlohmann::ordered_json;

namespace {

/// A layer to try: attributes and input shapes for a given width, and input shapes it must refuse, each with what the
/// message must name.
struct Sample {
  std::function<Json(Index)> attributes;
  std::function<std::vector<Shape>(Index)> inputs;
  std::vector<std::pair<std::vector<Shape>, std::vector<std::string>>> bad;
};

Json no_attributes(Index) { return Json::object(); }
std::vector<Shape> flat(Index n) { return {{n}}; }
std::vector<Shape> image(Index n) { return {{n, 2, 3}}; }

/// One sample a type at least; a new layer needs a line here.
std::multimap<std::string, Sample> samples() {
  const std::pair<std::vector<Shape>, std::vector<std::string>> none = {{}, {"got 0"}}, two = {{{2}, {2}}, {"got 2"}};
  const auto numbers = [](Index n, double first) {
    std::vector<double> v;
    for (Index i = 0; i < n; ++i) v.push_back(first + 0.1 * static_cast<double>(i % 7));
    return v;
  };
  std::multimap<std::string, Sample> all;
  for (const std::string& name : activation_names()) {
    all.insert({name, {no_attributes, flat, {none, two}}});
    all.insert({name, {no_attributes, image, {}}});
  }
  all.insert({"dense", {[](Index n) { return Json{{"units", n + 1}}; }, flat, {none, two, {{{2, 3}}, {"[2, 3]"}}}}});
  all.insert({"dense", {[](Index n) { return Json{{"units", n - 1}, {"bias", false}}; }, flat, {}}});
  // Its own test tries more (test_conv2d.cpp).
  all.insert({"conv2d",
              {[](Index n) {
                 return Json{{"channels", 3}, {"size", {2, 3}}, {"padding", n % 2}};
               },
               [](Index n) {
                 return std::vector<Shape>{{n / 4 + 1, 4, 5}};
               },
               {none, two, {{{1, 2, 2}}, {"2×3", "2×2", "[1, 2, 2]"}}}}});
  const auto alike = [](Index n) { return std::vector<Shape>{{n, 2}, {n, 2}}; };
  all.insert({"add",
              {no_attributes,
               alike,
               {none, {{{2}}, {"got 1"}}, {{{2}, {2}, {3}}, {"[2]", "[3]"}}, {{{6}, {2, 3}}, {"[6]", "[2, 3]"}}}}});
  all.insert({"add", {no_attributes, [](Index n) { return std::vector<Shape>{{n}, {n}, {n}, {n}}; }, {}}});
  const auto unlike = [](Index n) { return std::vector<Shape>{{n}, {1}, {n + 2}}; };
  all.insert({"concat", {no_attributes, unlike, {none, {{{2}}, {"got 1"}}, {{{2}, {2, 3}}, {"[2, 3]"}}}}});
  all.insert({"flatten", {no_attributes, image, {none, two}}});
  all.insert({"dropout", {[](Index) { return Json{{"rate", 0.4}}; }, image, {none, two}}});
  all.insert({"normalize", {[](Index) { return Json{{"mean", 0.3}, {"sd", 0.7}}; }, image, {none, two}}});
  all.insert({"batch_norm", {no_attributes, flat, {none, two}}});
  all.insert({"batch_norm", {[](Index) { return Json{{"epsilon", 0.1}, {"momentum", 0.3}}; }, image, {}}});
  all.insert({"layer_norm", {no_attributes, flat, {none, two}}});
  all.insert({"layer_norm", {[](Index) { return Json{{"epsilon", 0.1}}; }, image, {}}});
  const auto in_pairs = [](Index) { return Json{{"groups", 2}, {"epsilon", 0.1}}; };
  all.insert({"group_norm", {in_pairs, flat, {none, two, {{{5}}, {"groups = 2", "5 channels"}}}}});
  all.insert({"group_norm", {in_pairs, image, {{{{7, 2, 2}}, {"groups = 2", "7 channels", "[7, 2, 2]"}}}}});
  all.insert({"group_norm", {[](Index n) { return Json{{"groups", n / 2}}; }, image, {}}});
  const auto each = [=](Index n) { return Json{{"mean", numbers(6 * n, -0.2)}, {"sd", numbers(6 * n, 0.5)}}; };
  const auto picture = [](Index n) { return std::vector<Shape>{{2, n, 7}}; };
  const std::pair<std::vector<Shape>, std::vector<std::string>> unlike_image = {{{6, 7}}, {"[6, 7]", "height"}};
  for (const char* pool : {"max_pool", "average_pool"}) {
    all.insert({pool,
                {[](Index) {
                   return Json{{"size", 2}};
                 },
                 picture,
                 {none, two, unlike_image, {{{2, 1, 7}}, {"2×2", "[2, 1, 7]"}}}}});
    all.insert({pool,
                {[](Index) {
                   return Json{{"size", {4, 3}}, {"stride", {3, 1}}, {"padding", {2, 1}}};
                 },
                 picture,
                 {{{{1, 4, 0}}, {"4×3", "[1, 4, 0]"}}}}});
  }
  all.insert({"global_average_pool", {no_attributes, picture, {none, two, unlike_image}}});
  all.insert({"zero_pad", {[](Index) { return Json{{"padding", {1, 3}}}; }, picture, {none, two, unlike_image}}});
  for (const char* mode : {"nearest", "bilinear"}) {
    all.insert({"resize",
                {[=](Index n) {
                   return Json{{"height", 2 * n - 3}, {"width", 3}, {"mode", mode}};
                 },
                 picture,
                 {none, two, unlike_image}}});
  }
  all.insert({"normalize", {each, image, {{{{5}}, {"24 means", "[5]"}}}}});
  return all;
}

struct Trial : strata::testing::LayerTrial {
  Trial(const std::string& type, const Sample& sample, Index width, Index batch)
      : LayerTrial(made(type, sample.attributes(width)), sample.inputs(width), batch) {}

 private:
  static std::shared_ptr<const Layer> made(const std::string& type, const Json& given) {
    Attributes attributes("node", given);
    auto layer = builtin_layers().at(type).make(attributes);
    attributes.finish();
    return layer;
  }
};

/// Calls check(trial) for every sample, small or wide.
void for_every_layer(Index width, Index batch, const std::function<void(Trial&)>& check) {
  for (const auto& [type, sample] : samples()) {
    Trial trial(type, sample, width, batch);
    BOOST_TEST_CONTEXT(type << " " << sample.attributes(2).dump()) { check(trial); }
  }
}

/// Relative in norm; of what must be 0 (the gradient of a buffer), absolute.
double error(const Matrix& a, const Matrix& reference) {
  const double size = reference.norm();
  return (a - reference).norm() / (size > 0 ? size : 1);
}

bool same(const std::vector<Matrix>& a, const std::vector<Matrix>& b) {
  bool all = a.size() == b.size();
  for (std::size_t i = 0; all && i < a.size(); ++i) all = bytes(a[i]) == bytes(b[i]);
  return all;
}

/// A layer of the catalog run on one column.
Matrix value(const std::string& type, const Json& attributes, const Matrix& x) {
  Attributes a("node", attributes);
  const auto layer = builtin_layers().at(type).make(a);
  const Ctx ctx;
  Aux aux;
  Matrix y(x.rows(), x.cols());
  const View in = view(x);
  layer->forward({ctx, "node"}, {}, {&in, 1}, mut_view(y), aux);
  return y;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_type_has_a_sample) {
  const auto known = samples();
  const LayerCatalog catalog = builtin_layers();
  for (const LayerEntry& entry : catalog.entries()) {
    BOOST_TEST(known.contains(entry.name), "no sample of layer '" << entry.name << "' above: add one");
    BOOST_TEST(!entry.summary.empty());
  }
  for (const auto& [type, sample] : known) {
    const Trial trial(type, sample, 4, 1);
    BOOST_TEST(trial.layer->type() == type);
    // Its attributes make the same layer again.
    Attributes again("node", trial.layer->attributes());
    BOOST_TEST(builtin_layers().at(type).make(again)->attributes().dump() == trial.layer->attributes().dump());
    BOOST_CHECK_NO_THROW(again.finish());
  }
}

BOOST_AUTO_TEST_CASE(gradients_match_central_differences) {
  for_every_layer(4, 3, [](Trial& t) {
    t.forward();
    BOOST_TEST(t.y.allFinite());
    std::vector<Matrix> dx = zeros(t.x), g = zeros(t.w);
    t.pull_back(t.w, t.dy, dx);
    t.param_grad(g, 1);
    for (std::size_t i = 0; i < dx.size(); ++i) BOOST_TEST(error(dx[i], t.numeric(t.x[i])) < 1e-6);
    for (std::size_t i = 0; i < g.size(); ++i) BOOST_TEST(error(g[i], t.numeric(t.w[i])) < 1e-6);
  });
}

BOOST_AUTO_TEST_CASE(gradients_are_added_and_scaled) {
  for_every_layer(4, 3, [](Trial& t) {
    t.forward();
    std::vector<Matrix> dx = zeros(t.x), g = zeros(t.w);
    t.pull_back(t.w, t.dy, dx);
    t.param_grad(g, 1);
    std::vector<Matrix> dx_more = zeros(t.x), g_more = zeros(t.w);
    for (auto& m : dx_more) m.setConstant(5);
    for (auto& m : g_more) m.setConstant(5);
    t.pull_back(t.w, t.dy, dx_more);
    t.param_grad(g_more, -0.5);
    for (std::size_t i = 0; i < dx.size(); ++i)
      BOOST_TEST((dx_more[i].array() - 5 - dx[i].array()).abs().maxCoeff() < 1e-13);
    for (std::size_t i = 0; i < g.size(); ++i)
      BOOST_TEST((g_more[i].array() - 5 + 0.5 * g[i].array()).abs().maxCoeff() < 1e-13);
  });
}

// ⟨dy, J v⟩ = ⟨Jᵀ dy, v⟩, with v a direction of the inputs and of the parameters; without a direction, J v = 0.
BOOST_AUTO_TEST_CASE(push_forward_is_the_adjoint) {
  for_every_layer(4, 3, [](Trial& t) {
    t.forward();
    std::vector<Matrix> dx = zeros(t.x), g = zeros(t.w), vx, vw;
    t.pull_back(t.w, t.dy, dx);
    t.param_grad(g, 1);
    double expected = 0;
    for (std::size_t i = 0; i < dx.size(); ++i) {
      vx.push_back(drawn(dx[i].rows(), dx[i].cols(), cat("vx", i)));
      expected += dx[i].cwiseProduct(vx[i]).sum();
    }
    for (std::size_t i = 0; i < g.size(); ++i) {
      vw.push_back(drawn(g[i].rows(), g[i].cols(), cat("vw", i)));
      expected += g[i].cwiseProduct(vw[i]).sum();
    }
    Matrix pushed = Matrix::Constant(t.y.rows(), t.y.cols(), 7);
    const auto push = [&](const std::vector<View>& x, const std::vector<View>& w) {
      t.layer->push_forward(views(t.w), views(t.x), view(t.y), t.aux, x, w, mut_view(pushed));
    };
    push(views(vx), views(vw));
    BOOST_TEST(std::abs(pushed.cwiseProduct(t.dy).sum() - expected) < 1e-10 * (1 + std::abs(expected)));
    push(std::vector<View>(vx.size(), nothing()), std::vector<View>(vw.size(), nothing()));
    BOOST_TEST(pushed.norm() == 0);
  });
}

BOOST_AUTO_TEST_CASE(unwanted_gradients_are_left_alone) {
  for_every_layer(4, 3, [](Trial& t) {
    t.forward();
    std::vector<Matrix> dx = zeros(t.x), g = zeros(t.w);
    t.pull_back(t.w, t.dy, dx);
    t.param_grad(g, 1);
    for (int i = 0; i < static_cast<int>(dx.size()); ++i) {
      std::vector<Matrix> expected = dx, got = zeros(t.x);
      expected[static_cast<std::size_t>(i)].setZero();
      t.pull_back(t.w, t.dy, got, i);
      BOOST_TEST(same(got, expected));
    }
    for (int i = 0; i < static_cast<int>(g.size()); ++i) {
      std::vector<Matrix> expected = g, got = zeros(t.w);
      expected[static_cast<std::size_t>(i)].setZero();
      t.param_grad(got, 1, i);
      BOOST_TEST(same(got, expected));
    }
  });
}

BOOST_AUTO_TEST_CASE(many_cotangents_are_so_many_calls) {
  for_every_layer(4, 5, [](Trial& t) {
    t.forward();
    const Matrix dy = drawn(t.y.rows(), 15, "many");
    std::vector<Matrix> together = zeros(t.x, 15);
    t.pull_back(t.w, dy, together);
    for (Index k = 0; k < 3; ++k) {
      std::vector<Matrix> one = zeros(t.x);
      t.pull_back(t.w, dy.middleCols(5 * k, 5), one);
      for (std::size_t i = 0; i < one.size(); ++i)
        BOOST_TEST((one[i] - together[i].middleCols(5 * k, 5)).norm() < 1e-13);
    }
  });
}

// Foreign transport weights: layers with parameters are linear in x, so it is the backward half of a layer that has
// these weights; and values and gradients of the parameters do not see them.
BOOST_AUTO_TEST_CASE(foreign_transport_weights) {
  for_every_layer(4, 3, [](Trial& t) {
    if (t.w.empty()) return;
    t.forward();
    std::vector<Matrix> foreign;
    for (const Matrix& w : t.w) foreign.push_back(drawn(w.rows(), w.cols(), "foreign"));
    std::vector<Matrix> dx = zeros(t.x);
    t.pull_back(foreign, t.dy, dx);
    std::vector<Matrix> own = zeros(t.x);
    t.pull_back(t.w, t.dy, own);
    BOOST_TEST(error(dx[0], own[0]) > 0.1);
    t.w = foreign;
    BOOST_TEST(error(dx[0], t.numeric(t.x[0])) < 1e-6);
    if (t.layer->type() == "dense") BOOST_TEST(error(dx[0], foreign[0].transpose() * t.dy) < 1e-14);
  });
}

BOOST_AUTO_TEST_CASE(the_number_of_threads_does_not_show) {
  const testing::EightThreads eight;
  for_every_layer(150, 130, [](Trial& t) {
    const auto run = [&] {
      std::vector<Matrix> dx = zeros(t.x), g = zeros(t.w);
      t.forward();
      t.pull_back(t.w, t.dy, dx);
      t.param_grad(g, 1);
      dx.insert(dx.end(), g.begin(), g.end());
      dx.push_back(t.y);
      return dx;
    };
    const std::vector<Matrix> reference = run();
    for (const int threads : {1, 2, 3, 8}) {
      with_threads(threads, [&] { BOOST_TEST(same(run(), reference)); });
    }
  });
}

BOOST_AUTO_TEST_CASE(shapes_that_do_not_fit) {
  for (const auto& [type, sample] : samples()) {
    const Trial trial(type, sample, 4, 1);
    for (const auto& [shapes, parts] : sample.bad) {
      BOOST_TEST_CONTEXT(type << " of " << shapes.size() << " inputs") {
        BOOST_CHECK_EXCEPTION(trial.layer->infer(shapes), ShapeError, says({type}));
        BOOST_CHECK_EXCEPTION(trial.layer->infer(shapes), ShapeError, says(parts));
      }
    }
    // Elementwise layers keep the shape.
    if (trial.layer->keeps_units()) BOOST_TEST(features(trial.layer->infer(trial.shapes)) == features(trial.shapes[0]));
  }
}

BOOST_AUTO_TEST_CASE(activations_by_hand) {
  const Matrix x{{-4}, {-3}, {-1.5}, {-0.5}, {0}, {0.5}, {1.5}, {3}, {4}};
  const auto check = [&](const char* name, const std::function<double(double)>& f,
                         const std::function<double(double)>& d) {
    const Matrix y = value(name, Json::object(), x);
    const auto layer = make_activation(name);
    Matrix dx = Matrix::Zero(9, 1);
    const Matrix one = Matrix::Ones(9, 1);
    const View in = view(x);
    MutView out = mut_view(dx);
    layer->pull_back({}, {&in, 1}, view(y), {}, view(one), {&out, 1});
    BOOST_TEST_CONTEXT(name) {
      for (Index i = 0; i < 9; ++i) {
        BOOST_TEST(std::abs(y(i, 0) - f(x(i, 0))) < 1e-15 * std::max(1.0, std::abs(y(i, 0))) * 4);
        BOOST_TEST(std::abs(dx(i, 0) - d(x(i, 0))) < 4e-15);
      }
    }
  };
  const auto sigmoid = [](double z) { return 1 / (1 + std::exp(-z)); };
  check(
      "identity", [](double z) { return z; }, [](double) { return 1; });
  check(
      "tanh", [](double z) { return std::tanh(z); }, [](double z) { return 1 - std::pow(std::tanh(z), 2); });
  check("sigmoid", sigmoid, [&](double z) { return sigmoid(z) * (1 - sigmoid(z)); });
  check(
      "hard_sigmoid", [](double z) { return std::min(1.0, std::max(0.0, z / 6 + 0.5)); },
      [](double z) { return std::abs(z) < 3 ? 1.0 / 6 : 0; });
  check(
      "relu", [](double z) { return z > 0 ? z : 0; }, [](double z) { return z > 0 ? 1 : 0; });
  check(
      "leaky_relu", [](double z) { return z > 0 ? z : 0.01 * z; }, [](double z) { return z > 0 ? 1 : 0.01; });
  check(
      "elu", [](double z) { return z > 0 ? z : std::expm1(z); }, [](double z) { return z > 0 ? 1 : std::exp(z); });
  BOOST_CHECK_EXCEPTION(make_activation("rleu"), UsageError, says({"'rleu'", "did you mean 'relu'", "tanh"}));
}

BOOST_AUTO_TEST_CASE(extreme_values_stay_finite_and_nan_is_passed_on) {
  const Matrix x{{-1e300}, {-1000}, {-0.0}, {1000}, {1e300}, {std::nan("")}};
  for (const std::string& name : activation_names()) {
    const Matrix y = value(name, Json::object(), x);
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(y.topRows(5).allFinite());
      BOOST_TEST(std::isnan(y(5, 0)));
    }
  }
}

BOOST_AUTO_TEST_CASE(normalised_by_hand) {
  const Matrix x{{1, 3}, {2, -2}};
  const Matrix one = value("normalize", {{"mean", 1}, {"sd", 0.5}}, x), expected_one{{0, 4}, {2, -6}};
  BOOST_TEST((one - expected_one).norm() < 1e-15);
  const Matrix each = value("normalize", {{"mean", {1, -2}}, {"sd", {2, 4}}}, x), expected_each{{0, 1}, {1, 0}};
  BOOST_TEST((each - expected_each).norm() < 1e-15);
}

BOOST_AUTO_TEST_CASE(dropout) {
  const auto drop = [](const Ctx& ctx, const char* node, Index rows = 100, Index cols = 100) {
    Attributes a("node", {{"rate", 0.3}});
    const auto layer = builtin_layers().at("dropout").make(a);
    const Matrix x = Matrix::Ones(rows, cols);
    const View in = view(x);
    Matrix y(rows, cols);
    Aux aux;
    layer->forward({ctx, node}, {}, {&in, 1}, mut_view(y), aux);
    return y;
  };
  const Matrix y = drop({Mode::train, true, 1, 5}, "d1");
  BOOST_TEST(((y.array() == 0) || ((y.array() - 1 / 0.7).abs() < 1e-15)).all());
  BOOST_TEST(std::abs(y.mean() - 1) < 5 * std::sqrt(0.3 / 0.7) / 100);
  BOOST_TEST((bytes(y) == bytes(drop({Mode::train, false, 1, 5}, "d1"))));  // the same place, step and seed
  BOOST_TEST((bytes(y.leftCols(7)) == bytes(drop({Mode::train, true, 1, 5}, "d1", 100, 7))));
  for (const Matrix& other : {drop({Mode::train, true, 1, 6}, "d1"), drop({Mode::train, true, 2, 5}, "d1"),
                              drop({Mode::train, true, 1, 5}, "d2")}) {
    const double both = ((y.array() == 0) && (other.array() == 0)).cast<double>().mean();
    BOOST_TEST(std::abs(both - 0.09) < 5 * std::sqrt(0.09 * 0.91) / 100);  // unrelated masks
  }
  BOOST_TEST((drop({Mode::evaluate, true, 1, 5}, "d1").array() == 1).all());

  // The mask of a training pass does not linger in the evaluation after it.
  Trial t("dropout", samples().find("dropout")->second, 4, 3);
  t.forward();
  t.ctx.mode = Mode::evaluate;
  t.forward();
  BOOST_TEST((bytes(t.y) == bytes(t.x[0])));
  std::vector<Matrix> dx = zeros(t.x);
  t.pull_back(t.w, t.dy, dx);
  BOOST_TEST((bytes(dx[0]) == bytes(t.dy)));
}

BOOST_AUTO_TEST_CASE(attributes_are_checked) {
  const auto refused = [](const char* type, Json attributes, std::vector<std::string> parts) {
    const auto make = [&] {
      Attributes a("n7", attributes);
      builtin_layers().at(type).make(a);
      a.finish();
    };
    BOOST_TEST_CONTEXT(type << attributes.dump()) { BOOST_CHECK_EXCEPTION(make(), UsageError, says(parts)); }
  };
  refused("dense", Json::object(), {"'n7'", "units", "missing"});
  refused("dense", {{"units", 0}}, {"units = 0", "at least 1"});
  refused("dense", {{"units", -3}}, {"units = -3"});
  refused("dense", {{"units", 2.5}}, {"'n7'", "units = 2.5", "whole number"});
  refused("dense", {{"units", "4"}}, {"'n7'", "units", "whole number"});
  refused("dense", {{"units", 4}, {"bias", 1}}, {"'n7'", "bias = 1", "true or false"});
  refused("dense", {{"units", 4}, {"init", "xavier_norml"}}, {"did you mean 'xavier_normal'"});
  refused("dense", {{"units", 4}, {"init", 3}}, {"'n7'", "init = 3", "string"});
  refused("dense", {{"units", 4}, {"gain", "big"}}, {"'n7'", "gain", "number"});
  refused("dense", {{"units", 4}, {"bais", true}}, {"'n7'", "'bais'", "did you mean 'bias'"});
  refused("conv2d", {{"channels", 2}}, {"'n7'", "size", "missing"});
  refused("conv2d", {{"channels", 2}, {"size", {3, 3, 3}}}, {"'n7'", "size = [3,3,3]", "array of two"});
  refused("conv2d", {{"channels", 2}, {"size", 3}, {"stride", "2"}}, {"'n7'", "stride", "whole number"});
  refused("conv2d", {{"channels", 2}, {"size", 3}, {"strides", 2}}, {"'n7'", "'strides'", "did you mean 'stride'"});
  refused("tanh", {{"slope", 1}}, {"'n7'", "'slope'"});
  for (const double rate : {1.0, -0.1, 1.5}) refused("dropout", {{"rate", rate}}, {"rate", cat(rate), "0 ≤ rate < 1"});
  refused("dropout", {{"rate", std::nan("")}}, {"rate"});
  for (const char* norm : {"batch_norm", "layer_norm"}) {
    for (const double epsilon : {0.0, -1e-5, std::nan("")}) {
      refused(norm, {{"epsilon", epsilon}}, {norm, "epsilon", "above 0"});
    }
  }
  refused("group_norm", {{"groups", 2}, {"epsilon", 0}}, {"group_norm", "epsilon = 0", "above 0"});
  for (const double m : {-0.1, 1.1, std::nan("")}) refused("batch_norm", {{"momentum", m}}, {"momentum", "0 to 1"});
  refused("group_norm", {{"groups", 0}}, {"groups = 0", "at least 1"});
  refused("group_norm", Json::object(), {"'n7'", "groups", "missing"});
  refused("layer_norm", {{"momentum", 0.1}}, {"'n7'", "'momentum'"});
  refused("normalize", {{"mean", {0, 1}}, {"sd", 1}}, {"2 means and 1 sds"});
  refused("normalize", {{"mean", Json::array()}, {"sd", Json::array()}}, {"0 means"});
  refused("normalize", {{"sd", 0}}, {"sd = 0", "above 0"});
  refused("normalize", {{"sd", -1}}, {"sd = -1"});
  refused("normalize", {{"mean", "x"}}, {"'n7'", "mean", "number"});
  refused("normalize", {{"mean", {0, "x"}}}, {"'n7'", "mean", "number"});
  for (const char* pool : {"max_pool", "average_pool"}) {
    refused(pool, Json::object(), {"'n7'", "size", "missing"});
    refused(pool, {{"size", 0}}, {pool, "size = 0", "1 to 4096"});
    refused(pool, {{"size", 2.5}}, {"'n7'", "size = 2.5"});
    refused(pool, {{"size", {2, 3, 4}}}, {"'n7'", "size", "array of two"});
    refused(pool, {{"size", 2}, {"stride", 0}}, {pool, "stride = 0"});
    refused(pool, {{"size", {4, 3}}, {"padding", {2, 2}}},
            {pool, "padding = 2 with size = 3", "at most half the size, 1"});
    refused(pool, {{"size", 2}, {"padding", -1}}, {pool, "padding = -1"});
    refused(pool, {{"size", 2}, {"dilation", 1}}, {"'n7'", "'dilation'"});
  }
  refused("zero_pad", Json::object(), {"'n7'", "padding", "missing"});
  refused("zero_pad", {{"padding", {1, -2}}}, {"zero_pad", "padding = -2", "0 to 4096"});
  refused("zero_pad", {{"padding", 5000}}, {"padding = 5000"});
  refused("resize", {{"height", 3}}, {"'n7'", "width", "missing"});
  refused("resize", {{"height", 0}, {"width", 3}}, {"resize", "height = 0", "1 to 4096"});
  refused("resize", {{"height", 3}, {"width", 4097}}, {"resize", "width = 4097"});
  refused("resize", {{"height", 3}, {"width", 3}, {"mode", "biliner"}},
          {"resize", "'biliner'", "did you mean 'bilinear'"});
  BOOST_CHECK_EXCEPTION(builtin_layers().at("desne"), UsageError, says({"'desne'", "did you mean 'dense'", "tanh"}));
  LayerCatalog catalog = builtin_layers();
  BOOST_CHECK_EXCEPTION(catalog.add(builtin_layers().at("dense")), UsageError, says({"'dense'", "already"}));
}
