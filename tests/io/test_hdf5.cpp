// The HDF5 layer and replace_file: what is written comes back, and every failure is one clear exception.
#include <hdf5.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fcntl.h>
#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <sstream>

#include "framework/core/errors.hpp"
#include "framework/io/hdf5.hpp"
#include "framework/io/replace_file.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/message.hpp"

using namespace strata;
using strata::testing::content;
using strata::testing::Folder;
using strata::testing::mentions;
using strata::testing::message;
namespace fs = std::filesystem;

namespace {

std::size_t entries(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

/// The storage of a dataset: H5D_CONTIGUOUS or H5D_CHUNKED, and the size of a chunk in values.
std::pair<H5D_layout_t, hsize_t> storage(const fs::path& path, const char* name) {
  const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), dataset = H5Dopen2(file, name, H5P_DEFAULT);
  const hid_t list = H5Dget_create_plist(dataset);
  hsize_t chunk[2] = {1, 1};
  const H5D_layout_t layout = H5Pget_layout(list);
  if (layout == H5D_CHUNKED) {
    H5Pget_chunk(list, 2, chunk);
    BOOST_TEST(H5Pget_nfilters(list) == 2);
  }
  H5Pclose(list);
  H5Dclose(dataset);
  H5Fclose(file);
  return {layout, chunk[0] * chunk[1]};
}

}  // namespace

BOOST_AUTO_TEST_CASE(values_come_back) {
  const Folder folder;
  const auto path = folder / "a.h5";
  {
    const auto root = h5::new_file();
    const auto group = root.make_group("deep/er");
    root.add_scale("column", std::vector<std::int32_t>{7, 8, 9}, {.long_name = "columns"});
    group.add_scale("row", std::vector<std::string>{"α", ""}, {.long_name = "rows"});
    const std::vector<double> matrix{1, NAN, 3, 4, 5, 1e300};
    group.add("f8", {"row", "column"}, matrix, {"a matrix", "s", {{"extra", 3}}});
    group.add("f4", {"column"}, std::vector<float>{0.5f, NAN, -1}, {});
    group.add("i8", {"row"}, std::vector<std::int64_t>{1, -2}, {});
    group.add("u1", {"row"}, std::vector<std::uint8_t>{0, 255}, {});
    group.add("one", {}, std::vector<double>{2.5}, {});
    group.add("text", {"row"}, std::vector<std::string>{"naïve “q”", "second\nline"}, {});
    replace_file(path, root.image());
  }
  const auto root = h5::open_file(path);
  BOOST_TEST(root.has_group("deep"));
  BOOST_TEST(!root.has_group("column"));
  const auto group = root.open("deep").open("er");
  const auto f8 = group.doubles("f8");
  BOOST_TEST_REQUIRE(f8.size() == 6u);
  BOOST_TEST(std::isnan(f8[1]));
  BOOST_TEST(f8[2] == 3);
  BOOST_TEST(f8[5] == 1e300);
  BOOST_TEST(std::isnan(group.numbers<float>("f4")[1]));
  BOOST_TEST(group.integers("i8") == (std::vector<std::int32_t>{1, -2}), boost::test_tools::per_element());
  BOOST_TEST(group.doubles("u1")[1] == 255);
  BOOST_TEST(group.doubles("one")[0] == 2.5);
  BOOST_TEST(group.strings("row") == (std::vector<std::string>{"α", ""}), boost::test_tools::per_element());
  BOOST_TEST(group.strings("text")[0] == "naïve “q”");
  BOOST_TEST(group.strings("text")[1] == "second\nline");
  BOOST_TEST(group.text("units", "f8") == "s");
  BOOST_TEST(group.integer("extra", "f8") == 3);
  // In the order of creation, and every axis with its scale: one here, one in a grandparent.
  BOOST_TEST(group.datasets() == (std::vector<std::string>{"row", "f8", "f4", "i8", "u1", "one", "text"}),
             boost::test_tools::per_element());
  const auto axes = group.axes("f8");
  BOOST_TEST_REQUIRE(axes.size() == 2u);
  BOOST_TEST(axes[0].scale == "/deep/er/row");
  BOOST_TEST(axes[1].scale == "/column");
  BOOST_TEST(axes[1].size == 3u);
  BOOST_TEST(message<DataError>([&] { group.integers("f8"); }) == path.string() + ":/deep/er/f8: expected integers");
  BOOST_TEST(message<DataError>([&] { group.doubles("text"); }) == path.string() + ":/deep/er/text: expected numbers");
  BOOST_TEST(message<DataError>([&] { group.doubles("none"); }) == path.string() + ":/deep/er/none: not in the file");
  BOOST_TEST(message<DataError>([&] { group.strings("f8"); }) == path.string() + ":/deep/er/f8: expected strings");
  BOOST_TEST(message<DataError>([&] { root.text("none"); }) == path.string() + ":/ @none: no such attribute");
  BOOST_CHECK_THROW(root.open("column"), DataError);
}

