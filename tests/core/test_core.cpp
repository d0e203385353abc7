// Random streams: known words, moments, the same bits for any cut and any number of threads; messages; shapes.

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <functional>
#include <set>

#include "framework/core/errors.hpp"
#include "framework/core/rng.hpp"
#include "framework/core/shape.hpp"
#include "framework/parallel/parallel.hpp"
#include "tests/support/says.hpp"
#include "tests/support/threads.hpp"

using namespace strata;
using strata::testing::bytes;

namespace {

using Fill = std::function<void(const Rng&, MutView)>;

const std::vector<std::pair<std::string, Fill>> fills = {
    {"normal", [](const Rng& rng, MutView out) { rng.fill_normal(out, Scalar(0.5), 2); }},
    {"uniform", [](const Rng& rng, MutView out) { rng.fill_uniform(out, -1, 3); }},
};

Matrix filled(const Fill& fill, const Rng& rng, Index rows, Index cols) {
  Matrix m(rows, cols);
  fill(rng, mut_view(m));
  return m;
}

/// Mean of ((v − mean)/sd)^power over all elements, in double.
double moment(const Matrix& m, double mean, double sd, int power) {
  double sum = 0;
  for (Index i = 0; i < m.size(); ++i) sum += std::pow((static_cast<double>(m.data()[i]) - mean) / sd, power);
  return sum / static_cast<double>(m.size());
}

/// Correlation of two matrices of standard normals.
double correlation(const Matrix& a, const Matrix& b) { return double(a.cwiseProduct(b).mean()); }

}  // namespace

// Made by a Philox 4×32-10 in Python that was checked against Random123's kat_vectors: the stream's key is the first
// two words for counter (seed, "STRAT…") under the key FNV-1a(name); a draw's counter is (index, step).
BOOST_AUTO_TEST_CASE(known_words) {
  struct Known {
    std::uint64_t seed;
    const char* name;
    std::uint64_t step, index;
    std::array<std::uint32_t, 4> words;
    double uniform;
    std::uint64_t below_ten;
  };
  const std::vector<Known> table = {
      {0, "", 0, 0, {0x6f903999, 0x749409ab, 0x76d55171, 0x3ae83042}, 0.435794448818868, 4},
      {1, "init/h1.weight", 0, 0, {0x03379bdd, 0xe40b478a, 0x848abe6b, 0xe9f87eac}, 0.012567273781354693, 0},
      {1, "init/h1.weight", 0, 1, {0x2b9d1ae9, 0xb7accda4, 0x0637962f, 0x7312bf68}, 0.170365984020168, 1},
      {(std::uint64_t{1} << 40) + 7,
       "dropout/d1",
       12345,
       (std::uint64_t{1} << 33) + 5,
       {0x0a4f9341, 0x9eed73bc, 0xbe3dad25, 0x27bd9507},
       0.04027672149725503,
       0},
      {0,
       "shuffle",
       std::uint64_t{1} << 35,
       0,
       {0x3e126f31, 0x12a907d0, 0x91742f3b, 0x441b54f0},
       0.24246878574436792,
       2},
  };
  for (const Known& k : table) {
    const Rng rng(k.seed, k.name, k.step);
    BOOST_TEST_CONTEXT(k.name << " " << k.index) {
      BOOST_TEST(rng.words(k.index) == k.words, boost::test_tools::per_element());
      BOOST_TEST(rng.uniform(k.index) == k.uniform, boost::test_tools::tolerance(1e-15));
      BOOST_TEST(rng.below(10, k.index) == k.below_ten);
      const double u1 = (k.words[0] + 0.5) / 4294967296.0, u2 = (k.words[1] + 0.5) / 4294967296.0;
      const double z = std::sqrt(-2 * std::log(u1)) * std::cos(2 * std::acos(-1.0) * u2);
      BOOST_TEST(rng.normal(k.index) == z, boost::test_tools::tolerance(1e-12));
    }
  }
  BOOST_TEST(stable_hash("") == 0xcbf29ce484222325ULL);
  BOOST_TEST(stable_hash("a") == 0xaf63dc4c8601ec8cULL);  // of the FNV-1a reference vectors
  BOOST_TEST(stable_hash("foobar") == 0x85944171f73967e8ULL);
}

