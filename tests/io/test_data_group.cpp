// Labelled arrays: found by name, joined and selected along an axis, and the same again out of JSON and out of a file.
#include <hdf5.h>
#include <hdf5_hl.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>

#include "framework/core/errors.hpp"
#include "framework/io/data_group.hpp"
#include "framework/io/replace_file.hpp"
#include "tests/support/data_group.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/message.hpp"

using namespace strata;
using strata::testing::Folder;
using strata::testing::mentions;
using strata::testing::message;
using strata::testing::same_groups;
using strata::testing::sample_group;
using Doubles = std::vector<double>;
using Integers = std::vector<std::int32_t>;
using Names = std::vector<std::string>;

namespace {

/// snapshot × layer of one snapshot, with a variable that all snapshots share.
DataGroup part(int snapshot, const Doubles& values) {
  DataGroup group{"measures", {{"snapshot", Integers{snapshot}, "epochs"}, {"layer", Names{"h1", "h2"}, ""}}, {}, {}};
  group.arrays.push_back({"depth", {"layer"}, Integers{1, 2}, "", ""});
  group.arrays.push_back({"value", {"snapshot", "layer"}, values, "", ""});
  group.arrays.push_back({"total", {"snapshot"}, Doubles{values[0] + values[1]}, "", ""});
  group.notes = {{"k", 5}};
  return group;
}

DataGroup of_three() { return joined({part(0, {1, 2}), part(4, {3, NAN}), part(10, {5, 6})}, "snapshot"); }

void write(const std::filesystem::path& path, const DataGroup& group) {
  const auto root = h5::new_file();
  write_data_group(root, group);
  replace_file(path, root.image());
}

DataGroup read(const std::filesystem::path& path, const std::string& name) {
  return read_data_group(h5::open_file(path), name);
}

}  // namespace

BOOST_AUTO_TEST_CASE(parts_are_found_by_name) {
  const DataGroup g = of_three();
  BOOST_TEST(g.axis("layer").size() == 2U);
  BOOST_TEST(g.array("total").axes == Names{"snapshot"}, boost::test_tools::per_element());
  BOOST_TEST(g.doubles("total").size() == 3U);
  BOOST_TEST(g.integers("depth") == (Integers{1, 2}), boost::test_tools::per_element());
  for (const auto& error :
       {message<DataError>([&] { g.axis("layers"); }), message<DataError>([&] { g.array("valu"); }),
        message<DataError>([&] { g.doubles("valu"); }), message<DataError>([&] { g.integers("valu"); })}) {
    BOOST_TEST(mentions(error, "/measures: unknown variable"));
    BOOST_TEST(mentions(error, "did you mean"));
  }
  BOOST_TEST(message<DataError>([&] { g.doubles("depth"); }) == "/measures/depth: expected real numbers");
  BOOST_TEST(message<DataError>([&] { g.integers("value"); }) == "/measures/value: expected whole numbers");
}

BOOST_AUTO_TEST_CASE(a_value_by_its_position) {
  const DataGroup g = of_three();
  BOOST_TEST(g.at("value", {0, 0}) == 1);
  BOOST_TEST(g.at("value", {0, 1}) == 2);  // the last axis runs fastest
  BOOST_TEST(g.at("value", {1, 0}) == 3);
  BOOST_TEST(std::isnan(g.at("value", {1, 1})));
  BOOST_TEST(g.at("value", {2, 1}) == 6);
  BOOST_TEST(g.at("total", {2}) == 11);
  using Position = std::vector<std::size_t>;
  for (const Position& outside : {Position{3, 0}, Position{0, 2}, Position{0}, Position{0, 0, 0}, Position{}}) {
    BOOST_TEST(message<DataError>([&] { g.at("value", outside); }) == "/measures/value: has no such element");
  }
  BOOST_TEST(message<DataError>([&] { g.at("depth", {0}); }) == "/measures/depth: expected real numbers");
  BOOST_CHECK_THROW(g.at("nothing", {0}), DataError);
}