BOOST_AUTO_TEST_CASE(attributes_come_back) {
  const Folder folder;
  const auto path = folder / "a.h5";
  const std::string long_text(100'000, 'x');  // above HDF5's 64 kB for a plain attribute
  {
    const auto root = h5::new_file();
    root.set("text", "ümlaut");
    root.set("empty", "");
    root.set("long", long_text);
    root.set("broken",
             "a\xff"
             "b");
    root.set("i4", 3);
    root.set("i8", std::int64_t{1} << 40);
    root.set("f8", 0.1);
    root.set("list", std::vector<double>{1, 2});
    root.set("names", std::vector<std::string>{"a", "b"});
    replace_file(path, root.image());
  }
  const auto root = h5::open_file(path);
  BOOST_TEST(root.text("text") == "ümlaut");
  BOOST_TEST(root.has_attribute("empty"));
  BOOST_TEST(root.text("empty") == "");
  BOOST_TEST((root.text("long") == long_text));
  BOOST_TEST(root.text("broken") == "a\uFFFDb");
  BOOST_TEST(root.integer("i4") == 3);
  BOOST_TEST(std::get<std::int64_t>(root.attribute("i8")) == std::int64_t{1} << 40);
  BOOST_TEST(std::get<double>(root.attribute("f8")) == 0.1);
  BOOST_TEST(std::get<std::vector<double>>(root.attribute("list"))[1] == 2);
  BOOST_TEST(std::get<std::vector<std::string>>(root.attribute("names"))[1] == "b");
  BOOST_TEST(root.attributes().size() == 9u);
  BOOST_TEST(root.attributes()[3] == "broken");
  BOOST_CHECK_THROW(root.integer("text"), DataError);
  BOOST_CHECK_THROW(root.integer("i8"), DataError);
  BOOST_CHECK_THROW(root.text("i4"), DataError);
}

BOOST_AUTO_TEST_CASE(only_large_numeric_datasets_are_chunked) {
  const Folder folder;
  const auto path = folder / "a.h5";
  const std::vector<std::int32_t> rows(1000), columns(1024), few(2);
  std::vector<double> large(1000 * 1024);
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = double(i % 977);
  {
    const auto root = h5::new_file();
    root.add_scale("row", rows, {});
    root.add_scale("column", columns, {});
    root.add_scale("few", few, {});
    root.add("large", {"row", "column"}, large, {});
    root.add("middle", {"few", "column"}, std::vector<double>(2048, 1), {});
    root.add("middle_and_a_bit", {"column", "few"}, std::vector<double>(2048, 1), {});
    root.add("strings", {"few", "column"}, std::vector<std::string>(2048, "x"), {});
    replace_file(path, root.image());
  }
  BOOST_TEST((storage(path, "large") == std::pair<H5D_layout_t, hsize_t>{H5D_CHUNKED, 128 * 1024}));  // 1 MB
  BOOST_TEST((storage(path, "middle").first == H5D_CONTIGUOUS));                                      // exactly 16 kB
  BOOST_TEST((storage(path, "strings").first == H5D_CONTIGUOUS));
  BOOST_TEST((h5::open_file(path).doubles("large") == large));
}

BOOST_AUTO_TEST_CASE(equal_content_gives_equal_bytes) {
  const auto make = [] {
    const auto root = h5::new_file();
    root.make_group("g").add_scale("x", std::vector<double>{1, 2}, {.long_name = "x"});
    return root.image();
  };
  const auto first = make();
  BOOST_TEST(int(first[8]) == 2);  // the superblock of HDF5 1.8, by which netCDF, R and MATLAB know it
  ::sleep(1);
  BOOST_TEST((first == make()));
}

BOOST_AUTO_TEST_CASE(misuse_is_refused) {
  const auto root = h5::new_file();
  root.add_scale("x", std::vector<double>{1, 2}, {});
  BOOST_CHECK_THROW(root.add("a", {"y"}, std::vector<double>{1}, {}), ShapeError);
  BOOST_CHECK_THROW(root.add("a", {"x"}, std::vector<double>{1}, {}), ShapeError);
  BOOST_CHECK_THROW(root.add("a/b", {"x"}, std::vector<double>{1, 2}, {}), InputError);
  BOOST_CHECK_THROW(root.make_group("a//b"), InputError);
  root.add("b", {"x"}, std::vector<double>{1, 2}, {});
  BOOST_CHECK_THROW(root.add("c", {"b"}, std::vector<double>{1, 2}, {}), ShapeError);  // b is no scale
  const auto again = [&] { root.add("b", {"x"}, std::vector<double>{1, 2}, {}); };
  BOOST_TEST(mentions(message<IoError>(again), "already exists"));
}

BOOST_AUTO_TEST_CASE(replacing_is_all_or_nothing) {
  const Folder folder;
  const auto path = folder / "a.txt";
  replace_file(path, "old");
  BOOST_TEST(content(path) == "old");
  replace_file(path, std::string(100'000, 'n'));
  BOOST_TEST((content(path) == std::string(100'000, 'n')));
  BOOST_TEST(entries(folder.path()) == 1u);

  // A full disk: files may grow to 64 kB only.
  rlimit before;
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{64 << 10, before.rlim_max};
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string full = message<IoError>([&] { replace_file(path, std::string(100'000, 'x')); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  BOOST_TEST(full == path.string() + ": cannot write: File too large");
  BOOST_TEST((content(path) == std::string(100'000, 'n')));
  BOOST_TEST(entries(folder.path()) == 1u);

  BOOST_TEST(mentions(message<IoError>([&] { replace_file(folder / "none" / "a", "x"); }), "No such file"));
  fs::create_directory(folder / "taken");
  std::ofstream(folder / "taken" / "x") << "x";
  BOOST_TEST(mentions(message<IoError>([&] { replace_file(folder / "taken", "x"); }), "put the new file in place"));
  BOOST_TEST(entries(folder.path()) == 2u);
}

BOOST_AUTO_TEST_CASE(a_folder_without_permission) {
  if (::geteuid() == 0) return;  // root may write everywhere
  const Folder folder;
  fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
  BOOST_TEST(mentions(message<IoError>([&] { replace_file(folder / "a", "x"); }), "Permission denied"));
  fs::permissions(folder.path(), fs::perms::owner_all);
}

BOOST_AUTO_TEST_CASE(files_that_cannot_be_opened) {
  const Folder folder;
  const auto path = folder / "a.h5";
  const auto open = [&] { h5::open_file(path); };
  BOOST_TEST(message<DataError>(open) == path.string() + ": no such file");
  std::ofstream(path) << "";
  BOOST_TEST(mentions(message<DataError>(open), "is empty"));
  std::ofstream(path) << "rule,network\nfa,mlp\n";
  BOOST_TEST(message<DataError>(open) == path.string() + ": is not an HDF5 file");
  BOOST_TEST(mentions(message<DataError>([&] { h5::open_file(folder.path()); }), "is a folder"));

  const auto root = h5::new_file();
  root.add_scale("x", std::vector<double>(5000, 1), {});
  const std::string image = root.image();
  for (const std::size_t length :
       {std::size_t{4}, std::size_t{8}, std::size_t{40}, std::size_t{100}, image.size() / 2, image.size() - 1}) {
    BOOST_TEST_CONTEXT(length << " of " << image.size() << " bytes") {
      std::ofstream(path, std::ios::binary) << image.substr(0, length);
      BOOST_TEST(mentions(message<DataError>(open), "is truncated or damaged"));
    }
  }
  std::ofstream(path, std::ios::binary) << image;
  open();
}

BOOST_AUTO_TEST_CASE(a_locked_file_names_the_variable_to_set) {
  const Folder folder;
  const auto path = folder / "a.h5";
  replace_file(path, h5::new_file().image());
  ::unsetenv("HDF5_USE_FILE_LOCKING");
  const int fd = ::open(path.c_str(), O_RDWR);
  BOOST_TEST_REQUIRE(::flock(fd, LOCK_EX) == 0);
  BOOST_TEST(mentions(message<IoError>([&] { h5::open_file(path); }), "HDF5_USE_FILE_LOCKING=FALSE"));
  ::close(fd);
  h5::open_file(path);
}

BOOST_AUTO_TEST_CASE(hdf5_prints_nothing_and_keeps_its_setting) {
  const Folder folder;
  const auto path = folder / "a.h5", printed = folder / "stderr";
  replace_file(path, h5::new_file().image().substr(0, 100));
  const int saved = ::dup(2), file = ::open(printed.c_str(), O_WRONLY | O_CREAT, 0600);
  ::dup2(file, 2);
  bool thrown = false;
  try {
    h5::open_file(path);
  } catch (const DataError&) {
    thrown = true;
  }
  ::dup2(saved, 2);
  ::close(file);
  ::close(saved);
  BOOST_TEST(thrown);
  BOOST_TEST(content(printed) == "");
  H5E_auto2_t print = nullptr;
  void* data = nullptr;
  H5Eget_auto2(H5E_DEFAULT, &print, &data);
  BOOST_TEST((print != nullptr));
}
