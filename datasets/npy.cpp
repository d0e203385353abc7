#include "datasets/npy.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <optional>

#include "datasets/missing_file.hpp"
#include "framework/core/errors.hpp"

namespace strata {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest_header = 1 << 16;  // numpy itself reads up to 10,000 bytes
constexpr std::size_t most_axes = 32;            // as numpy

// The header: {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 28, 28), }
class NpyHeader {
 public:
  NpyHeader(std::string_view text, const std::string& where) : rest_(text), where_(where) {
    expect('{');
    while (!take('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !descr) descr = quoted();
      else if (key == "fortran_order" && !fortran_order) fortran_order = boolean();
      else if (key == "shape" && !shape) shape = tuple();
      else fail();
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    blanks();
    if (!rest_.empty() || !descr || !fortran_order || !shape) fail();
  }

  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::uint64_t>> shape;

 private:
  [[noreturn]] void fail() const {
    throw DataError(cat(where_,
                        ": damaged: its header is not the dictionary of descr, fortran_order and shape that "
                        "numpy.save writes"));
  }
  void blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n"), rest_.size())); }
  bool take(char c) {
    blanks();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail();
  }
  std::string quoted() {
    blanks();
    if (rest_.starts_with('[')) throw DataError(cat(where_, ": is a structured array; expected one of plain numbers"));
    const char quote = rest_.starts_with('"') ? '"' : '\'';
    expect(quote);
    const std::size_t end = rest_.find(quote);
    if (end == rest_.npos || end > 40) fail();
    std::string text(rest_.substr(0, end));
    rest_.remove_prefix(end + 1);
    return text;
  }
  bool boolean() {
    blanks();
    for (const auto& [word, value] : {std::pair<std::string_view, bool>{"True", true}, {"False", false}}) {
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      return value;
    }
    fail();
  }
  std::vector<std::uint64_t> tuple() {
    std::vector<std::uint64_t> extents;
    expect('(');
    while (!take(')')) {
      blanks();
      const std::size_t digits = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
      if (digits == 0 || digits > 18 || extents.size() == most_axes) fail();
      extents.push_back(std::stoull(std::string(rest_.substr(0, digits))));
      rest_.remove_prefix(digits);
      take('L');  // Python 2 wrote it so
      if (!take(',')) {
        expect(')');
        break;
      }
    }
    return extents;
  }

  std::string_view rest_;
  const std::string& where_;
};

/// What numpy's letters stand for; "" for what is not read.
std::string numpy_type(const std::string& descr) {
  static const std::map<std::string, std::string> names = {
      {"|u1", "uint8"}, {"|i1", "int8"},   {"<u2", "uint16"}, {"<i2", "int16"},   {"<u4", "uint32"},
      {"<i4", "int32"}, {"<u8", "uint64"}, {"<i8", "int64"},  {"<f4", "float32"}, {"<f8", "float64"}};
  const auto at = names.find(descr);
  return at == names.end() ? "" : at->second;
}

class NpyArray final : public ArraySource {
 public:
  NpyArray(NpyBytes bytes, bool fortran_order) : bytes_(std::move(bytes)), may_be_fortran_(fortran_order) {
    where = bytes_.where;
    const auto in = bytes_.open(longest_header + 12);
    std::array<unsigned char, 12> head{};
    in->read(reinterpret_cast<char*>(head.data()), head.size());
    const auto got = static_cast<std::size_t>(in->gcount());
    if (got < 6 || std::memcmp(head.data(), "\x93NUMPY", 6) != 0) {
      throw DataError(cat(where, ": is not a .npy file; expected what numpy.save writes"));
    }
    if (got < head.size()) throw DataError(cat(where, ": truncated: ", got, " bytes"));
    if (head[6] < 1 || head[6] > 3 || head[7] != 0) {
      throw DataError(cat(where, ": version ", int{head[6]}, ".", int{head[7]}, " of the format; expected 1.0 to 3.0"));
    }
    std::size_t length = head[8] | head[9] << 8;
    if (head[6] > 1) length |= std::size_t{head[10]} << 16 | std::size_t{head[11]} << 24;
    start_ = (head[6] > 1 ? 12 : 10) + length;
    if (start_ > bytes_.size || length > longest_header) {
      throw DataError(cat(where, ": damaged: says its header has ", length, " bytes; expected at most ",
                          std::min<std::uint64_t>(longest_header, bytes_.size)));
    }
    std::string text(length, '\0');
    in->clear();
    in->seekg(static_cast<std::streamoff>(start_ - length));
    in->read(text.data(), static_cast<std::streamsize>(length));
    read_header(text);
  }

  void read(std::span<std::uint8_t> values) const override { convert(values); }
  void read(std::span<float> values) const override { convert(values); }
  void read(std::span<double> values) const override { convert(values); }

 private:
  void read_header(const std::string& text) {
    const NpyHeader header(text, where);
    type = numpy_type(*header.descr);
    shape = *header.shape;
    if (type.empty()) {
      const bool big = header.descr->starts_with('>');
      throw DataError(cat(where, ": is of type '", *header.descr, "'", big ? " (big-endian)" : "",
                          "; expected uint8, float32 or float64, for labels also other integers, little-endian"));
    }
    fortran_order_ = *header.fortran_order && shape.size() > 1;
    if (fortran_order_ && !(may_be_fortran_ && shape.size() == 2)) {
      throw DataError(cat(where, ": is in Fortran order; expected C order, as of numpy.ascontiguousarray(x)"));
    }
    auto expected = static_cast<long double>(header.descr->back() - '0');
    for (const auto extent : shape) expected *= static_cast<long double>(extent);
    const auto held = static_cast<long double>(bytes_.size - start_);
    if (expected == held) return;
    throw DataError(cat(
        where, ": ", held < expected ? "truncated" : "too long", ": ", bytes_.size - start_,
        " bytes of values; expected ",
        expected < 1e18L ? std::to_string(static_cast<std::uint64_t>(expected)) : cat(static_cast<double>(expected)),
        " by the header"));
  }

  template <class To> void convert(std::span<To> values) const {
    if (type == "uint8") copy<std::uint8_t>(values);
    else if (type == "int8") copy<std::int8_t>(values);
    else if (type == "uint16") copy<std::uint16_t>(values);
    else if (type == "int16") copy<std::int16_t>(values);
    else if (type == "uint32") copy<std::uint32_t>(values);
    else if (type == "int32") copy<std::int32_t>(values);
    else if (type == "uint64") copy<std::uint64_t>(values);
    else if (type == "int64") copy<std::int64_t>(values);
    else if (type == "float32") copy<float>(values);
    else copy<double>(values);
    if (fortran_order_) transpose(values);
  }

  // Column by column, as the file has them, to row by row.
  template <class T> void transpose(std::span<T> values) const {
    const std::vector<T> columns(values.begin(), values.end());
    const auto rows = static_cast<std::size_t>(shape[0]), cols = static_cast<std::size_t>(shape[1]);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < cols; ++c) values[r * cols + c] = columns[c * rows + r];
    }
  }

