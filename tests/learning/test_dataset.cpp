// Splits and the order of epochs: complete, disjoint, by seed alone; and the batches gathered from them.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <numeric>

#include "framework/core/errors.hpp"
#include "framework/learning/batch_buffer.hpp"
#include "tests/support/says.hpp"

using namespace strata;
using strata::testing::says;

namespace {

std::vector<Index> counted(Index n) {
  std::vector<Index> all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), Index{0});
  return all;
}

std::vector<Index> sorted(std::vector<Index> ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

/// Example i of 5 has the values 10 i, 10 i + 1, 10 i + 2 and the label i mod 4.
Dataset small() {
  Dataset d;
  d.sample_shape = {3};
  d.classes = 4;
  d.low = -2;
  d.high = 50;
  d.train.x.resize(3, 5);
  for (Index i = 0; i < 5; ++i) {
    for (Index k = 0; k < 3; ++k) d.train.x(k, i) = static_cast<Scalar>(10 * i + k);
    d.train.labels.push_back(static_cast<std::int32_t>(i % 4));
  }
  return d;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_split_is_disjoint_complete_and_sorted) {
  for (const auto& [n, validation] : std::vector<std::pair<Index, Index>>{{2, 1}, {10, 1}, {10, 9}, {1000, 300}}) {
    const Split s = split_examples(n, validation, 0);
    BOOST_TEST(static_cast<Index>(s.validation.size()) == validation);
    BOOST_TEST(std::is_sorted(s.train.begin(), s.train.end()));
    BOOST_TEST(std::is_sorted(s.validation.begin(), s.validation.end()));
    std::vector<Index> all = s.train;
    all.insert(all.end(), s.validation.begin(), s.validation.end());
    BOOST_TEST((sorted(all) == counted(n)));
  }
}

BOOST_AUTO_TEST_CASE(a_split_depends_on_its_seed_alone) {
  BOOST_TEST((split_examples(1000, 300, 7).train == split_examples(1000, 300, 7).train));
  BOOST_TEST((split_examples(1000, 300, 7).train != split_examples(1000, 300, 8).train));
  // More validation examples: the former ones stay among them.
  const auto few = split_examples(1000, 100, 7).validation, many = split_examples(1000, 300, 7).validation;
  BOOST_TEST(std::includes(many.begin(), many.end(), few.begin(), few.end()));
}

BOOST_AUTO_TEST_CASE(a_split_needs_both_parts) {
  for (const Index validation : {-1, 0, 10, 11}) {
    BOOST_CHECK_EXCEPTION(split_examples(10, validation, 0), UsageError,
                          says({"--validation " + std::to_string(validation), "less than the 10"}));
  }
}

BOOST_AUTO_TEST_CASE(an_epoch_visits_each_example_once_in_an_order_of_its_own) {
  const std::vector<Index> examples = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
  const auto order = epoch_order(examples, 3, 4);
  BOOST_TEST((sorted(order) == examples));
  BOOST_TEST((order == epoch_order(examples, 3, 4)));
  BOOST_TEST((order != examples));
  BOOST_TEST((order != epoch_order(examples, 3, 5)));
  BOOST_TEST((order != epoch_order(examples, 4, 4)));
  BOOST_TEST(epoch_order({}, 3, 4).empty());
}

BOOST_AUTO_TEST_CASE(every_place_is_taken_by_every_example_equally_often) {
  const auto examples = counted(6);
  std::vector<int> first(6, 0), last(6, 0);
  for (int epoch = 0; epoch < 6000; ++epoch) {
    const auto order = epoch_order(examples, 1, epoch);
    ++first[static_cast<std::size_t>(order.front())];
    ++last[static_cast<std::size_t>(order.back())];
  }
  // 1000 expected, standard deviation 29.
  for (const auto& counts : {first, last}) {
    for (const int n : counts) BOOST_TEST(std::abs(n - 1000) < 150);
  }
}

BOOST_AUTO_TEST_CASE(a_batch_is_the_examples_asked_for) {
  const Dataset data = small();
  BatchBuffer buffer(data, 4);
  const std::vector<Index> ids = {4, 0, 3, 4};
  const Batch batch = buffer.gather(data.train, ids);
  BOOST_TEST(batch.size() == 4);
  BOOST_TEST(batch.classes() == 4);
  BOOST_TEST(batch.low == Scalar(-2));
  BOOST_TEST(batch.high == Scalar(50));
  BOOST_TEST((std::vector<Index>(batch.ids.begin(), batch.ids.end()) == ids));
  BOOST_TEST((batch.x.array() == Matrix{{40, 0, 30, 40}, {41, 1, 31, 41}, {42, 2, 32, 42}}.array()).all());
  BOOST_TEST((batch.one_hot.array() == Matrix{{1, 1, 0, 1}, {0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 1, 0}}.array()).all());
  BOOST_TEST(
      (std::vector<std::int32_t>(batch.labels.begin(), batch.labels.end()) == std::vector<std::int32_t>{0, 0, 3, 0}));
}

BOOST_AUTO_TEST_CASE(a_smaller_batch_after_a_larger_one_holds_nothing_of_it) {
  const Dataset data = small();
  BatchBuffer buffer(data, 4);
  buffer.gather(data.train, std::vector<Index>{4, 0, 3, 4});
  const std::vector<Index> ids = {2, 1};
  const Batch batch = buffer.gather(data.train, ids);
  BOOST_TEST(batch.size() == 2);
  BOOST_TEST(batch.labels.size() == 2U);
  BOOST_TEST((batch.x.array() == Matrix{{20, 10}, {21, 11}, {22, 12}}.array()).all());
  BOOST_TEST((batch.one_hot.array() == Matrix{{0, 0}, {0, 1}, {1, 0}, {0, 0}}.array()).all());
}

BOOST_AUTO_TEST_CASE(batches_come_from_the_set_that_is_named) {
  Dataset data = small();
  data.test.x = Matrix::Constant(3, 1, 7);
  data.test.labels = {2};
  BatchBuffer buffer(data, 2);
  const std::vector<Index> ids = {0};
  const Batch batch = buffer.gather(data.test, ids);
  BOOST_TEST(batch.x(1, 0) == Scalar(7));
  BOOST_TEST(batch.labels[0] == 2);
}
