// Normalisation fitted to a training split, against values by hand. In float and in double.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "datasets/normalize.hpp"
#include "framework/core/errors.hpp"

using namespace strata;

namespace {

const auto tight = boost::test_tools::tolerance(1e-6);

std::vector<Index> counted(Index n) {
  std::vector<Index> ids(static_cast<std::size_t>(n));
  std::iota(ids.begin(), ids.end(), Index{0});
  return ids;
}

}  // namespace

BOOST_AUTO_TEST_CASE(none_is_empty) {
  const Matrix x{{1, 2}, {3, 4}};
  const Normalization n = fit_normalization(x, counted(2), "none");
  BOOST_TEST(n.mean.empty());
  BOOST_TEST(n.sd.empty());
}

BOOST_AUTO_TEST_CASE(global_is_one_mean_and_one_sd_over_all_features) {
  const Matrix x{{1, 2}, {3, 6}};
  const Normalization n = fit_normalization(x, counted(2), "global");
  BOOST_TEST(n.mean == std::vector<double>{3}, tight << boost::test_tools::per_element());
  BOOST_TEST(n.sd == std::vector<double>{std::sqrt(3.5)}, tight << boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(feature_is_a_mean_and_an_sd_for_each) {
  const Matrix x{{1, 2, 3}, {-4, 2, 2}};
  const Normalization n = fit_normalization(x, counted(3), "feature");
  BOOST_TEST(n.mean == (std::vector<double>{2, 0}), tight << boost::test_tools::per_element());
  BOOST_TEST(n.sd == (std::vector<double>{std::sqrt(2.0 / 3), std::sqrt(8.0)}),
             tight << boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(only_the_ids_given_are_used) {
  constexpr Scalar bad = std::numeric_limits<Scalar>::quiet_NaN();
  const Matrix x{{bad, 1, 100, 3, bad}, {bad, 5, 100, 9, bad}};
  const std::vector<Index> ids = {1, 3};
  const Normalization feature = fit_normalization(x, ids, "feature");
  BOOST_TEST(feature.mean == (std::vector<double>{2, 7}), tight << boost::test_tools::per_element());
  BOOST_TEST(feature.sd == (std::vector<double>{1, 2}), tight << boost::test_tools::per_element());
  const Normalization global = fit_normalization(x, ids, "global");
  BOOST_TEST(global.mean.at(0) == 4.5, tight);
  BOOST_TEST(global.sd.at(0) == std::sqrt(8.75), tight);
}

// A third or a tenth is not exact: the mean of equal values differs from them in the last bits, and an sd made of
// that would blow a test image's slightest stain up to 10¹⁷.
BOOST_AUTO_TEST_CASE(a_constant_feature_keeps_sd_1) {
  for (const double value : {0.0, 1.0, 0.1, 1.0 / 3, -0.7, 1e-4, 250.3}) {
    for (const Index n : {1, 3, 10, 1000}) {
      Matrix x = Matrix::Constant(7, n, static_cast<Scalar>(value));
      BOOST_TEST_CONTEXT(n << " times " << value) {
        BOOST_TEST(fit_normalization(x, counted(n), "global").sd.at(0) == 1);
        BOOST_TEST(fit_normalization(x, counted(n), "feature").sd == std::vector<double>(7, 1),
                   boost::test_tools::per_element());
        BOOST_TEST(fit_normalization(x, counted(n), "feature").mean.at(3) == x(0, 0), tight);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_feature_that_hardly_varies_is_not_constant) {
  // One pixel of one image in 60,000 a grey level off; and a small spread far from 0.
  Matrix x = Matrix::Constant(1, 60000, 1);
  x(0, 777) = Scalar(254) / 255;
  BOOST_TEST(fit_normalization(x, counted(60000), "feature").sd.at(0) == 1 / std::sqrt(60000.0) / 255,
             boost::test_tools::tolerance(1e-4));
  Matrix far{{4096, 4097}};
  BOOST_TEST(fit_normalization(far, counted(2), "feature").sd.at(0) == 0.5, tight);
}

BOOST_AUTO_TEST_CASE(unknown_names_are_refused) {
  const Matrix x{{1, 2}};
  for (const auto& name : normalization_names()) BOOST_CHECK_NO_THROW(fit_normalization(x, counted(2), name));
  BOOST_CHECK_EXCEPTION(fit_normalization(x, counted(2), "globl"), UsageError, [](const UsageError& e) {
    const std::string text = e.what();
    return text.find("--normalize: unknown normalisation 'globl'") == 0 &&
           text.find("did you mean 'global'") != std::string::npos &&
           text.find("known: none, global, feature") != std::string::npos;
  });
}
