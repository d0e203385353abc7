#include "datasets/npz.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>

#include "datasets/missing_file.hpp"
#include "datasets/npy.hpp"
#include "framework/core/errors.hpp"

namespace strata {
namespace {

namespace fs = std::filesystem;

// The zip format (APPNOTE.TXT 6.3.10): for each member a local header and its bytes, then the central directory, which
// says all of that again, then the end record, which says where the directory is.
constexpr std::string_view local_signature = "PK\x03\x04", central_signature = "PK\x01\x02",
                           end_signature = "PK\x05\x06";
constexpr std::size_t local_length = 30, central_length = 46, end_length = 22, longest_comment = 0xffff;
constexpr std::uint32_t in_zip64 = 0xffffffff;  // what a number too large for its field is replaced by
constexpr std::uint64_t deflate_factor = 1032;  // more than that, deflate cannot pack
constexpr std::string_view ending = ".npy";

std::uint32_t number(std::string_view bytes, std::size_t at, std::size_t width) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << 8 * i;
  return value;
}

std::uint32_t crc_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

struct Member {
  std::string name;
  std::uint32_t method = 0, crc = 0;
  std::uint64_t packed = 0, size = 0, header = 0;
};

// zlib's state for a member; released when it goes.
class Inflater {
 public:
  Inflater() {
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&z); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  z_stream z{};
};

class Archive final : public ArrayFolder {
 public:
  explicit Archive(const fs::path& file) : file_(file) {
    check_data_file(file, "an .npz file");
    std::error_code error;
    size_ = fs::file_size(file, error);
    read_directory();
  }
  std::string where() const override { return file_.string(); }
  std::vector<std::string> names() const override {
    std::vector<std::string> all;
    for (const Member& m : members_) all.push_back(m.name);
    return all;
  }
  std::unique_ptr<ArraySource> open(const std::string& name) const override {
    const auto at = std::find_if(members_.begin(), members_.end(), [&](const Member& m) { return m.name == name; });
    if (at == members_.end()) throw DataError(cat(where(), ": ", unknown_name("array", name, names())));
    const auto stream = [this, member = *at](std::uint64_t most) {
      return std::make_unique<std::istringstream>(bytes_of(member, std::min(most, member.size)), std::ios::binary);
    };
    return open_npy({cat(where(), ": ", name), at->size, stream}, true);
  }

 private:
  [[noreturn]] void damaged(const std::string& how) const { throw DataError(cat(where(), ": damaged: ", how)); }

  // Each call opens the file anew: it may be kept open for long otherwise, or be replaced meanwhile.
  std::ifstream from(std::uint64_t place) const {
    std::ifstream in(file_, std::ios::binary);
    if (!in) throw DataError(cat(where(), ": cannot be opened: ", std::strerror(errno)));
    in.seekg(static_cast<std::streamoff>(place));
    return in;
  }
  std::string read(std::uint64_t place, std::uint64_t count) const {
    if (place > size_ || count > size_ - place) damaged("it ends early, or says that parts lie beyond its end");
    std::ifstream in = from(place);
    std::string bytes(static_cast<std::size_t>(count), '\0');
    in.read(bytes.data(), static_cast<std::streamsize>(count));
    if (!in) throw DataError(cat(where(), ": cannot be read to its end; did it change meanwhile?"));
    return bytes;
  }

  void read_directory() {
    const std::uint64_t length = std::min<std::uint64_t>(size_, end_length + longest_comment);
    const std::string tail = read(size_ - length, length);
    std::size_t at = tail.rfind(end_signature);
    // The comment ends the file; its text may look like an end record.
    while (at != tail.npos &&
           (at + end_length > tail.size() || at + end_length + number(tail, at + 20, 2) != tail.size())) {
      at = at == 0 ? tail.npos : tail.rfind(end_signature, at - 1);
    }
    if (at == tail.npos) {
      throw DataError(cat(where(), ": is no whole .npz file (a zip archive); expected what numpy.savez writes"));
    }
    const std::uint64_t end = size_ - length + at;
    const std::uint32_t count = number(tail, at + 10, 2), bytes = number(tail, at + 12, 4),
                        start = number(tail, at + 16, 4);
    if (count == 0xffff || bytes == in_zip64 || start == in_zip64) too_large();
    if (start > end || bytes > end - start) damaged("its directory lies beyond its end");
    const std::string directory = read(start, bytes);
    std::set<std::string> seen;
    std::size_t place = 0;
    for (std::uint32_t i = 0; i < count; ++i)
      place += read_entry(std::string_view(directory).substr(place), start, seen);
  }

