// What every data set must keep to.
#include "framework/core/errors.hpp"
#include "tests/conformance/suites.hpp"
#include "tests/support/says.hpp"

namespace strata::conformance {
namespace {

void check_part(const Dataset& data, const Examples& part) {
  BOOST_TEST(part.size() > 0);
  BOOST_TEST(part.x.rows() == data.features());
  BOOST_TEST(static_cast<Index>(part.labels.size()) == part.size());
  BOOST_TEST(part.x.minCoeff() >= data.low);
  BOOST_TEST(part.x.maxCoeff() <= data.high);
  for (const std::int32_t label : part.labels) {
    if (label < 0 || label >= data.classes) {
      BOOST_ERROR("label " << label << " is not one of " << data.classes << " classes");
      break;
    }
  }
}

void what_it_loads(const DatasetEntry& entry) {
  Dataset data;
  try {
    data = entry.load("");
  } catch (const InputError& e) {  // its files are not here, or it needs a folder
    BOOST_TEST_MESSAGE("skipped: " << e.what());
    return;
  }
  BOOST_TEST(data.name == entry.name);
  BOOST_TEST(data.classes >= 2);
  BOOST_TEST(features(data.sample_shape) == data.features());
  BOOST_CHECK_NO_THROW(check_finite(data));
  check_part(data, data.train);
  check_part(data, data.test);
  BOOST_TEST(data.checksum.size() == 16U);
  const Dataset again = entry.load("");
  BOOST_TEST(again.checksum == data.checksum);
  BOOST_TEST((testing::bytes(again.train.x) == testing::bytes(data.train.x)));
  BOOST_TEST((again.train.labels == data.train.labels));
}

}  // namespace

Suite* dataset_suite(const std::vector<DatasetEntry>& sets) {
  Suite* all = suite("datasets");
  for (const DatasetEntry& entry : sets) {
    Suite* of_set = suite(entry.name);
    add_case(*of_set, "an_entry_says_what_it_is", [entry] {
      for (const std::string& text : {entry.name, entry.summary, entry.source}) {
        BOOST_TEST(!text.empty());
        BOOST_TEST(text.find('\n') == std::string::npos);
      }
    });
    add_case(*of_set, "what_it_loads", [entry] { what_it_loads(entry); });
    all->add(of_set);
  }
  return all;
}

}  // namespace strata::conformance