// The streams are fixed, so these are facts; the bounds are 5 standard errors of a fair draw of 10⁶.
BOOST_AUTO_TEST_CASE(moments) {
  const double error = 5 / std::sqrt(1e6);
  const Matrix z = filled(fills[0].second, Rng(1, "z"), 1000, 1000);
  BOOST_TEST(std::abs(moment(z, 0.5, 2, 1)) < error);
  BOOST_TEST(std::abs(moment(z, 0.5, 2, 2) - 1) < error * std::sqrt(2.0));
  BOOST_TEST(std::abs(moment(z, 0.5, 2, 3)) < error * std::sqrt(15.0));
  BOOST_TEST(std::abs(moment(z, 0.5, 2, 4) - 3) < error * std::sqrt(96.0));
  const Matrix u = filled(fills[1].second, Rng(1, "u"), 1000, 1000);
  const double sd = 4 / std::sqrt(12.0);
  BOOST_TEST(std::abs(moment(u, 1, sd, 1)) < error);
  BOOST_TEST(std::abs(moment(u, 1, sd, 2) - 1) < error * std::sqrt(0.8));
  BOOST_TEST(u.minCoeff() >= -1);
  BOOST_TEST(u.maxCoeff() < 3);
  BOOST_TEST(u.minCoeff() < -0.999);
  BOOST_TEST(u.maxCoeff() > 2.999);
  // Neighbours are unrelated, and so are the two halves of a Box–Muller pair (256 apart in a block of 512).
  const Matrix n = (z.array() - Scalar(0.5)) / 2;
  for (const Index lag : {1, 2, 4, 256, 512}) {
    const Index count = n.size() - lag;
    const double r = double(n.reshaped().head(count).cwiseProduct(n.reshaped().tail(count)).mean());
    BOOST_TEST_CONTEXT("lag " << lag) { BOOST_TEST(std::abs(r) < error); }
  }
}

BOOST_AUTO_TEST_CASE(neither_threads_nor_the_cut_show) {
  const testing::EightThreads eight;
  constexpr Index rows = 333, cols = 301;  // 100,233 elements: many blocks, none of them whole columns
  for (const auto& [name, fill] : fills) {
    BOOST_TEST_CONTEXT(name) {
      const Rng rng(3, "cut", 5);
      const Matrix whole = filled(fill, rng, rows, cols);
      for (const int threads : {1, 2, 3, 8}) {
        with_threads(threads, [&] { BOOST_TEST((bytes(filled(fill, rng, rows, cols)) == bytes(whole))); });
      }
      // Fewer columns are the first ones; another shape has the same elements in the same order.
      for (const Index n : {1, 2, 7, 300}) {
        BOOST_TEST((bytes(filled(fill, rng, rows, n)) == bytes(whole.leftCols(n))));
      }
      BOOST_TEST((bytes(filled(fill, rng, rows * 7, cols / 7)) == bytes(whole)));
      // A window of a larger buffer gets the same numbers, and nothing beside it is touched.
      Matrix big = Matrix::Constant(rows + 5, cols, 77);
      fill(rng, MutView(big.data() + 2, rows, cols, Eigen::OuterStride<>(rows + 5)));
      BOOST_TEST((bytes(big.middleRows(2, rows)) == bytes(whole)));
      BOOST_TEST((big.topRows(2).array() == 77).all());
      BOOST_TEST((big.bottomRows(3).array() == 77).all());
      filled(fill, rng, 0, 5);
      filled(fill, rng, 5, 0);
    }
  }
}

BOOST_AUTO_TEST_CASE(streams_are_unrelated) {
  const std::vector<Rng> streams = {Rng(0, "a"),    Rng(1, "a"), Rng(2, "a"), Rng(0, "b"),
                                    Rng(0, "a", 1), Rng(1, "b"), Rng(0, "aa")};
  std::vector<Matrix> drawn;
  for (const Rng& rng : streams) {
    drawn.emplace_back(200, 200);
    rng.fill_normal(mut_view(drawn.back()), 0, 1);
  }
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      BOOST_TEST_CONTEXT(i << " and " << j) { BOOST_TEST(std::abs(correlation(drawn[i], drawn[j])) < 5.0 / 200); }
    }
  }
  BOOST_TEST((Rng(0, "a").words(9) == Rng(0, "a", 0).words(9)));
}

BOOST_AUTO_TEST_CASE(below_is_fair) {
  const Rng rng(4, "below");
  for (const std::uint64_t bound : {std::uint64_t{2}, std::uint64_t{7}, std::uint64_t{100}}) {
    constexpr int draws = 50'000;
    std::vector<double> seen(bound, 0);
    for (std::uint64_t i = 0; i < draws; ++i) ++seen.at(rng.below(bound, i));
    const double expected = double(draws) / double(bound);
    double chi = 0;
    for (const double n : seen) chi += (n - expected) * (n - expected) / expected;
    const double freedom = double(bound - 1);
    BOOST_TEST_CONTEXT(bound) { BOOST_TEST(chi < freedom + 5 * std::sqrt(2 * freedom)); }
  }
  BOOST_TEST(rng.below(1, 5) == 0u);
  const std::uint64_t huge = (std::uint64_t{1} << 63) + 1;
  BOOST_TEST(rng.below(huge, 5) < huge);
}

