// What arrays become, whatever files hold them, and what is refused of them: one line that names array and value.
#include <boost/test/unit_test.hpp>
#include <functional>
#include <map>

#include "datasets/arrays.hpp"
#include "datasets/checksum.hpp"
#include "framework/core/errors.hpp"
#include "tests/support/message.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

struct Array {
  std::string type;
  std::vector<std::uint64_t> shape;
  std::vector<double> values;
};

using Arrays = std::map<std::string, Array>;

class Source final : public ArraySource {
 public:
  Source(const std::string& name, const Array& array) : values_(array.values) {
    where = "file:/" + name;
    type = array.type;
    shape = array.shape;
  }
  void read(std::span<std::uint8_t> out) const override { std::copy(values_.begin(), values_.end(), out.begin()); }
  void read(std::span<float> out) const override { std::copy(values_.begin(), values_.end(), out.begin()); }
  void read(std::span<double> out) const override { std::copy(values_.begin(), values_.end(), out.begin()); }

 private:
  std::vector<double> values_;
};

class Memory final : public ArrayFolder {
 public:
  explicit Memory(const Arrays& arrays) : arrays_(arrays) {}
  std::string where() const override { return "file"; }
  std::vector<std::string> names() const override {
    std::vector<std::string> all;
    for (const auto& [name, array] : arrays_) all.push_back(name);
    return all;
  }
  std::unique_ptr<ArraySource> open(const std::string& name) const override {
    return std::make_unique<Source>(name, arrays_.at(name));
  }

 private:
  const Arrays& arrays_;
};

Dataset load(const Arrays& arrays) { return load_arrays("mine", Memory(arrays)); }

/// Four examples of two features for training, two for testing.
Arrays good() {
  return {{"x", {"float32", {4, 2}, {0.5, -1, 2, 0, 1, 1, 0, 0}}},
          {"y", {"int64", {4}, {0, 1, 2, 1}}},
          {"x_test", {"float32", {2, 2}, {3, 0, 0, 3}}},
          {"y_test", {"int64", {2}, {2, 0}}}};
}

/// `good`, changed, is refused with all of `parts`.
void check_refused(const std::function<void(Arrays&)>& change, const std::vector<std::string>& parts) {
  Arrays arrays = good();
  change(arrays);
  const std::string text = message<DataError>([&] { load(arrays); });
  for (const std::string& part : parts) BOOST_TEST(mentions(text, part), "lacks '" << part << "'");
}

}  // namespace

BOOST_AUTO_TEST_CASE(real_numbers_are_taken_as_they_are) {
  const Dataset d = load(good());
  BOOST_TEST(d.name == "mine");
  BOOST_TEST(d.sample_shape == std::vector<Index>{2}, boost::test_tools::per_element());
  BOOST_TEST(d.classes == 3);
  BOOST_TEST((d.train.x.array() == Matrix{{Scalar(0.5), 2, 1, 0}, {-1, 0, 1, 0}}.array()).all());
  BOOST_TEST((d.test.x.array() == Matrix{{3, 0}, {0, 3}}.array()).all());
  BOOST_TEST(d.train.labels == (std::vector<std::int32_t>{0, 1, 2, 1}), boost::test_tools::per_element());
  BOOST_TEST(d.test.labels == (std::vector<std::int32_t>{2, 0}), boost::test_tools::per_element());
  BOOST_TEST(d.low == -1);  // of what is trained on
  BOOST_TEST(d.high == 2);
  BOOST_TEST(d.note == "");
}

BOOST_AUTO_TEST_CASE(bytes_become_0_to_1) {
  Arrays arrays = good();
  arrays["x"] = {"uint8", {4, 2}, {0, 255, 51, 102, 153, 204, 255, 0}};
  arrays["x_test"] = {"uint8", {2, 2}, {0, 0, 255, 255}};
  const Dataset d = load(arrays);
  const Matrix x{{0, Scalar(0.2), Scalar(0.6), 1}, {1, Scalar(0.4), Scalar(0.8), 0}};
  BOOST_TEST((d.train.x.array() == x.array()).all());
  BOOST_TEST(d.low == 0);
  BOOST_TEST(d.high == 1);
  // The checksum is that of IDX files with these bytes.
  Checksum checksum;
  for (const std::vector<std::uint8_t>& part : std::vector<std::vector<std::uint8_t>>{
           {0, 255, 51, 102, 153, 204, 255, 0}, {0, 1, 2, 1}, {0, 0, 255, 255}, {2, 0}}) {
    checksum.add(part);
  }
  BOOST_TEST(d.checksum == checksum.text());
}

