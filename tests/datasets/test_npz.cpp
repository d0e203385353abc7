// NumPy's archives: what is written can be read back, and archives that lie are refused before they take memory. That
// numpy reads what is written, and the other way round, is tests/interop/check_weights.py.
#include <zlib.h>

#include <boost/test/unit_test.hpp>
#include <cstring>

#include "datasets/npz.hpp"
#include "framework/core/errors.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/message.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

using Extents = std::vector<std::uint64_t>;

std::vector<NamedMatrix> some() {
  return {{"h1.weight", "forward", Matrix{{1, 2, 3}, {4, 5, 6}}},
          {"h1.bias", "forward", Matrix{{7}, {8}}},
          {"logits.weight", "forward", Matrix{{9}, {10}}}};
}

void write(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

std::vector<double> values_of(const ArraySource& array) {
  std::size_t count = 1;
  for (const auto extent : array.shape) count *= extent;
  std::vector<double> values(count);
  array.read(std::span<double>(values));
  return values;
}

std::string low_first(std::uint64_t value, int width) {
  std::string bytes;
  for (int i = 0; i < width; ++i) bytes += static_cast<char>(value >> 8 * i);
  return bytes;
}

std::string deflated(const std::string& bytes) {
  z_stream z{};
  BOOST_REQUIRE(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&z, bytes.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  BOOST_REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

/// An archive of one member, with whatever it says of itself.
struct Zip {
  std::string name = "a.npy", content, packed;
  int method = 8, flags = 0;
  std::uint64_t size = 0;

  Zip(const std::string& bytes) : content(bytes), packed(deflated(bytes)), size(bytes.size()) {}
  std::string bytes() const {
    const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
    const std::string facts = low_first(20, 2) + low_first(static_cast<std::uint64_t>(flags), 2) +
                              low_first(static_cast<std::uint64_t>(method), 2) + low_first(0, 4) + low_first(crc, 4) +
                              low_first(packed.size(), 4) + low_first(size, 4) + low_first(name.size(), 2) +
                              low_first(0, 2);
    const std::string local = "PK\x03\x04" + facts + name + packed;
    const std::string directory = "PK\x01\x02" + low_first(20, 2) + facts + std::string(14, '\0') + name;
    return local + directory + "PK\x05\x06" + low_first(0, 4) + low_first(1, 2) + low_first(1, 2) +
           low_first(directory.size(), 4) + low_first(local.size(), 4) + low_first(0, 2);
  }
};

std::string npy(const std::string& shape, const std::vector<float>& values, const char* order = "False") {
  const std::string text = cat("{'descr': '<f4', 'fortran_order': ", order, ", 'shape': ", shape, "}\n");
  return "\x93NUMPY\x01" + std::string(1, '\0') + low_first(text.size(), 2) + text +
         std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

/// Opens an archive and reads all its arrays.
void read_all(const std::string& bytes) {
  const Folder folder;
  write(folder / "a.npz", bytes);
  const auto archive = open_npz(folder / "a.npz");
  for (const std::string& name : archive->names()) values_of(*archive->open(name));
}

void check_refused(const std::string& bytes, const std::string& part) {
  const std::string text = message<DataError>([&] { read_all(bytes); });
  BOOST_TEST(mentions(text, "a.npz"), text);
  BOOST_TEST(mentions(text, part), text << " lacks '" << part << "'");
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
  const Folder folder;
  write(folder / "a.npz", npz_bytes(some()));
  BOOST_TEST(is_npz(folder / "a.npz"));
  const auto archive = open_npz(folder / "a.npz");
  BOOST_TEST(archive->names() == (std::vector<std::string>{"h1.weight", "h1.bias", "logits.weight"}),
             boost::test_tools::per_element());
  const auto weight = archive->open("h1.weight");
  BOOST_TEST(weight->type == (sizeof(Scalar) == 4 ? "float32" : "float64"));
  BOOST_TEST(weight->shape == (Extents{2, 3}), boost::test_tools::per_element());
  BOOST_TEST(values_of(*weight) == (std::vector<double>{1, 2, 3, 4, 5, 6}), boost::test_tools::per_element());
  // A bias is a vector, as in torch; a weight of one column is none.
  BOOST_TEST(archive->open("h1.bias")->shape == Extents{2}, boost::test_tools::per_element());
  BOOST_TEST(archive->open("logits.weight")->shape == (Extents{2, 1}), boost::test_tools::per_element());
  BOOST_TEST(npz_bytes(some()) == npz_bytes(some()));
}

BOOST_AUTO_TEST_CASE(packed_arrays_and_both_orders) {
  const Folder folder;
  std::vector<float> many(200'000);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<float>(i * i % 1013);
  write(folder / "a.npz", Zip(npy("(200000,)", many)).bytes());
  BOOST_TEST((values_of(*open_npz(folder / "a.npz")->open("a")) == std::vector<double>(many.begin(), many.end())));
  write(folder / "b.npz", Zip(npy("(2, 3)", {1, 2, 3, 4, 5, 6}, "True")).bytes());
  const auto archive = open_npz(folder / "b.npz");
  BOOST_TEST(archive->open("a")->shape == (Extents{2, 3}), boost::test_tools::per_element());
  BOOST_TEST(values_of(*archive->open("a")) == (std::vector<double>{1, 3, 5, 2, 4, 6}),
             boost::test_tools::per_element());
  Zip other(npy("(1,)", {1}));
  other.name = "notes.txt";
  write(folder / "c.npz", other.bytes());
  BOOST_TEST(open_npz(folder / "c.npz")->names().empty());
}

BOOST_AUTO_TEST_CASE(archives_cut_anywhere) {
  for (const std::string& whole : {npz_bytes(some()), Zip(npy("(2,)", {1, 2})).bytes()}) {
    for (std::size_t length = 0; length < whole.size(); ++length) {
      BOOST_TEST_CONTEXT(length << " bytes") { check_refused(whole.substr(0, length), ""); }
    }
  }
  check_refused("", "is no whole .npz file");
}

BOOST_AUTO_TEST_CASE(a_changed_byte_of_an_array_is_seen) {
  const std::string whole = npz_bytes(some());
  const std::size_t at = whole.find("\n") + 3;  // behind the first array's header
  std::string other = whole;
  other[at] = static_cast<char>(other[at] ^ 1);
  check_refused(other, "the content of 'h1.weight' does not fit its checksum");
  Zip zip(npy("(2,)", {1, 2}));
  zip.packed[zip.packed.size() / 2] ^= 0x55;
  check_refused(zip.bytes(), "damaged: ");
}

BOOST_AUTO_TEST_CASE(archives_that_lie) {
  const std::string array = npy("(2,)", {1, 2});
  Zip zip(array);
  zip.size = array.size() + 1;
  check_refused(zip.bytes(), "cannot be unpacked to the ");
  zip.size = array.size() - 1;
  check_refused(zip.bytes(), "damaged: ");
  zip.size = 0xfffffff0;  // 4 GiB out of a few bytes
  check_refused(zip.bytes(), "'a' says it has 4294967280 bytes, in ");
  zip.size = 0xffffffff;
  check_refused(zip.bytes(), "zip64");
  zip = Zip(array);
  zip.method = 0;
  check_refused(zip.bytes(), "'a' says it has ");
  zip.method = 12;
  check_refused(zip.bytes(), "packed by method 12");
  zip = Zip(array);
  zip.flags = 1;
  check_refused(zip.bytes(), "encrypted");
  check_refused(npz_bytes({some()[0], some()[0]}), "'h1.weight' is in it twice");
  check_refused(Zip("no array").bytes(), "a: is not a .npy file");

  // A bomb: the shape is told without unpacking it.
  const Folder folder;
  Zip bomb(npy("(100000000,)", {}) + std::string(400'000'000, '\0'));
  write(folder / "bomb.npz", bomb.bytes());
  BOOST_TEST(fs::file_size(folder / "bomb.npz") < 500'000U);
  BOOST_TEST(open_npz(folder / "bomb.npz")->open("a")->shape == Extents{100'000'000}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_no_archive) {
  const Folder folder;
  BOOST_TEST(!is_npz(folder / "none.npz"));
  BOOST_TEST(mentions(message<DataError>([&] { open_npz(folder / "none.npz"); }), "there is no such file"));
  write(folder / "a.npz", "PKnot an archive, but long enough for one's end");
  BOOST_TEST(!is_npz(folder / "a.npz"));
  check_refused("PKnot an archive, but long enough for one's end", "expected what numpy.savez writes");
}
