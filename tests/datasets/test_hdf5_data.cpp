// Data sets in HDF5 files as h5py, MATLAB and others write them, and files that hold none.
#include <boost/test/unit_test.hpp>
#include <functional>

#include "datasets/hdf5.hpp"
#include "framework/core/errors.hpp"
#include "framework/io/hdf5.hpp"
#include "framework/io/replace_file.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/hdf5_arrays.hpp"
#include "tests/support/message.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

const std::vector<float> xs = {0.5, -1, 2, 0, 1, 1, 0, 0};
const std::vector<std::int64_t> ys = {0, 1, 2, 1};

struct File {
  Folder folder;
  fs::path path = folder / "mine.h5";

  /// Writes x and y by `write`, and a good test set.
  explicit File(const std::function<void(const ArrayFile&)>& write) {
    const ArrayFile file(path);
    write(file);
    file.add<float>("x_test", {1, 2}, {0, 0});
    file.add<std::int64_t>("y_test", {1}, {0});
  }
  Dataset load() const { return load_hdf5_dataset(path); }
  void refused(const std::vector<std::string>& parts) const {
    const std::string text = message<DataError>([&] { load(); });
    BOOST_TEST(text.starts_with(path.string()), text);
    for (const std::string& part : parts) BOOST_TEST(mentions(text, part), "lacks '" << part << "'");
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(arrays_of_any_type_and_layout_are_one) {
  const auto load = [](const std::function<void(const ArrayFile&)>& write) { return File(write).load(); };
  const Dataset d = load([](const ArrayFile& f) {
    f.add("x", {4, 2}, xs);
    f.add("y", {4}, ys);
  });
  BOOST_TEST(d.name == "hdf5");
  BOOST_TEST((d.train.x.array() == Matrix{{Scalar(0.5), 2, 1, 0}, {-1, 0, 1, 0}}.array()).all());
  BOOST_TEST(d.train.labels == (std::vector<std::int32_t>{0, 1, 2, 1}), boost::test_tools::per_element());
  BOOST_TEST(d.classes == 3);
  const Chunks gzip({3, 2}), plain({1, 1}, 0);
  const std::vector<std::function<void(const ArrayFile&)>> alike = {
      [&](const ArrayFile& f) {
        f.add("x", {4, 2}, xs, gzip.id());
        f.add<std::uint8_t>("y", {4}, {0, 1, 2, 1});
      },
      [&](const ArrayFile& f) {  // big-endian, chunks that were not compressed
        f.add("x", {4, 2}, xs, plain.id(), H5T_IEEE_F32BE);
        f.add("y", {4, 1}, ys, H5P_DEFAULT, H5T_STD_U16BE);
      }};
  for (const auto& write : alike) {
    const Dataset same = load(write);
    BOOST_TEST(same.checksum == d.checksum);
    BOOST_TEST((same.train.x.array() == d.train.x.array()).all());
  }
  // In double the same numbers are other bytes.
  const Dataset wide = load([](const ArrayFile& f) {
    f.add("x", {4, 2}, std::vector<double>(xs.begin(), xs.end()));
    f.add("y", {4}, ys);
  });
  BOOST_TEST((wide.train.x.array() == d.train.x.array()).all());
  BOOST_TEST(wide.checksum != d.checksum);
}

BOOST_AUTO_TEST_CASE(images_of_bytes_without_a_test_set) {
  const Folder folder;
  const fs::path path = folder / "images.hdf5";
  {
    const ArrayFile file(path);
    const Chunks chunks({2, 2, 3});
    file.add("x", {5, 2, 3}, std::vector<std::uint8_t>(30, 255), chunks.id());
    file.add<std::int32_t>("y", {5}, {0, 1, 0, 1, 0});
  }
  const Dataset d = load_hdf5_dataset(path);
  BOOST_TEST(d.sample_shape == (std::vector<Index>{1, 2, 3}), boost::test_tools::per_element());
  BOOST_TEST(d.train.size() == 4);
  BOOST_TEST(d.test.size() == 1);
  BOOST_TEST((d.train.x.array() == 1).all());
  BOOST_TEST(mentions(d.note, "images.hdf5 has no test set: 1 of its 5 examples"));
}

BOOST_AUTO_TEST_CASE(files_that_are_no_data_set) {
  const Folder folder;
  const auto says = [](const fs::path& path) { return message<DataError>([&] { load_hdf5_dataset(path); }); };
  BOOST_TEST(mentions(says(folder / "gone.h5"), "gone.h5: no such file"));
  BOOST_TEST(mentions(says(folder.path()), "is a folder; expected an HDF5 file"));
  std::ofstream(folder / "text.h5") << "x,y\n1,2\n";
  BOOST_TEST(mentions(says(folder / "text.h5"), "text.h5: is not an HDF5 file"));
  const h5::Group run = h5::new_file();
  run.set("schema", "strata-run");
  replace_file(folder / "run.h5", run.image());
  BOOST_TEST(mentions(says(folder / "run.h5"), "run.h5: is a file of Strata's own, not a data set"));
  {
    const ArrayFile file(folder / "groups.h5");
    H5Gclose(H5Gcreate2(file.id(), "x", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    file.add("images", {4, 2}, xs);
  }
  BOOST_TEST(mentions(says(folder / "groups.h5"), "groups.h5: has no x and y; expected these"));
  BOOST_TEST(mentions(says(folder / "groups.h5"), "found images"));
  const std::string whole = content(folder / "groups.h5");
  std::ofstream(folder / "cut.h5") << whole.substr(0, whole.size() / 2);
  BOOST_TEST(mentions(says(folder / "cut.h5"), "cut.h5: is truncated or damaged"));
}

BOOST_AUTO_TEST_CASE(arrays_that_cannot_be_had) {
  const auto good_y = [](const ArrayFile& f) { f.add("y", {4}, ys); };
  const hsize_t huge = hsize_t{1} << 40;
  // Claimed, in chunks that were never written.
  File([&](const ArrayFile& f) {
    const Chunks chunks({16, 2});
    f.add<float>("x", {huge, 2}, {}, chunks.id());
    good_y(f);
  }).refused({":/x: holds no values: none were written"});
  // One chunk of them was.
  File([&](const ArrayFile& f) {
    const Chunks chunks({16, 2});
    good_y(f);
    const hid_t creation = chunks.id(), space = [&] {
      const hsize_t shape[] = {huge, 2};
      return H5Screate_simple(2, shape, nullptr);
    }();
    const hid_t set = H5Dcreate2(f.id(), "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    const hsize_t start[] = {0, 0}, count[] = {4, 2};
    const hid_t memory = H5Screate_simple(2, count, nullptr);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, nullptr, count, nullptr);
    BOOST_REQUIRE(H5Dwrite(set, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, xs.data()) >= 0);
    H5Dclose(set);
    H5Sclose(memory);
    H5Sclose(space);
  }).refused({":/x: damaged: says it has ", "bytes of values, the file holds "});
  File([&](const ArrayFile& f) {  // another program's compression
    const Chunks chunks({4, 2}, 0);
    const unsigned values[] = {0};
    H5Pset_filter(chunks.id(), 32000, H5Z_FLAG_OPTIONAL, 0, values);
    f.add("x", {4, 2}, xs, chunks.id());
    good_y(f);
  })
      .refused({":/x: is compressed with filter 32000", "write it again with gzip"});
  File([&](const ArrayFile& f) {
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(creation, "/dev/zero", 0, 32);
    f.add<float>("x", {4, 2}, {}, creation);
    H5Pclose(creation);
    good_y(f);
  }).refused({":/x: its values are kept in other files"});
}

BOOST_AUTO_TEST_CASE(arrays_of_another_kind) {
  File([](const ArrayFile& f) {
    f.add<float>("x", {4, 2}, xs);
    const hid_t text = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR),
                set = H5Dcreate2(f.id(), "y", text, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(set, text, H5S_ALL, H5S_ALL, H5P_DEFAULT, "a");
    H5Dclose(set);
    H5Sclose(space);
    H5Tclose(text);
  }).refused({":/y: is of type string; expected numbers"});
  File([](const ArrayFile& f) {
    f.add<std::int64_t>("x", {4, 2}, {0, 1, 2, 3, 4, 5, 6, 7});
    f.add("y", {4}, ys);
  }).refused({":/x: is of type int64; expected uint8"});
  File([](const ArrayFile& f) {
    const hid_t kind = H5Tenum_create(H5T_STD_U8LE);
    const std::uint8_t no = 0, yes = 1;
    H5Tenum_insert(kind, "FALSE", &no);
    H5Tenum_insert(kind, "TRUE", &yes);
    const hid_t space = H5Screate(H5S_SCALAR),
                set = H5Dcreate2(f.id(), "y", kind, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(set, kind, H5S_ALL, H5S_ALL, H5P_DEFAULT, &yes);
    H5Dclose(set);
    H5Sclose(space);
    H5Tclose(kind);
    f.add("x", {4, 2}, xs);
  }).refused({":/y: is of type enum or bool"});
  File([](const ArrayFile& f) {
    f.add<float>("x", {}, {1});
    f.add("y", {4}, ys);
  }).refused({":/x: is a single value"});
  File([](const ArrayFile& f) {
    f.add<float>("x", {2, 4}, xs);
    f.add("y", {4}, ys);
  }).refused({":/y: 4 labels for 2 examples in ", "the first axis counts examples"});
  File([](const ArrayFile& f) {
    std::vector<float> x = xs;
    x[5] = NAN;
    f.add("x", {4, 2}, x);
    f.add("y", {4}, ys);
  }).refused({":/x: feature 1 of example 2 is nan"});
}
