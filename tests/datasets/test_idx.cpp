// IDX files: plain and gzip read alike, and every kind of bad input is one line that names the file, what was found
// and what was expected.
#include <zlib.h>

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "datasets/idx.hpp"
#include "tests/support/folder.hpp"

using namespace strata;

namespace fs = std::filesystem;

namespace {

using Bytes = std::vector<std::uint8_t>;

using TemporaryFolder = strata::testing::Folder;

void put(Bytes& to, std::uint32_t big_endian) {
  for (const int shift : {24, 16, 8, 0}) to.push_back(static_cast<std::uint8_t>(big_endian >> shift));
}

/// The header of an IDX file of bytes, then `body`.
Bytes idx(const std::vector<std::uint32_t>& counts, const Bytes& body) {
  Bytes file;
  put(file, 0x800 + static_cast<std::uint32_t>(counts.size()));
  for (const std::uint32_t n : counts) put(file, n);
  file.insert(file.end(), body.begin(), body.end());
  return file;
}

/// Pixels that no compressor makes much of.
Bytes pixels(std::size_t count) {
  Bytes body(count);
  std::uint32_t state = 1;
  for (auto& p : body) {
    state = state * 1664525U + 1013904223U;
    p = static_cast<std::uint8_t>(state >> 24);
  }
  return body;
}

Bytes images(std::uint32_t count, std::uint32_t rows = 3, std::uint32_t cols = 4) {
  return idx({count, rows, cols}, pixels(std::size_t{count} * rows * cols));
}

Bytes labels(std::uint32_t count) {
  Bytes body(count);
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<std::uint8_t>(i % 5);
  return idx({count}, body);
}

void write(const fs::path& path, const Bytes& bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  BOOST_REQUIRE(out.flush());
}

Bytes read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Bytes zipped(const Bytes& bytes) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "zipped.gz";
  const gzFile file = gzopen(path.c_str(), "wb");
  BOOST_REQUIRE(file != nullptr);
  BOOST_REQUIRE(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())) == static_cast<int>(bytes.size()));
  BOOST_REQUIRE(gzclose(file) == Z_OK);
  return read(path);
}

/// A DataError of one line that names `file` once and holds all of `parts`.
void check_load_refused(const std::function<void()>& load, const fs::path& file,
                        const std::vector<std::string>& parts) {
  try {
    load();
    BOOST_ERROR("nothing was thrown for " << file);
  } catch (const DataError& e) {
    const std::string text = e.what();
    BOOST_TEST_CONTEXT("message: " << text) {
      for (const std::string& part : parts) BOOST_TEST(text.find(part) != std::string::npos, "lacks '" << part << "'");
      BOOST_TEST(text.find('\n') == std::string::npos);
      BOOST_TEST(text.find(file.string()) != std::string::npos);
      BOOST_TEST(text.find(file.string()) == text.rfind(file.string()), "names the file twice");
    }
  }
}

/// A folder with a good data set of 12 + 5 images, whose files a test then replaces.
struct Folder {
  TemporaryFolder folder;

  Folder() {
    put("train-images-idx3-ubyte", images(12));
    put("train-labels-idx1-ubyte", labels(12));
    put("t10k-images-idx3-ubyte", images(5));
    put("t10k-labels-idx1-ubyte", labels(5));
  }
  fs::path path(const std::string& name) const { return folder.path() / name; }
  void put(const std::string& name, const Bytes& bytes) const { write(path(name), bytes); }
  Dataset load() const { return load_idx_dataset("mine", folder.path()); }

  void check_refused(const std::string& file, const std::vector<std::string>& parts) const {
    check_load_refused([&] { load(); }, path(file), parts);
  }
};

const std::string train_images = "train-images-idx3-ubyte", train_labels = "train-labels-idx1-ubyte",
                  test_images = "t10k-images-idx3-ubyte", test_labels = "t10k-labels-idx1-ubyte";

}  // namespace

