// CIFAR-10's binary files, with a few images in each.
#include <boost/test/unit_test.hpp>

#include "datasets/cifar.hpp"
#include "datasets/missing_file.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/message.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

void write(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

/// A record whose first red, green and blue are given.
std::string record(int label, std::uint8_t red, std::uint8_t green, std::uint8_t blue) {
  std::string bytes(3073, '\0');
  bytes[0] = static_cast<char>(label);
  bytes[1] = static_cast<char>(red);
  bytes[1 + 1024] = static_cast<char>(green);
  bytes[1 + 2048] = static_cast<char>(blue);
  return bytes;
}

struct Files {
  Folder folder;
  Files() {
    for (int i = 1; i <= 5; ++i) write(batch(i), record(i, 255, 51, static_cast<std::uint8_t>(i)) + record(9, 0, 0, 0));
    write(folder / "test_batch.bin", record(0, 0, 255, 0));
  }
  fs::path batch(int i) const { return folder / cat("data_batch_", i, ".bin"); }
  void refused(const std::vector<std::string>& parts) const {
    const std::string text = message<DataError>([&] { load_cifar10_dataset(folder.path()); });
    for (const std::string& part : parts) BOOST_TEST(mentions(text, part), "lacks '" << part << "'");
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(six_files_are_a_data_set) {
  const Files f;
  const Dataset d = load_cifar10_dataset(f.folder.path());
  BOOST_TEST(d.name == "cifar-10");
  BOOST_TEST(d.classes == 10);
  BOOST_TEST(d.sample_shape == (std::vector<Index>{3, 32, 32}), boost::test_tools::per_element());
  BOOST_TEST(d.train.labels == (std::vector<std::int32_t>{1, 9, 2, 9, 3, 9, 4, 9, 5, 9}),
             boost::test_tools::per_element());
  BOOST_TEST(d.test.labels == std::vector<std::int32_t>{0}, boost::test_tools::per_element());
  BOOST_TEST(d.train.x.rows() == 3072);
  BOOST_TEST(d.train.x(0, 4) == 1);
  BOOST_TEST(d.train.x(1024, 4) == Scalar(0.2));
  BOOST_TEST(d.train.x(2048, 4) == Scalar(3) / 255);
  BOOST_TEST(d.test.x.sum() == 1);
  // The folder above is as good.
  const Folder above;
  fs::copy(f.folder.path(), above / "cifar-10-batches-bin");
  BOOST_TEST(load_cifar10_dataset(above.path()).checksum == d.checksum);
  write(f.batch(3), record(3, 255, 51, 3) + record(9, 0, 0, 1));
  BOOST_TEST(load_cifar10_dataset(f.folder.path()).checksum != d.checksum);
}

BOOST_AUTO_TEST_CASE(files_that_are_wrong) {
  const Files f;
  const std::string good = content(f.batch(2));
  write(f.batch(2), good + "x");
  f.refused({"data_batch_2.bin: 6147 bytes; expected records of 3073"});
  write(f.batch(2), "");
  f.refused({"data_batch_2.bin: 0 bytes"});
  write(f.batch(2), good + record(10, 0, 0, 0));
  f.refused({"data_batch_2.bin: record 2 has the class 10; expected 0 to 9"});
  fs::remove(f.batch(2));
  f.refused({"data_batch_2.bin: there is no such file"});
  BOOST_CHECK_THROW(load_cifar10_dataset(f.folder.path()), MissingFile);
  fs::create_directory(f.batch(2));
  f.refused({"data_batch_2.bin: is not a file"});
}

BOOST_AUTO_TEST_CASE(folders_that_are_wrong) {
  const Folder folder;
  const auto says = [](const fs::path& path) { return message<DataError>([&] { load_cifar10_dataset(path); }); };
  BOOST_TEST(
      mentions(says(folder / "gone"), "gone: there is no such folder; expected the folder cifar-10-batches-bin"));
  BOOST_TEST(mentions(says(folder.path()), "has no data_batch_1.bin"));
  write(folder / "data_batch_1", "a pickle");
  BOOST_TEST(mentions(says(folder.path()), "this is the version for Python"));
  BOOST_TEST(mentions(says(folder / "data_batch_1"), "is not a folder"));
}