BOOST_AUTO_TEST_CASE(joining) {
  DataGroup expected = part(0, {1, 2});
  expected.axes[0].labels = Integers{0, 4, 10};
  expected.arrays[1].values = Doubles{1, 2, 3, NAN, 5, 6};
  expected.arrays[2].values = Doubles{3, NAN, 11};
  same_groups(of_three(), expected);
  same_groups(joined({part(0, {1, 2})}, "snapshot"), part(0, {1, 2}));
  // Parts with several entries each, and none.
  same_groups(joined({joined({part(0, {1, 2}), part(4, {3, NAN})}, "snapshot"), part(10, {5, 6})}, "snapshot"),
              expected);
  same_groups(joined({selected(part(7, {8, 9}), "snapshot", {}), part(0, {1, 2})}, "snapshot"), part(0, {1, 2}));
  // Variables of every type, and one whose values are not there on both sides.
  DataGroup a = sample_group(), b = sample_group();
  b.axes[0].labels = Integers{5, 6};
  const DataGroup both = joined({a, b}, "snapshot");
  BOOST_TEST(both.axis("snapshot").size() == 4U);
  BOOST_TEST(both.doubles("value").size() == 2 * a.doubles("value").size());
  BOOST_TEST(both.integers("count").size() == 2 * a.integers("count").size());
  BOOST_TEST(std::get<std::vector<float>>(both.array("single").values).size() == 4U);
  BOOST_TEST(both.doubles("weight").size() == a.doubles("weight").size());
}

BOOST_AUTO_TEST_CASE(parts_that_do_not_fit) {
  const auto refused = [](auto change) {
    DataGroup other = part(4, {3, 4});
    change(other);
    BOOST_TEST(message<DataError>([&] {
                 joined({part(0, {1, 2}), other}, "snapshot");
               }) == "/measures: its parts do not have the same axes and variables");
  };
  refused([](DataGroup& g) { g.name = "others"; });
  refused([](DataGroup& g) { g.axes[1].labels = Names{"h1", "h3"}; });
  refused([](DataGroup& g) { g.axes[1].labels = Integers{1, 2}; });
  refused([](DataGroup& g) { g.axes[0].labels = Doubles{4}; });
  refused([](DataGroup& g) { g.axes[1].name = "layers"; });
  refused([](DataGroup& g) { std::swap(g.axes[0], g.axes[1]); });
  refused([](DataGroup& g) { g.axes.pop_back(); });
  refused([](DataGroup& g) { g.arrays.pop_back(); });
  refused([](DataGroup& g) { std::swap(g.arrays[1], g.arrays[2]); });
  refused([](DataGroup& g) { g.arrays[2].values = Integers{7}; });
  refused([](DataGroup& g) { g.arrays[2].axes = {"layer"}; });
  refused([](DataGroup& g) { g.arrays[0].values = Integers{1, 3}; });  // which the parts should share
}