  // An entry of the directory; returns its length.
  std::size_t read_entry(std::string_view entry, std::uint64_t directory, std::set<std::string>& seen) {
    if (entry.size() < central_length || !entry.starts_with(central_signature)) damaged("its directory has gaps");
    const std::size_t name = number(entry, 28, 2);
    const std::size_t length = central_length + name + number(entry, 30, 2) + number(entry, 32, 2);
    if (entry.size() < length) damaged("its directory ends early");
    Member m{std::string(entry.substr(central_length, name)),
             number(entry, 10, 2),
             number(entry, 16, 4),
             number(entry, 20, 4),
             number(entry, 24, 4),
             number(entry, 42, 4)};
    if (!m.name.ends_with(ending)) return length;
    m.name.resize(m.name.size() - ending.size());
    if (!seen.insert(m.name).second) damaged(cat("'", m.name, "' is in it twice"));
    if (m.packed == in_zip64 || m.size == in_zip64 || m.header == in_zip64) too_large();
    if ((number(entry, 8, 2) & 1) != 0)
      throw DataError(cat(where(), ": ", m.name, ": is encrypted; expected plain data"));
    if (m.method != 0 && m.method != Z_DEFLATED) {
      throw DataError(cat(where(), ": ", m.name, ": is packed by method ", m.method,
                          "; expected what numpy.savez or numpy.savez_compressed writes"));
    }
    if (m.header > directory || m.packed > directory - m.header ||
        (m.method == 0 ? m.size != m.packed : m.size > m.packed * deflate_factor)) {
      damaged(cat("'", m.name, "' says it has ", m.size, " bytes, in ", m.packed, " of the file"));
    }
    members_.push_back(std::move(m));
    return length;
  }

  [[noreturn]] void too_large() const {
    throw DataError(cat(where(), ": is a zip64 archive, of 4 GiB or more; smaller ones can be read"));
  }

  // The first `most` bytes of a member; all of them fit its checksum.
  std::string bytes_of(const Member& m, std::uint64_t most) const {
    const std::string header = read(m.header, local_length);
    if (!header.starts_with(local_signature)) damaged(cat("'", m.name, "' is not where its directory says"));
    const std::uint64_t start = m.header + local_length + number(header, 26, 2) + number(header, 28, 2);
    if (start > size_ || m.packed > size_ - start) damaged(cat("'", m.name, "' lies beyond its end"));
    const std::string bytes = m.method == 0 ? read(start, most) : inflated(m, start, most);
    if (most == m.size && crc_of(bytes) != m.crc)
      damaged(cat("the content of '", m.name, "' does not fit its checksum"));
    return bytes;
  }

  std::string inflated(const Member& m, std::uint64_t start, std::uint64_t most) const {
    std::string out(static_cast<std::size_t>(most), '\0');
    std::ifstream in = from(start);
    Inflater inflater;
    z_stream& z = inflater.z;
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(most);  // below 4 GiB, as all sizes are
    std::array<char, 1 << 16> block{};
    std::uint64_t left = m.packed;
    int state = Z_OK;
    while (state == Z_OK && left > 0 && (z.avail_out > 0 || most == m.size)) {
      const auto some = static_cast<std::size_t>(std::min<std::uint64_t>(left, block.size()));
      in.read(block.data(), static_cast<std::streamsize>(some));
      if (!in) throw DataError(cat(where(), ": cannot be read to its end; did it change meanwhile?"));
      left -= some;
      z.next_in = reinterpret_cast<Bytef*>(block.data());
      z.avail_in = static_cast<uInt>(some);
      state = inflate(&z, Z_NO_FLUSH);
    }
    if (z.avail_out > 0 || (most == m.size && state != Z_STREAM_END)) {
      damaged(cat("'", m.name, "' cannot be unpacked to the ", m.size, " bytes that it says it has"));
    }
    return out;
  }

