// Single layers against torch (golden/make_layers.py): output, and derivatives by the input and the parameters. Built in
// float and in double.
#include <boost/test/unit_test.hpp>

#include "framework/layers/catalog.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/layer_trial.hpp"

using namespace strata;
using strata::testing::golden;
using strata::testing::LayerTrial;
using strata::testing::matrix_of;
using strata::testing::zeros;
using Json = nlohmann::ordered_json;

namespace {

constexpr double tight = sizeof(Scalar) == 4 ? 1e-5 : 1e-12;

/// Puts a reference value where the trial has one of the same size.
void put(Matrix& to, const Eigen::MatrixXd& value) {
  BOOST_REQUIRE((to.rows() == value.rows() && to.cols() == value.cols()));
  to = value.cast<Scalar>();
}

/// Relative error in norm.
double error(const Matrix& m, const Eigen::MatrixXd& reference) {
  BOOST_REQUIRE((m.rows() == reference.rows() && m.cols() == reference.cols()));
  return (m.cast<double>() - reference).norm() / reference.norm();
}

}  // namespace

BOOST_AUTO_TEST_CASE(layers_match_torch) {
  const Json file = golden<Json>("layers.json");
  BOOST_TEST(file.at("cases").size() >= 20u);
  for (const Json& c : file.at("cases")) {
    BOOST_TEST_CONTEXT(c.at("name")) {
      Attributes attributes("node", c.at("attributes"));
      const auto layer = builtin_layers().at(c.at("type")).make(attributes);
      attributes.finish();
      const std::vector<Shape> in{c.at("input").get<Shape>()};
      const std::vector<ParamSpec> params = layer->params(in);
      LayerTrial t(layer, in, static_cast<Index>(c.at("x").size()));
      put(t.x[0], matrix_of(c.at("x")).transpose());
      put(t.dy, matrix_of(c.at("dy")).transpose());
      BOOST_TEST(params.size() == c.at("parameters").size());
      for (std::size_t p = 0; p < params.size(); ++p)
        put(t.w[p], matrix_of(c.at("parameters").at(params[p].name).at("value")));
      t.forward();
      BOOST_TEST(error(t.y, matrix_of(c.at("y")).transpose()) < tight);
      std::vector<Matrix> dx = zeros(t.x), g = zeros(t.w);
      t.pull_back(t.w, t.dy, dx);
      t.param_grad(g, 1);
      BOOST_TEST(error(dx[0], matrix_of(c.at("dx")).transpose()) < tight);
      for (std::size_t p = 0; p < params.size(); ++p) {
        BOOST_TEST_CONTEXT(params[p].name) {
          BOOST_TEST(error(g[p], matrix_of(c.at("parameters").at(params[p].name).at("gradient"))) < tight);
        }
      }
    }
  }
}