BOOST_AUTO_TEST_CASE(samples_keep_their_shape) {
  const auto shape_of = [](std::vector<std::uint64_t> shape) {
    Arrays arrays = good();
    std::size_t count = 1;
    for (const auto extent : shape) count *= extent;
    arrays["x"] = {"float64", shape, std::vector<double>(count)};
    arrays.erase("x_test");
    arrays.erase("y_test");
    arrays["y"] = {"uint8", {6}, {0, 1, 0, 1, 0, 1}};
    return load(arrays).sample_shape;
  };
  BOOST_TEST(shape_of({6}) == std::vector<Index>{1}, boost::test_tools::per_element());
  BOOST_TEST(shape_of({6, 5}) == std::vector<Index>{5}, boost::test_tools::per_element());
  BOOST_TEST(shape_of({6, 5, 4}) == (std::vector<Index>{1, 5, 4}), boost::test_tools::per_element());
  BOOST_TEST(shape_of({6, 3, 5, 4}) == (std::vector<Index>{3, 5, 4}), boost::test_tools::per_element());
  BOOST_TEST(shape_of({6, 1, 2, 3, 4}) == (std::vector<Index>{1, 2, 3, 4}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(one_hot_rows_are_classes) {
  Arrays arrays = good();
  const std::string checksum = load(arrays).checksum;
  arrays["y"] = {"float64", {4, 3}, {1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0}};
  arrays["y_test"] = {"float64", {2, 3}, {0, 0, 1, 1, 0, 0}};
  const Dataset d = load(arrays);
  BOOST_TEST(d.train.labels == (std::vector<std::int32_t>{0, 1, 2, 1}), boost::test_tools::per_element());
  BOOST_TEST(d.checksum == checksum);
  // As many classes as columns, also where one has no example.
  arrays["y"] = {"uint8", {4, 3}, {1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0}};
  arrays["y_test"] = {"uint8", {2, 3}, {1, 0, 0, 1, 0, 0}};
  BOOST_TEST(load(arrays).classes == 3);
  // A single column holds classes.
  arrays = good();
  arrays["y"].shape = {4, 1};
  BOOST_TEST(load(arrays).checksum == checksum);
  // Whole numbers that are stored as real ones.
  arrays["y"].type = "float32";
  BOOST_TEST(load(arrays).checksum == checksum);
}

BOOST_AUTO_TEST_CASE(without_a_test_set_a_fifth_is_kept_as_one) {
  Arrays arrays;
  arrays["x"] = {"float32", {20, 1}, {}};
  arrays["y"] = {"int32", {20}, {}};
  for (int i = 0; i < 20; ++i) {
    arrays["x"].values.push_back(i);
    arrays["y"].values.push_back(i % 2);
  }
  const Dataset d = load(arrays), again = load(arrays);
  BOOST_TEST(d.train.size() == 16);
  BOOST_TEST(d.test.size() == 4);
  std::vector<Scalar> seen;
  for (const Examples* part : {&d.train, &d.test}) {
    for (Index i = 0; i < part->size(); ++i) {
      seen.push_back(part->x(0, i));
      BOOST_TEST(part->labels[static_cast<std::size_t>(i)] == static_cast<int>(part->x(0, i)) % 2);
    }
  }
  std::sort(seen.begin(), seen.end());
  for (std::size_t i = 0; i < 20; ++i) BOOST_TEST(seen[i] == static_cast<Scalar>(i));
  BOOST_TEST((d.test.x.array() == again.test.x.array()).all());
  BOOST_TEST(mentions(d.note, "file has no test set: 4 of its 20 examples"));
  // It depends on their number alone.
  for (double& v : arrays["x"].values) v += 100;
  BOOST_TEST((load(arrays).test.x.array() == d.test.x.array() + 100).all());
}

BOOST_AUTO_TEST_CASE(x_train_is_another_name) {
  Arrays arrays = good();
  const std::string checksum = load(arrays).checksum;
  arrays["x_train"] = arrays["x"];
  arrays["y_train"] = arrays["y"];
  const std::string text = message<DataError>([&] { load(arrays); });
  BOOST_TEST(mentions(text, "file: has both x and x_train; expected one of them"));
  arrays.erase("x");
  arrays.erase("y");
  BOOST_TEST(load(arrays).checksum == checksum);
}

BOOST_AUTO_TEST_CASE(the_checksum_covers_values_labels_and_test_set) {
  const std::string checksum = load(good()).checksum;
  for (const char* name : {"x", "y", "x_test", "y_test"}) {
    Arrays arrays = good();
    auto& values = arrays[name].values;
    values.back() = values.back() == 1 ? 0 : 1;
    BOOST_TEST(load(arrays).checksum != checksum, name);
  }
  Arrays arrays = good();
  arrays["x"].values[3] = 1e-30;
  BOOST_TEST(load(arrays).checksum != checksum);
}

BOOST_AUTO_TEST_CASE(arrays_that_are_missing) {
  for (const char* name : {"x", "y", "x_test", "y_test"}) {
    check_refused([&](Arrays& a) { a.erase(name); }, {std::string("but no ") + name + "; expected both"});
  }
  check_refused(
      [](Arrays& a) {
        a = {{"data", a["x"]}, {"labels", a["y"]}};
      },
      {"file: has no x and y", "found data, labels"});
  check_refused([](Arrays& a) { a.clear(); }, {"has no x and y", "found no arrays"});
  check_refused(
      [](Arrays& a) {
        a.clear();
        for (int i = 10; i < 30; ++i) a[cat("a", i)] = {};
      },
      {"found a10, ", "a19 and 10 more"});
}

BOOST_AUTO_TEST_CASE(shapes_that_do_not_fit) {
  check_refused(
      [](Arrays& a) {
        a["y"] = {"int64", {3}, {0, 1, 2}};
      },
      {"file:/y: 3 labels for 4 examples in file:/x", "expected as many"});
  // As R and MATLAB write x of 2 × 4.
  check_refused(
      [](Arrays& a) {
        a["x"].shape = {2, 4};
      },
      {"4 labels for 2 examples", "the first axis counts examples"});
  check_refused([](Arrays& a) { a["x"] = {"float32", {}, {1}}; }, {"file:/x: is a single value"});
  check_refused(
      [](Arrays& a) {
        a["x"] = {"float32", {0, 2}, {}};
      },
      {"file:/x: is empty (0 × 2)", "at least one example"});
  check_refused([](Arrays& a) { a["x"] = {"float32", {4, 0}, {}}; }, {"file:/x: is empty (4 × 0)"});
  check_refused([](Arrays& a) { a["y"] = {"int64", {}, {1}}; }, {"file:/y: has the shape of a single value"});
  check_refused([](Arrays& a) { a["y"] = {"int64", {4, 0}, {}}; }, {"file:/y: has the shape 4 × 0"});
  check_refused([](Arrays& a) { a["y"] = {"int64", {4, 1, 1}, {0, 1, 2, 1}}; }, {"file:/y: has the shape 4 × 1 × 1"});
  check_refused(
      [](Arrays& a) {
        a["x_test"] = {"float32", {2, 1}, {0, 0}};
      },
      {"file:/x_test: samples of [1]; expected [2] as in file:/x"});
  check_refused(
      [](Arrays& a) {
        a["y_test"] = {"int64", {2, 3}, {1, 0, 0, 1, 0, 0}};
      },
      {"file:/y_test", "expected the same classes in both"});
  check_refused(
      [](Arrays& a) {
        a = {{"x", {"float32", {4, 1}, {0, 1, 2, 3}}}, {"y", {"int64", {4}, {0, 1, 0, 1}}}};
      },
      {"file: 4 examples; expected 5 or more, or a test set"});
}

BOOST_AUTO_TEST_CASE(types_that_are_not_read) {
  for (const char* type : {"int64", "string", "uint16", "compound"}) {
    check_refused([&](Arrays& a) { a["x"].type = type; },
                  {cat("file:/x: is of type ", type), "expected uint8", "float32 or float64"});
  }
  for (const char* type : {"string", "enum or bool"}) {
    check_refused([&](Arrays& a) { a["y"].type = type; }, {cat("file:/y: is of type ", type), "the classes 0, 1, 2"});
  }
  check_refused([](Arrays& a) { a["x_test"].type = "uint8"; },
                {"file:/x_test: is of type uint8, file:/x of float32", "one scale for both"});
}

BOOST_AUTO_TEST_CASE(values_that_are_not_numbers) {
  check_refused([](Arrays& a) { a["x"].values[5] = std::nan(""); },
                {"file:/x: feature 1 of example 2 is nan; expected finite numbers"});
  check_refused([](Arrays& a) { a["x_test"].values[2] = -INFINITY; }, {"file:/x_test: feature 0 of example 1 is -inf"});
  // Two that cancel, or whose sum does not fit, are numbers all the same.
  Arrays arrays = good();
  arrays["x"].values[0] = arrays["x"].values[1] = 3e38;
  BOOST_CHECK_NO_THROW(load(arrays));
}

BOOST_AUTO_TEST_CASE(labels_that_are_no_classes) {
  check_refused(
      [](Arrays& a) {
        a["y"].values = {0, 1, -1, 1};
      },
      {"file:/y: the label of example 2 is -1; expected the classes 0, 1, 2, …"});
  check_refused(
      [](Arrays& a) {
        a["y_test"] = {"float64", {2}, {0, 0.25}};
      },
      {"file:/y_test: the label of example 1 is 0.25", "there is no regression"});
  for (const double wrong : {double(NAN), double(INFINITY), 1e18, 2147483647.0}) {
    check_refused([&](Arrays& a) { a["y"] = {"float64", {4}, {0, 1, 2, wrong}}; }, {"the label of example 3 is "});
  }
  check_refused(
      [](Arrays& a) {
        a["y"].values = {0, 1, 3, 1};
        a["y_test"].values = {0, 0};
      },
      {"file:/y: no example has the label 2, but one has 3", "without gaps", "renumbers"});
  check_refused(
      [](Arrays& a) {
        a["y"].values = {1, 2, 3, 1};
        a["y_test"].values = {1, 2};
      },
      {"no example has the label 0, but one has 3"});
  check_refused(
      [](Arrays& a) {
        a["y"].values = {0, 1, 2, 2147483646};
      },
      {"no example has the label 3, but one has 2147483646"});
  check_refused(
      [](Arrays& a) {
        a["y"].values = {0, 0, 0, 0};
        a["y_test"].values = {0, 0};
      },
      {"file:/y: all labels are 0; expected two classes or more"});
  for (const std::vector<double>& row :
       std::vector<std::vector<double>>{{0, 0, 0}, {1, 1, 0}, {0.5, 0.5, 0}, {2, 0, 0}, {1, 0, NAN}}) {
    std::vector<double> y{1, 0, 0, 0, 1, 0, 0, 0, 1};
    y.insert(y.end(), row.begin(), row.end());
    check_refused(
        [&](Arrays& a) {
          a["y"] = {"float64", {4, 3}, y};
          a["y_test"] = {"float64", {2, 3}, {1, 0, 0, 1, 0, 0}};
        },
        {"file:/y: row 3 is not one-hot; expected a single 1"});
  }
  // A gap that the test set fills is none.
  Arrays arrays = good();
  arrays["y"].values = {0, 1, 3, 1};
  arrays["y_test"].values = {2, 0};
  BOOST_TEST(load(arrays).classes == 4);
}