  fs::path file_;
  std::uint64_t size_ = 0;
  std::vector<Member> members_;
};

void put(std::string& bytes, std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) bytes += static_cast<char>(value >> 8 * i & 0xff);
}

// What a local header and an entry of the directory have in common. The date is the format's first day, so that equal
// weights give equal files.
std::string facts(const std::string& name, std::uint32_t crc, std::size_t size) {
  std::string bytes;
  for (const unsigned value : {20U, 0U, 0U, 0U, 1U << 5 | 1U})
    put(bytes, value, 2);  // version, flags, stored, time, date
  put(bytes, crc, 4);
  put(bytes, size, 4);
  put(bytes, size, 4);
  put(bytes, name.size(), 2);
  put(bytes, 0, 2);
  return bytes;
}

std::string npy_bytes(const NamedMatrix& matrix) {
  std::string shape;
  for (const auto extent : npz_shape(matrix)) shape += cat(shape.empty() ? "" : ", ", extent);
  if (shape.find(',') == shape.npos) shape += ",";
  std::string header = cat("{'descr': '<f", sizeof(Scalar), "', 'fortran_order': False, 'shape': (", shape, "), }");
  // numpy aligns values to 64 bytes; the header ends in a newline.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes = "\x93NUMPY\x01";
  put(bytes, 0, 1);
  put(bytes, header.size(), 2);
  bytes += header;
  const Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> values = matrix.value;
  return bytes.append(reinterpret_cast<const char*>(values.data()),
                      static_cast<std::size_t>(values.size()) * sizeof(Scalar));
}

}  // namespace

bool is_npz(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::array<char, 4> head{};
  in.read(head.data(), head.size());
  const std::string_view bytes(head.data(), static_cast<std::size_t>(in.gcount()));
  return bytes == local_signature || bytes == end_signature;
}

std::unique_ptr<ArrayFolder> open_npz(const fs::path& file) { return std::make_unique<Archive>(file); }

std::vector<std::uint64_t> npz_shape(const NamedMatrix& matrix) {
  std::vector<std::uint64_t> shape = {static_cast<std::uint64_t>(matrix.value.rows())};
  if (matrix.value.cols() != 1 || matrix.name.ends_with("weight")) {
    shape.push_back(static_cast<std::uint64_t>(matrix.value.cols()));
  }
  return shape;
}

std::string npz_bytes(const std::vector<NamedMatrix>& matrices) {
  std::string bytes, directory;
  for (const NamedMatrix& matrix : matrices) {
    const std::string name = cat(matrix.name, ending);
    const std::string values = npy_bytes(matrix);
    if (bytes.size() + values.size() + directory.size() > std::numeric_limits<std::uint32_t>::max() - (1U << 20)) {
      throw UsageError(
          "an .npz file of these weights: would have 4 GiB or more, which is not written; use the HDF5 file");
    }
    const std::string about = facts(name, crc_of(values), values.size());
    directory += central_signature;
    put(directory, 20, 2);  // made by this version
    directory += about;
    directory.append(10, '\0');  // comment, disk, attributes
    put(directory, bytes.size(), 4);
    directory += name;
    bytes += cat(local_signature, about, name);
    bytes += values;
  }
  const std::size_t start = bytes.size();
  bytes += directory;
  bytes += end_signature;
  put(bytes, 0, 4);
  put(bytes, matrices.size(), 2);
  put(bytes, matrices.size(), 2);
  put(bytes, directory.size(), 4);
  put(bytes, start, 4);
  put(bytes, 0, 2);
  return bytes;
}

}  // namespace strata
