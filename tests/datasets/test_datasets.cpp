// The data sets of the catalog: what they hold, that they are the same every time, and what is refused.
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "datasets/clusters.hpp"
#include "datasets/datasets.hpp"
#include "framework/core/errors.hpp"

using namespace strata;

namespace {

const std::string debian_folder = "/usr/share/datasets/fashion-mnist";

boost::test_tools::assertion_result debian_has_it(boost::unit_test::test_unit_id) {
  boost::test_tools::assertion_result there(std::filesystem::exists(debian_folder));
  there.message() << "Debian's package dataset-fashion-mnist is not installed";
  return there;
}

/// A UsageError of one line that holds all of `parts`.
void check_refused(const std::function<void()>& call, const std::vector<std::string>& parts) {
  try {
    call();
    BOOST_ERROR("nothing was thrown");
  } catch (const UsageError& e) {
    const std::string text = e.what();
    BOOST_TEST_CONTEXT("message: " << text) {
      for (const std::string& part : parts) BOOST_TEST(text.find(part) != std::string::npos, "lacks '" << part << "'");
      BOOST_TEST(text.find('\n') == std::string::npos);
    }
  }
}

std::vector<Index> class_counts(const Examples& e, Index classes) {
  std::vector<Index> counts(static_cast<std::size_t>(classes), 0);
  for (const std::int32_t label : e.labels) ++counts.at(static_cast<std::size_t>(label));
  return counts;
}

bool equal(const Examples& a, const Examples& b) {
  return a.x.rows() == b.x.rows() && a.x.cols() == b.x.cols() && (a.x.array() == b.x.array()).all() &&
         a.labels == b.labels;
}

/// Everything is there and within the range that the data set states.
void check_whole(const Dataset& d) {
  Index features = 1;
  for (const Index extent : d.sample_shape) features *= extent;
  for (const Examples* part : {&d.train, &d.test}) {
    BOOST_TEST(part->x.rows() == features);
    BOOST_TEST(static_cast<Index>(part->labels.size()) == part->size());
    BOOST_TEST(part->x.minCoeff() >= d.low);
    BOOST_TEST(part->x.maxCoeff() <= d.high);
    for (const Index n : class_counts(*part, d.classes)) BOOST_TEST(n > 0);
  }
  BOOST_TEST(d.checksum.size() == 16U);
  BOOST_TEST(d.checksum.find_first_not_of("0123456789abcdef") == std::string::npos);
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_catalog_describes_what_it_holds) {
  const DatasetCatalog catalog = builtin_datasets();
  std::set<std::string> names;
  for (const DatasetEntry& e : catalog.entries()) {
    BOOST_TEST_CONTEXT(e.name) {
      BOOST_TEST(names.insert(e.name).second);
      for (const std::string& text : {e.name, e.summary, e.source, e.needs}) {
        BOOST_TEST(!text.empty());
        BOOST_TEST(text.find('\n') == std::string::npos);
      }
      BOOST_TEST(catalog.at(e.name).summary == e.summary);
    }
  }
  BOOST_TEST((names == std::set<std::string>{"cifar-10", "clusters", "fashion-mnist", "hdf5", "idx", "mnist", "npy"}));
}

BOOST_AUTO_TEST_CASE(the_catalog_refuses) {
  DatasetCatalog catalog = builtin_datasets();
  check_refused([&] { catalog.at("fashon-mnist"); },
                {"unknown data set 'fashon-mnist'", "did you mean 'fashion-mnist'",
                 "known: fashion-mnist, mnist, cifar-10, idx, hdf5, npy, clusters"});
  check_refused([&] { catalog.at("fashion"); }, {"did you mean 'fashion-mnist'"});
  check_refused([&] { catalog.at(""); }, {"unknown data set ''"});
  check_refused([&] { catalog.add(catalog.at("idx")); }, {"data set 'idx' is already in the catalog"});
  for (const std::string name : {"mnist", "cifar-10", "idx", "hdf5", "npy"}) {
    check_refused([&] { catalog.at(name).load(""); }, {"--dataset " + name, "expected --data PATH, "});
  }
  check_refused([&] { catalog.at("idx").load(""); }, {"the four IDX files"});
  check_refused([&] { catalog.at("clusters").load("/some/folder"); },
                {"--data /some/folder", "clusters is generated", "leave it out"});
  for (const std::string name : {"idx", "fashion-mnist", "mnist", "cifar-10", "npy"}) {
    BOOST_CHECK_EXCEPTION(catalog.at(name).load("/no/such/folder"), DataError, [](const DataError& e) {
      return std::string(e.what()).starts_with("/no/such/folder: there is no such folder; expected ");
    });
  }
}

BOOST_AUTO_TEST_CASE(a_program_adds_its_own) {
  DatasetCatalog catalog = builtin_datasets();
  catalog.add({"mine", "two clusters", "here", [](const std::string&) { return make_clusters({.classes = 2}); }});
  BOOST_TEST(catalog.at("mine").load("").classes == 2);
  check_refused([&] { builtin_datasets().at("mine"); }, {"unknown data set 'mine'"});
}

BOOST_AUTO_TEST_CASE(clusters_are_whole_and_balanced) {
  const Dataset d = builtin_datasets().at("clusters").load("");
  check_whole(d);
  BOOST_TEST(d.name == "clusters");
  BOOST_TEST(d.train.size() == 1200);
  BOOST_TEST(d.test.size() == 400);
  BOOST_TEST(class_counts(d.train, 4) == std::vector<Index>(4, 300), boost::test_tools::per_element());
  BOOST_TEST(class_counts(d.test, 4) == std::vector<Index>(4, 100), boost::test_tools::per_element());
  // Spread over the range, not squeezed into a corner of it.
  BOOST_TEST(d.train.x.mean() > 0.4F);
  BOOST_TEST(d.train.x.mean() < 0.6F);
  BOOST_TEST(d.train.x.minCoeff() < 0.05F);
  BOOST_TEST(d.train.x.maxCoeff() > 0.95F);
}

BOOST_AUTO_TEST_CASE(clusters_depend_on_their_spec_alone) {
  const Dataset a = make_clusters({}), b = make_clusters({});
  BOOST_TEST(equal(a.train, b.train));
  BOOST_TEST(equal(a.test, b.test));
  BOOST_TEST(a.checksum == b.checksum);
  BOOST_TEST(a.checksum == "e8319a26743bdc4c");  // as in datasets/README.md
  const Dataset other = make_clusters({.seed = 2});
  BOOST_TEST(!equal(a.train, other.train));
  BOOST_TEST(a.checksum != other.checksum);
  // More examples: the first ones stay. Test points are not training points.
  const Dataset more = make_clusters({.train = 2400});
  BOOST_TEST((more.train.x.leftCols(1200).array() == a.train.x.array()).all());
  BOOST_TEST(equal(more.test, a.test));
  BOOST_TEST((a.train.x.leftCols(400).array() != a.test.x.array()).all());
}

BOOST_AUTO_TEST_CASE(clusters_are_clusters) {
  // Without spread every example is its cluster's centre: 16 of them, and the class goes with the centre.
  const Dataset d = make_clusters({.spread = 0});
  std::set<std::vector<Scalar>> centres;
  for (Index i = 0; i < d.train.size(); ++i) {
    const auto x = d.train.x.col(i);
    centres.insert({x.begin(), x.end()});
    BOOST_TEST((x.array() == d.test.x.col(i % 16).array()).all());
    BOOST_TEST(d.train.labels[static_cast<std::size_t>(i)] == d.test.labels[static_cast<std::size_t>(i % 16)]);
  }
  BOOST_TEST(centres.size() == 16U);
}

BOOST_AUTO_TEST_CASE(clusters_refuse_what_is_no_task) {
  for (const ClustersSpec& spec : std::vector<ClustersSpec>{
           {.features = 0}, {.classes = 1}, {.clusters = 0}, {.train = 1}, {.test = 0}, {.features = -1}}) {
    check_refused([&] { make_clusters(spec); }, {"clusters: ", "expected at least 1, 2, 1, 2 + 1"});
  }
  check_refused([] { make_clusters({.classes = 1}); }, {"1 classes"});
}

BOOST_AUTO_TEST_CASE(fashion_mnist_is_the_published_one, *boost::unit_test::precondition(debian_has_it)) {
  const DatasetCatalog catalog = builtin_datasets();
  const DatasetEntry& entry = catalog.at("fashion-mnist");
  const Dataset d = entry.load("");
  check_whole(d);
  BOOST_TEST(d.name == "fashion-mnist");
  BOOST_TEST(d.sample_shape == (std::vector<Index>{1, 28, 28}), boost::test_tools::per_element());
  BOOST_TEST(d.classes == 10);
  BOOST_TEST(d.train.size() == 60000);
  BOOST_TEST(d.test.size() == 10000);
  BOOST_TEST(d.train.x.minCoeff() == 0);
  BOOST_TEST(d.train.x.maxCoeff() == 1);
  BOOST_TEST(class_counts(d.train, 10) == std::vector<Index>(10, 6000), boost::test_tools::per_element());
  BOOST_TEST(class_counts(d.test, 10) == std::vector<Index>(10, 1000), boost::test_tools::per_element());
  const std::vector<std::int32_t> train = {9, 0, 0, 3, 0, 2, 7, 2, 5, 5}, test = {9, 2, 1, 1, 6, 1, 4, 6, 5, 7};
  for (std::size_t i = 0; i < 10; ++i) {
    BOOST_TEST(d.train.labels[i] == train[i]);
    BOOST_TEST(d.test.labels[i] == test[i]);
  }
  // Mean and standard deviation that everybody normalises with.
  const auto x = d.train.x.cast<double>().array();
  BOOST_TEST(x.mean() == 0.2860, boost::test_tools::tolerance(1e-3));
  BOOST_TEST(std::sqrt((x - x.mean()).square().mean()) == 0.3530, boost::test_tools::tolerance(1e-3));
  // Rows run down the picture: the first image is an ankle boot, empty at the top and full at the sole.
  BOOST_TEST(d.train.x.col(0).segment(0, 28).sum() == 0);
  BOOST_TEST(d.train.x.col(0).segment(24 * 28, 28).sum() > 10);

  BOOST_TEST(d.checksum == "82e7561f2632c974");  // as in datasets/README.md
  const Dataset again = entry.load(debian_folder);
  BOOST_TEST(again.checksum == d.checksum);
  BOOST_TEST(equal(again.train, d.train));
  // The same files under the other name are the same data.
  BOOST_TEST(catalog.at("idx").load(debian_folder).checksum == d.checksum);
}