BOOST_AUTO_TEST_CASE(permutations) {
  for (const Index n : {0, 1, 2, 1000}) {
    std::vector<Index> order = Rng(1, "order").permutation(n);
    BOOST_TEST(order == Rng(1, "order").permutation(n), boost::test_tools::per_element());
    std::sort(order.begin(), order.end());
    BOOST_REQUIRE(static_cast<Index>(order.size()) == n);
    for (Index i = 0; i < n; ++i) BOOST_TEST(order[static_cast<std::size_t>(i)] == i);
  }
  BOOST_TEST((Rng(1, "order").permutation(50) != Rng(1, "order", 1).permutation(50)));
  BOOST_TEST((Rng(1, "order").permutation(50) != Rng(2, "order").permutation(50)));
  // All six orders of three, each about as often.
  std::map<std::vector<Index>, int> seen;
  for (std::uint64_t step = 0; step < 6000; ++step) ++seen[Rng(1, "three", step).permutation(3)];
  BOOST_TEST(seen.size() == 6u);
  for (const auto& [order, count] : seen) BOOST_TEST(std::abs(count - 1000) < 150);  // 5 standard deviations
}

BOOST_AUTO_TEST_CASE(guesses) {
  const std::vector<std::string> known = {"backprop", "frozen", "fa", "dfa", "dtp"};
  BOOST_TEST(closest("backprob", known) == "backprop");
  BOOST_TEST(closest("back", known) == "backprop");  // an abbreviation
  BOOST_TEST(closest("frozne", known) == "frozen");
  BOOST_TEST(closest("dtp", known) == "dtp");
  BOOST_TEST(closest("dpt", {"tp", "dtp"}) == "dtp");  // letters swapped are one slip
  BOOST_TEST(closest("equilibrium", known).empty());
  BOOST_TEST(closest("x", {}).empty());
  BOOST_TEST(closest(std::string(1 << 20, 'a'), known).empty());
  BOOST_TEST(unknown_name("rule", "backprob", known) ==
             "unknown rule 'backprob' (did you mean 'backprop'?); known: backprop, frozen, fa, dfa, dtp");
  BOOST_TEST(unknown_name("rule", "equilibrium", known) ==
             "unknown rule 'equilibrium'; known: backprop, frozen, fa, dfa, dtp");
  BOOST_TEST(join({}) == "");
  BOOST_TEST(join({"a"}) == "a");
  BOOST_TEST(join({"a", "b", "c"}, " | ") == "a | b | c");
  BOOST_TEST(cat("lr = ", 0.5, ": expected ", 1, '.') == "lr = 0.5: expected 1.");
}

// A message may quote a name from a file.
BOOST_AUTO_TEST_CASE(a_message_is_one_line) {
  const DataError error(std::string("the layer 'a\nb\t\0c' is é", 24));
  BOOST_TEST(std::string(error.what()) == "the layer 'a b  c' is é");
}

BOOST_AUTO_TEST_CASE(what_the_program_tells_apart) {
  // Bad input and failures of the system exit differently: nothing may be both.
  BOOST_TEST((std::is_base_of_v<InputError, UsageError> && std::is_base_of_v<InputError, ShapeError> &&
              std::is_base_of_v<InputError, GraphError> && std::is_base_of_v<InputError, DataError> &&
              std::is_base_of_v<InputError, UnsupportedError>));
  BOOST_TEST((!std::is_base_of_v<InputError, IoError> && !std::is_base_of_v<InputError, DivergedError>));
  BOOST_TEST((std::is_base_of_v<Error, IoError> && std::is_base_of_v<Error, DivergedError>));
}

BOOST_AUTO_TEST_CASE(shapes) {
  BOOST_TEST(features({784}) == 784);
  BOOST_TEST(features({3, 28, 14}) == 1176);
  BOOST_TEST(to_string(Shape{784}) == "[784]");
  BOOST_TEST(to_string(Shape{1, 28, 28}) == "[1, 28, 28]");
  BOOST_TEST(to_string(Shape{}) == "[]");
}

BOOST_AUTO_TEST_CASE(views) {
  Matrix m{{1, 2, 3}, {4, 5, 6}};
  BOOST_TEST(left_cols(std::as_const(m), 2).cols() == 2);
  left_cols(m, 2)(1, 1) = 50;
  BOOST_TEST(view(m)(1, 1) == 50);
  BOOST_TEST(wanted(mut_view(m)));
  BOOST_TEST(!wanted(no_view()));
}
