// NumPy's files: headers as numpy writes them and as it does not, and what the program says of the latter.
#include <boost/test/unit_test.hpp>
#include <cstring>

#include "datasets/npy.hpp"
#include "framework/core/errors.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/message.hpp"

using namespace strata;
using namespace strata::testing;

namespace {

template <class T> std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::string header(const std::string& dictionary, int version = 1) {
  std::string bytes = "\x93NUMPY";
  bytes += {static_cast<char>(version), '\0', static_cast<char>(dictionary.size() & 0xff),
            static_cast<char>(dictionary.size() >> 8)};
  if (version > 1) bytes += {'\0', '\0'};
  return bytes + dictionary;
}

std::string dictionary(const std::string& type, const std::string& shape) {
  return "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }                \n";
}

std::string npy(const std::string& type, const std::string& shape, const std::string& values) {
  return header(dictionary(type, shape)) + values;
}

void write(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

std::vector<double> values_of(const fs::path& file) {
  const auto array = open_npy(file);
  std::size_t count = 1;
  for (const auto extent : array->shape) count *= extent;
  std::vector<double> values(count);
  array->read(std::span<double>(values));
  return values;
}

/// Refused with all of `parts`, naming the file once.
void check_refused(const std::string& bytes, const std::vector<std::string>& parts) {
  const Folder folder;
  const fs::path file = folder / "a.npy";
  write(file, bytes);
  const std::string text = message<DataError>([&] { open_npy(file); });
  BOOST_TEST(text.starts_with(file.string() + ": "), text);
  BOOST_TEST(text.find(file.string()) == text.rfind(file.string()), text);
  for (const std::string& part : parts) BOOST_TEST(mentions(text, part), "lacks '" << part << "'");
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_type_and_version) {
  const Folder folder;
  const fs::path file = folder / "a.npy";
  const std::vector<std::pair<std::string, std::string>> types = {{"|u1", raw<std::uint8_t>({1, 200})},
                                                                  {"|i1", raw<std::int8_t>({1, -2})},
                                                                  {"<u2", raw<std::uint16_t>({1, 60000})},
                                                                  {"<i2", raw<std::int16_t>({1, -2})},
                                                                  {"<u4", raw<std::uint32_t>({1, 4000000000})},
                                                                  {"<i4", raw<std::int32_t>({1, -2})},
                                                                  {"<u8", raw<std::uint64_t>({1, 1ULL << 60})},
                                                                  {"<i8", raw<std::int64_t>({1, -2})},
                                                                  {"<f4", raw<float>({1, 0.5F})},
                                                                  {"<f8", raw<double>({1, 1e300})}};
  const std::vector<double> second = {200, -2, 60000, -2, 4e9, -2, 1152921504606846976.0, -2, 0.5, 1e300};
  const std::vector<std::string> names = {"uint8", "int8",   "uint16", "int16",   "uint32",
                                          "int32", "uint64", "int64",  "float32", "float64"};
  for (std::size_t i = 0; i < types.size(); ++i) {
    for (const int version : {1, 2, 3}) {
      write(file, header(dictionary(types[i].first, "(2,)"), version) + types[i].second);
      BOOST_TEST(open_npy(file)->type == names[i]);
      BOOST_TEST(values_of(file) == (std::vector<double>{1, second[i]}), boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(headers_as_others_write_them) {
  const Folder folder;
  const fs::path file = folder / "a.npy";
  const std::string values = raw<float>({1, 2, 3, 4, 5, 6});
  for (const char* text : {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n",
                           "{'shape': (2L, 3L), 'fortran_order': False, 'descr': '<f4'}",
                           "{\"descr\":\"<f4\",\"fortran_order\":False,\"shape\":(2,3)}",
                           " { 'descr' : '<f4' ,\n 'fortran_order' : False , 'shape' : ( 2 , 3 , ) , } "}) {
    write(file, header(text) + values);
    BOOST_TEST(open_npy(file)->shape == (std::vector<std::uint64_t>{2, 3}), boost::test_tools::per_element());
    BOOST_TEST(values_of(file).back() == 6);
  }
  // Order means nothing for one axis.
  write(file, header("{'descr': '<f4', 'fortran_order': True, 'shape': (6,), }") + values);
  BOOST_TEST(values_of(file)[2] == 3);
}

BOOST_AUTO_TEST_CASE(more_values_than_a_block) {
  const Folder folder;
  std::vector<std::int32_t> values(200'001);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int32_t>(i);
  write(folder / "a.npy", npy("<i4", "(200001,)", raw(values)));
  const auto read = values_of(folder / "a.npy");
  BOOST_TEST((read == std::vector<double>(values.begin(), values.end())));
}

BOOST_AUTO_TEST_CASE(lengths_that_lie) {
  const std::string values = raw<float>({1, 2});
  check_refused(npy("<f4", "(3,)", values), {"truncated: 8 bytes of values; expected 12 by the header"});
  check_refused(npy("<f4", "(1,)", values), {"too long: 8 bytes of values; expected 4 by the header"});
  check_refused(npy("<f4", "(2,)", values) + "x", {"too long: 9 bytes"});
  check_refused(npy("<f4", "(1000000000000, 1000000)", values), {"truncated: 8 bytes of values; expected 4e+18"});
  // 2⁶⁴ bytes are 0 in 64 bits.
  check_refused(npy("<f4", "(4294967296, 1073741824)", ""), {"truncated: 0 bytes of values; expected 1.84467e+19"});
  check_refused(
      npy("<f4", "(" + std::string(18, '9') + ", " + std::string(18, '9') + ", " + std::string(18, '9') + ")", ""),
      {"truncated"});
}

BOOST_AUTO_TEST_CASE(files_cut_anywhere) {
  const std::string whole = npy("<f4", "(2,)", raw<float>({1, 2}));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    BOOST_TEST_CONTEXT(length << " bytes") { check_refused(whole.substr(0, length), {}); }
  }
  check_refused("", {"is not a .npy file; expected what numpy.save writes"});
  check_refused("PK\x03\x04 an npz file", {"is not a .npy file"});
  check_refused(whole.substr(0, 11), {"truncated: 11 bytes"});
  check_refused(whole.substr(0, 40), {"damaged: says its header has"});
}

BOOST_AUTO_TEST_CASE(headers_that_are_none) {
  for (const char* text :
       {"", "{", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': No, 'shape': (2,)}", "{'descr': '<f4', 'fortran_order': False, 'shape': 2}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} and more",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}",
        "{'descr': '<f4, 'fortran_order': False, 'shape': (2,)}",
        "{descr: '<f4', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': "
        "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2)}"}) {
    BOOST_TEST_CONTEXT(text) {
      check_refused(header(text) + raw<float>({1, 2}), {"damaged: its header is not the dictionary"});
    }
  }
  std::string other = npy("<f4", "(2,)", raw<float>({1, 2}));
  other[6] = 4;
  check_refused(other, {"version 4.0 of the format; expected 1.0 to 3.0"});
  other = header(dictionary("<f4", "(2,)"), 2) + std::string(70'000, ' ');
  other[9] = '\xff';
  other[10] = '\x01';
  check_refused(other, {"damaged: says its header has ", "expected at most 65536"});
  other = header(dictionary("<f4", "(2,)"), 2) + raw<float>({1, 2});
  other[11] = '\x7f';
  check_refused(other, {"damaged: says its header has 21307"});
}

BOOST_AUTO_TEST_CASE(types_that_are_not_read) {
  check_refused(npy(">f4", "(1,)", raw<float>({1})), {"is of type '>f4' (big-endian); expected uint8"});
  for (const char* type : {"|b1", "|O", "<f2", "<c8", "<U3", "|S4", "<M8[ns]", ""}) {
    check_refused(npy(type, "(1,)", "1234"), {cat("is of type '", type, "'; expected uint8, float32 or float64")});
  }
  check_refused(header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}") + "1234",
                {"is a structured array"});
  check_refused(header("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1)}") + raw<float>({1, 2}),
                {"is in Fortran order", "numpy.ascontiguousarray"});
}

BOOST_AUTO_TEST_CASE(a_folder_is_a_data_set) {
  const Folder folder;
  write(folder / "x.npy", npy("|u1", "(3, 2)", raw<std::uint8_t>({0, 255, 51, 102, 153, 204})));
  write(folder / "y.npy", npy("<i8", "(3,)", raw<std::int64_t>({1, 0, 1})));
  write(folder / "x_test.npy", npy("|u1", "(1, 2)", raw<std::uint8_t>({255, 0})));
  write(folder / "y_test.npy", npy("<f4", "(1, 2)", raw<float>({0, 1})));
  write(folder / "notes.txt", "mine");
  BOOST_TEST(mentions(message<DataError>([&] { load_npy_dataset(folder.path()); }), "the same classes in both"));
  write(folder / "y_test.npy", npy("<f4", "(1,)", raw<float>({1})));
  const Dataset d = load_npy_dataset(folder.path());
  BOOST_TEST(d.name == "npy");
  BOOST_TEST((d.train.x.array() == Matrix{{0, Scalar(0.2), Scalar(0.6)}, {1, Scalar(0.4), Scalar(0.8)}}.array()).all());
  BOOST_TEST(d.train.labels == (std::vector<std::int32_t>{1, 0, 1}), boost::test_tools::per_element());
  BOOST_TEST(d.test.labels == std::vector<std::int32_t>{1}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(folders_that_are_none) {
  const Folder folder;
  const auto says = [](const fs::path& path) { return message<DataError>([&] { load_npy_dataset(path); }); };
  BOOST_TEST(
      mentions(says(folder / "gone"), "gone: there is no such folder; expected the folder with x.npy and y.npy"));
  BOOST_TEST(mentions(says(folder.path()), "has no x and y"));
  write(folder / "x.npy", npy("<f4", "(1,)", raw<float>({1})));
  BOOST_TEST(mentions(says(folder / "x.npy"), "x.npy: is not a folder"));
  BOOST_TEST(mentions(says(folder.path()), "has x but no y"));
  fs::create_directory(folder / "y.npy");
  BOOST_TEST(mentions(says(folder.path()), "y.npy: is not a file; expected a .npy file"));
}