BOOST_AUTO_TEST_CASE(a_file_is_its_header_and_its_bytes) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "any-name";
  write(file, idx({2, 1, 3}, {0, 1, 2, 253, 254, 255}));
  const IdxImages read = read_idx_images(file);
  BOOST_TEST(read.count == 2);
  BOOST_TEST(read.rows == 1);
  BOOST_TEST(read.cols == 3);
  BOOST_TEST(read.pixels == (Bytes{0, 1, 2, 253, 254, 255}), boost::test_tools::per_element());
  write(file, idx({3}, {7, 0, 255}));
  BOOST_TEST(read_idx_labels(file) == (Bytes{7, 0, 255}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_data_set_is_four_files) {
  Folder f;
  f.put(train_images, idx({3, 1, 2}, {0, 255, 51, 102, 153, 204}));
  f.put(train_labels, idx({3}, {1, 0, 1}));
  f.put(test_images, idx({1, 1, 2}, {255, 0}));
  f.put(test_labels, idx({1}, {2}));
  const Dataset d = f.load();
  BOOST_TEST(d.name == "mine");
  BOOST_TEST(d.sample_shape == (std::vector<Index>{1, 1, 2}), boost::test_tools::per_element());
  BOOST_TEST(d.classes == 3);  // by the largest label of both parts
  BOOST_TEST(d.low == 0);
  BOOST_TEST(d.high == 1);
  const Matrix x{{0, Scalar(0.2), Scalar(0.6)}, {1, Scalar(0.4), Scalar(0.8)}};
  BOOST_TEST((d.train.x.array() == x.array()).all());
  BOOST_TEST((d.test.x.array() == Matrix{{1}, {0}}.array()).all());
  BOOST_TEST(d.train.labels == (std::vector<std::int32_t>{1, 0, 1}), boost::test_tools::per_element());
  BOOST_TEST(d.test.labels == std::vector<std::int32_t>{2}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(plain_and_gzip_read_alike) {
  const Folder plain, gzip;
  for (const std::string& name : {train_images, train_labels, test_images, test_labels}) {
    gzip.put(name + ".gz", zipped(read(plain.path(name))));
    fs::remove(gzip.path(name));
  }
  const Dataset a = plain.load(), b = gzip.load();
  BOOST_TEST(a.checksum == b.checksum);
  for (const auto& [p, q] : {std::pair{&a.train, &b.train}, std::pair{&a.test, &b.test}}) {
    BOOST_TEST((p->x.size() == q->x.size() && (p->x.array() == q->x.array()).all()));
    BOOST_TEST((p->labels == q->labels));
  }
  // The content decides, not the name: a plain file called .gz, a gzip file called as a plain one.
  gzip.put(train_images + ".gz", read(plain.path(train_images)));
  plain.put(test_labels, zipped(labels(5)));
  BOOST_TEST(gzip.load().checksum == a.checksum);
  BOOST_TEST(plain.load().checksum == a.checksum);
}

BOOST_AUTO_TEST_CASE(of_two_files_the_plain_one_is_read) {
  const Folder f;
  const std::string checksum = f.load().checksum;
  f.put(train_images + ".gz", zipped(images(12, 4, 3)));
  BOOST_TEST(f.load().checksum == checksum);
}

BOOST_AUTO_TEST_CASE(the_checksum_sees_every_bit) {
  const Folder f;
  const std::string checksum = f.load().checksum;
  const Bytes good = images(12);
  for (std::size_t at = 16; at < good.size(); at += 5) {
    Bytes other = good;
    other[at] = static_cast<std::uint8_t>(other[at] ^ 0x80U);
    f.put(train_images, other);
    BOOST_TEST(f.load().checksum != checksum);
    // The pixel eight further on as well: changes do not cancel.
    if (at + 8 >= good.size()) continue;
    other[at + 8] = static_cast<std::uint8_t>(other[at + 8] ^ 0x80U);
    f.put(train_images, other);
    BOOST_TEST_INFO("pixel " << at - 16);
    BOOST_TEST(f.load().checksum != checksum);
  }
  f.put(train_images, good);
  f.put(test_labels, idx({5}, {0, 1, 2, 3, 3}));
  BOOST_TEST(f.load().checksum != checksum);
}

BOOST_AUTO_TEST_CASE(missing_files_and_folders) {
  for (const std::string& name : {train_images, train_labels, test_images, test_labels}) {
    const Folder f;
    fs::remove(f.path(name));
    f.check_refused(name, {name + "[.gz]: there is no such file"});
    BOOST_CHECK_THROW(f.load(), MissingFile);
    BOOST_CHECK_THROW(read_idx_images(f.path(name)), MissingFile);
  }
  const TemporaryFolder folder;
  const fs::path gone = folder.path() / "gone";
  check_load_refused([&] { load_idx_dataset("mine", gone); }, gone, {"there is no such folder", "expected"});
  BOOST_CHECK_THROW(load_idx_dataset("mine", gone), MissingFile);
}

BOOST_AUTO_TEST_CASE(a_folder_where_a_file_should_be_and_the_reverse) {
  const Folder f;
  fs::remove(f.path(train_labels));
  fs::create_directory(f.path(train_labels));
  f.check_refused(train_labels, {"is not a file", "expected an IDX file"});
  const fs::path file = f.path(train_images);
  check_load_refused([&] { load_idx_dataset("mine", file); }, file, {"is not a folder", "expected"});
}

BOOST_AUTO_TEST_CASE(truncated_plain_files) {
  const Folder f;
  const Bytes good = images(12);
  f.put(train_images, Bytes(good.begin(), good.end() - 1));
  f.check_refused(train_images, {"truncated: 143 bytes of images", "expected 144 by the header"});
  f.put(train_images, Bytes(good.begin(), good.begin() + 15));
  f.check_refused(train_images, {"truncated: 15 bytes", "expected a header of 16"});
  f.put(train_images, {});
  f.check_refused(train_images, {"truncated: 0 bytes", "expected a header of 16"});
  f.put(train_images, good);
  f.put(test_labels, {0, 0, 8, 1, 0, 0, 0});
  f.check_refused(test_labels, {"truncated: 7 bytes", "expected a header of 8"});
}

BOOST_AUTO_TEST_CASE(too_long_files) {
  const Folder f;
  Bytes longer = labels(12);
  longer.push_back(0);
  f.put(train_labels, longer);
  f.check_refused(train_labels, {"too long: 13 bytes of labels", "expected 12 by the header"});
  // Numbers in full, however large: 1,000,000 would read 1e+06 otherwise.
  f.put(train_labels, labels(12));
  f.put(train_images, idx({1000001, 1, 1}, pixels(1000000)));
  f.check_refused(train_images, {"truncated: 1000000 bytes of images", "expected 1000001 by the header"});
}

// Wherever a gzip file is cut, and however little is left, it is refused; from behind its own header on as truncated.
BOOST_AUTO_TEST_CASE(truncated_gzip) {
  const Folder f;
  fs::remove(f.path(train_images));
  const std::string name = train_images + ".gz";
  const Bytes good = zipped(images(12));
  for (std::size_t length = 0; length < good.size(); ++length) {
    f.put(name, Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)));
    BOOST_TEST_CONTEXT(length << " bytes of " << good.size()) { f.check_refused(name, {"truncated"}); }
  }
  f.put(name, Bytes(good.begin(), good.end() - 20));
  f.check_refused(name, {"truncated: the gzip data end early", "fetch the file again"});
  // Cut at a point where zlib has already handed everything out: only the length and checksum at the end are missing.
  f.put(name, Bytes(good.begin(), good.end() - 4));
  f.check_refused(name, {"truncated: the gzip data end early"});
}

// One bit, anywhere behind gzip's header: refused, or no number changed.
BOOST_AUTO_TEST_CASE(damaged_gzip) {
  const Folder f;
  fs::remove(f.path(train_images));
  const std::string name = train_images + ".gz";
  const Bytes good = zipped(images(12));
  const std::string checksum = [&] {
    f.put(name, good);
    return f.load().checksum;
  }();
  for (std::size_t bit = 8 * 10; bit < 8 * good.size(); ++bit) {
    Bytes bad = good;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
    f.put(name, bad);
    BOOST_TEST_CONTEXT("bit " << bit % 8 << " of byte " << bit / 8) {
      try {
        BOOST_TEST(f.load().checksum == checksum);  // a bit that gzip skips over
      } catch (const DataError&) {
        f.check_refused(name, {"gzip", "fetch the file again"});
      }
    }
  }
  Bytes bad = good;
  bad[good.size() / 2] = static_cast<std::uint8_t>(bad[good.size() / 2] ^ 4U);
  f.put(name, bad);
  f.check_refused(name, {"damaged gzip: ", "fetch the file again"});
  f.put(name, good);
  BOOST_TEST(f.load().checksum == checksum);
}

BOOST_AUTO_TEST_CASE(what_is_not_gzip_under_a_gzip_name) {
  const Folder f;
  fs::remove(f.path(train_images));
  const std::string name = train_images + ".gz";
  const std::string page = "<!DOCTYPE html><html><body>404 Not Found</body></html>";
  f.put(name, Bytes(page.begin(), page.end()));
  f.check_refused(name, {"magic number 1008813135", "expected 2051", "it is not gzip either"});
  f.put(name, Bytes{'n', 'o'});
  f.check_refused(name, {"truncated: 2 bytes", "expected a header of 16"});
  f.put(name, zipped(zipped(images(12))));
  f.check_refused(name, {"magic number", "expected 2051", "gzip inside gzip"});
}

BOOST_AUTO_TEST_CASE(wrong_magic_numbers) {
  const Folder f;
  f.put(train_images, labels(12));
  f.check_refused(train_images, {"magic number 2049", "expected 2051 for IDX images"});
  f.put(train_images, images(12));
  f.put(train_labels, images(12));
  f.check_refused(train_labels, {"magic number 2051", "expected 2049 for IDX labels"});
  Bytes floats = labels(12);
  floats[2] = 0x0d;
  f.put(train_labels, floats);
  f.check_refused(train_labels, {"magic number 3329", "expected 2049 for IDX labels"});
}

BOOST_AUTO_TEST_CASE(counts_that_overflow_or_are_zero) {
  const Folder f;
  // 2³¹ · 2³¹ · 4 = 2⁶⁴ and 2⁹³ are 0 in 64 bits, which is also the number of bytes that follow.
  for (const auto& [counts, announced] : std::vector<std::pair<std::vector<std::uint32_t>, std::string>>{
           {{0x80000000U, 0x80000000U, 4}, "1.84467e+19"},
           {{0xffffffffU, 0xffffffffU, 0xffffffffU}, "7.92282e+28"},
           {{0x80000000U, 0x80000000U, 0x80000000U}, "9.90352e+27"}}) {
    f.put(train_images, idx(counts, {}));
    f.check_refused(train_images, {"truncated: 0 bytes of images", "expected " + announced + " by the header"});
  }
  f.put(train_images, idx({0, 28, 28}, {}));
  f.check_refused(train_images, {"holds no images", "expected at least one"});
  f.put(train_images, images(12));
  f.put(train_labels, idx({0}, {}));
  f.check_refused(train_labels, {"holds no labels", "expected at least one"});
}

BOOST_AUTO_TEST_CASE(parts_that_do_not_belong_together) {
  const Folder f;
  f.put(train_labels, labels(11));
  f.check_refused(train_labels, {"11 labels", "12 images", train_images, "expected as many"});
  f.put(train_labels, labels(12));
  f.put(test_images, images(5, 4, 3));
  f.check_refused(test_images, {"images of 4 × 3", "expected 3 × 4 as the training images"});
  f.put(test_images, images(5));
  f.put(train_labels, idx({12}, Bytes(12, 0)));
  f.put(test_labels, idx({5}, Bytes(5, 0)));
  check_load_refused([&] { f.load(); }, f.folder.path(), {"all labels are 0", "expected two classes or more"});
}