BOOST_AUTO_TEST_CASE(selecting) {
  const DataGroup g = of_three();
  same_groups(selected(g, "snapshot", {0, 4, 10}), g);
  same_groups(selected(g, "snapshot", {10, 0, 99}), joined({part(0, {1, 2}), part(10, {5, 6})}, "snapshot"));
  same_groups(selected(g, "snapshot", {4}), part(4, {3, NAN}));
  const DataGroup none = selected(g, "snapshot", {});
  BOOST_TEST(none.axis("snapshot").size() == 0U);
  BOOST_TEST(none.doubles("value").empty());
  BOOST_TEST(none.integers("depth").size() == 2U);
  const DataGroup some = selected(sample_group(), "snapshot", {3});
  BOOST_TEST(some.integers("count") == (Integers{-1, 40, 50}), boost::test_tools::per_element());
  BOOST_TEST(std::get<std::vector<float>>(some.array("single").values) == std::vector<float>{0.1F},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(through_a_checkpoint) {
  DataGroup g = sample_group();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  g.arrays.push_back({"odd",
                      {"snapshot", "layer"},
                      Doubles{0.1, -0.0, infinity, -infinity, std::numeric_limits<double>::denorm_min(), NAN},
                      "",
                      ""});
  const auto bytes = nlohmann::json::to_cbor(to_json(g));
  const DataGroup back = data_group_from_json(nlohmann::json::from_cbor(bytes));
  same_groups(back, g);
  BOOST_TEST(std::signbit(back.doubles("odd")[1]));
  same_groups(data_group_from_json(to_json(DataGroup{})), DataGroup{});

  auto broken = to_json(g);
  broken["axes"][0]["labels"]["type"] = 3;
  BOOST_TEST(message<DataError>([&] { data_group_from_json(broken); }) == "a stored array is of the unknown type 3");
  broken = to_json(g);
  broken.erase("notes");
  BOOST_CHECK_THROW(data_group_from_json(broken), nlohmann::json::exception);
}

BOOST_AUTO_TEST_CASE(through_a_file) {
  const Folder folder;
  const auto path = folder / "a.h5";
  write(path, sample_group());
  same_groups(read(path, "sample-ü"), sample_group());
  write(path, selected(sample_group(), "snapshot", {}));  // an axis without entries
  same_groups(read(path, "sample-ü"), selected(sample_group(), "snapshot", {}));
  DataGroup bare{"bare", {}, {{"one", {}, Doubles{7}, "", ""}}, {}};
  write(path, bare);
  same_groups(read(path, "bare"), bare);

  // Many values: chunked and gzipped.
  DataGroup large{"large", {{"neuron", Integers(5000), "all"}}, {}, {}};
  Doubles values(5000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<double>(i));
  large.arrays.push_back({"value", {"neuron"}, values, "", ""});
  write(path, large);
  same_groups(read(path, "large"), large);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written) {
  const auto root = h5::new_file();
  DataGroup g = part(0, {1, 2});
  g.arrays[1].axes[1] = "leyer";
  BOOST_TEST(mentions(message<ShapeError>([&] { write_data_group(root, g); }),
                      "/measures/value: axis 'leyer' has no scale in its group"));
  g = part(0, {1, 2});
  g.name = "again";
  g.arrays[1].values = Doubles{1, 2, 3};
  BOOST_TEST(
      mentions(message<ShapeError>([&] { write_data_group(root, g); }), "/again/value: 3 values for axes that need 2"));
}

BOOST_AUTO_TEST_CASE(damaged_groups_are_named) {
  const Folder folder;
  const auto path = folder / "a.h5";
  const auto expect = [&](auto change, const std::string& part) {
    const auto root = h5::new_file();
    change(root);
    replace_file(path, root.image());
    const std::string error = message<DataError>([&] { read(path, "g"); });
    BOOST_TEST(error.starts_with(path.string() + ":"));
    BOOST_TEST(mentions(error, part));
  };
  expect([](const h5::Group&) {}, "/g: not in the file");
  expect([](const h5::Group& root) { root.add("g", {}, Doubles{1}, {}); }, "/g: expected a group");
  // A scale of a parent: no axis of the group.
  expect(
      [](const h5::Group& root) {
        root.add_scale("x", Doubles{1, 2}, {});
        root.make_group("g").add("y", {"x"}, Doubles{3, 4}, {});
      },
      "/g/y: expected a dimension scale of its own group for each axis");
  expect(
      [](const h5::Group& root) {
        const auto group = root.make_group("g");
        group.add_scale("x", Doubles{1, 2}, {});
        group.add("y", {"x"}, Names{"a", "b"}, {});
      },
      "/g/y: expected numbers");

  // An axis that has lost its scale, and one whose scale is shorter now.
  for (const bool shorter : {false, true}) {
    write(path, part(0, {1, 2}));
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t value = H5Dopen2(file, "measures/value", H5P_DEFAULT);
    const hid_t layer = H5Dopen2(file, "measures/layer", H5P_DEFAULT);
    if (shorter) {
      const hid_t snapshot = H5Dopen2(file, "measures/snapshot", H5P_DEFAULT);
      BOOST_TEST(H5DSdetach_scale(value, layer, 1) >= 0);
      BOOST_TEST(H5DSattach_scale(value, snapshot, 1) >= 0);
      H5Dclose(snapshot);
    } else {
      BOOST_TEST(H5DSdetach_scale(value, layer, 1) >= 0);
    }
    for (const hid_t dataset : {value, layer}) H5Dclose(dataset);
    H5Fclose(file);
    BOOST_TEST(message<DataError>([&] { read(path, "measures"); }) ==
               path.string() + (shorter
                                    ? ":/measures/value: its size is not that of its axes"
                                    : ":/measures/value: expected a dimension scale of its own group for each axis"));
  }
}