  // In blocks, so that a large file is not in memory twice. x86-64 is little-endian, and Strata builds nowhere else yet.
  template <class From, class To> void copy(std::span<To> values) const {
    const auto stream = bytes_.open(bytes_.size);
    std::istream& in = *stream;
    in.seekg(static_cast<std::streamoff>(start_));
    std::vector<From> block(std::min<std::size_t>(values.size(), 1 << 16));
    for (std::size_t done = 0; done < values.size(); done += block.size()) {
      block.resize(std::min(block.size(), values.size() - done));
      in.read(reinterpret_cast<char*>(block.data()), static_cast<std::streamsize>(block.size() * sizeof(From)));
      if (!in) throw DataError(cat(where, ": cannot be read to its end; did it change meanwhile?"));
      std::transform(block.begin(), block.end(), values.begin() + static_cast<std::ptrdiff_t>(done),
                     [](From v) { return static_cast<To>(v); });
    }
  }

  NpyBytes bytes_;
  bool may_be_fortran_ = false, fortran_order_ = false;
  std::uint64_t start_ = 0;
};

class NpyFolder final : public ArrayFolder {
 public:
  explicit NpyFolder(const fs::path& folder) : folder_(folder) {
    check_data_folder(folder, "the folder with x.npy and y.npy");
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
      if (at->path().extension() == ".npy") names_.push_back(at->path().stem().string());
    }
    if (error) throw DataError(cat(folder.string(), ": cannot be listed: ", error.message()));
    std::sort(names_.begin(), names_.end());
  }
  std::string where() const override { return folder_.string(); }
  std::vector<std::string> names() const override { return names_; }
  std::unique_ptr<ArraySource> open(const std::string& name) const override {
    return open_npy(folder_ / (name + ".npy"));
  }

 private:
  fs::path folder_;
  std::vector<std::string> names_;
};

}  // namespace

std::unique_ptr<ArraySource> open_npy(NpyBytes bytes, bool fortran_order) {
  return std::make_unique<NpyArray>(std::move(bytes), fortran_order);
}

std::unique_ptr<ArraySource> open_npy(const fs::path& file) {
  check_data_file(file, "a .npy file");
  std::error_code error;
  const std::uint64_t size = fs::file_size(file, error);
  const auto stream = [file](std::uint64_t) {
    auto in = std::make_unique<std::ifstream>(file, std::ios::binary);
    if (!*in) throw DataError(cat(file.string(), ": cannot be opened: ", std::strerror(errno)));
    return in;
  };
  return open_npy({file.string(), size, stream}, false);
}

Dataset load_npy_dataset(const fs::path& folder) { return load_arrays("npy", NpyFolder(folder)); }

}  // namespace strata
