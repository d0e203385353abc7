#include "datasets/idx.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "datasets/checksum.hpp"
#include "framework/core/large_pages.hpp"
#include "framework/core/shape.hpp"
#include "framework/parallel/column_blocks.hpp"

namespace strata {
namespace {

namespace fs = std::filesystem;

struct Content {
  std::vector<std::uint8_t> bytes;
  bool gzip = false;  // was it packed?
};

// What a gzip file says at its end that it unpacks to, within what deflate can do at most; or the size of a plain file.
// And one byte, in which the end is found.
std::size_t expected_size(const fs::path& path) {
  constexpr std::size_t most = 1032;
  std::error_code error;
  const auto size = static_cast<std::size_t>(fs::file_size(path, error));
  if (error) return 0;
  if (path.extension() != ".gz" || size < 4) return size + 1;
  std::ifstream file(path, std::ios::binary);
  std::array<unsigned char, 4> end{};
  file.seekg(-4, std::ios::end).read(reinterpret_cast<char*>(end.data()), 4);
  const std::size_t said = end[0] | end[1] << 8 | end[2] << 16 | std::size_t{end[3]} << 24;
  return file ? std::min(said, most * size) + 1 : 0;
}

// The whole file, unpacked if it is gzip (zlib reads plain files as they are).
Content read_bytes(const fs::path& path) {
  check_data_file(path, "an IDX file");
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) throw DataError(cat(path.string(), ": cannot be opened: ", std::strerror(errno)));
  constexpr std::size_t large = std::size_t{4} << 20;
  const std::size_t expected = expected_size(path);
  gzbuffer(file, static_cast<unsigned>(std::clamp<std::size_t>(expected, 1 << 13, 1 << 18)));
  Content content;
  auto& bytes = content.bytes;
  bytes.reserve(expected);
  prefer_large_pages(bytes.data(), bytes.capacity());
  int got = 0;
  do {
    const std::size_t held = bytes.size();
    const std::size_t room = bytes.capacity() > held ? bytes.capacity() - held : std::max(held, std::size_t{1} << 13);
    const auto wanted = static_cast<unsigned>(std::min(room, large));
    bytes.resize(held + wanted);
    got = gzread(file, bytes.data() + held, wanted);
    bytes.resize(held + static_cast<std::size_t>(std::max(got, 0)));
  } while (got > 0);
  int code = Z_OK;
  content.gzip = gzdirect(file) == 0;
  std::string why = gzerror(file, &code);
  if (why.starts_with(path.string() + ": ")) why.erase(0, path.string().size() + 2);  // zlib names the file too
  const bool broken = got < 0 || (code != Z_OK && code != Z_STREAM_END);
  // Z_BUF_ERROR on closing: the compressed data end in the middle of a stream.
  const bool truncated = gzclose_r(file) == Z_BUF_ERROR;
  if (truncated) throw DataError(cat(path.string(), ": truncated: the gzip data end early; fetch the file again"));
  if (broken) throw DataError(cat(path.string(), ": damaged gzip: ", why, "; fetch the file again"));
  return content;
}

std::uint32_t big_endian(const std::vector<std::uint8_t>& bytes, std::size_t at) {
  return (std::uint32_t{bytes[at]} << 24) | (std::uint32_t{bytes[at + 1]} << 16) | (std::uint32_t{bytes[at + 2]} << 8) |
         bytes[at + 3];
}

// Checks the magic number and that the counts agree with the length; returns the counts.
std::vector<std::uint64_t> read_header(const fs::path& path, const Content& content, const char* what,
                                       std::size_t counts) {
  const auto& bytes = content.bytes;
  const std::size_t header = 4 + 4 * counts;
  if (bytes.size() < header) {
    throw DataError(cat(path.string(), ": truncated: ", bytes.size(), " bytes; expected a header of ", header));
  }
  const std::uint32_t magic = big_endian(bytes, 0);
  const std::uint32_t expected = 0x800 + static_cast<std::uint32_t>(counts);
  if (magic != expected) {
    throw DataError(cat(path.string(), ": magic number ", magic, ": expected ", expected, " for IDX ", what,
                        magic >> 16 == 0x1f8b                        ? " (gzip inside gzip)"
                        : path.extension() == ".gz" && !content.gzip ? " (it is not gzip either)"
                                                                     : ""));
  }
  std::vector<std::uint64_t> extents;
  long double product = 1;  // four 32-bit counts can overflow 64 bits
  for (std::size_t i = 0; i < counts; ++i) {
    extents.push_back(big_endian(bytes, 4 + 4 * i));
    product *= static_cast<long double>(extents.back());
  }
  if (product == 0) throw DataError(cat(path.string(), ": holds no ", what, "; expected at least one"));
  const auto held = static_cast<long double>(bytes.size() - header);
  if (product != held) {
    const bool exact = product < 1e18L;
    throw DataError(cat(path.string(), ": ", held < product ? "truncated" : "too long", ": ", bytes.size() - header,
                        " bytes of ", what, "; expected ",
                        exact ? std::to_string(static_cast<std::uint64_t>(product)) : cat(static_cast<double>(product)),
                        " by the header"));
  }
  return extents;
}

fs::path find_file(const fs::path& folder, const std::string& name) {
  std::error_code error;
  for (const char* ending : {"", ".gz"}) {
    const fs::path path = folder / (name + ending);
    if (fs::exists(path, error)) return path;
  }
  throw MissingFile(cat((folder / name).string(), "[.gz]: there is no such file"));
}

Examples examples(const IdxImages& images, const std::vector<std::uint8_t>& labels) {
  Examples e;
  const Index features = images.rows * images.cols;
  e.x.resize(features, images.count);
  prefer_large_pages(e.x.data(), static_cast<std::size_t>(e.x.size()) * sizeof(Scalar));
  for_column_blocks(features, images.count, [&](Index first, Index n) {
    const std::uint8_t* from = images.pixels.data() + first * features;
    Scalar* to = e.x.data() + first * features;
    for (Index i = 0; i < n * features; ++i) to[i] = static_cast<Scalar>(from[i]) / Scalar(255);
  });
  e.labels.assign(labels.begin(), labels.end());
  return e;
}

}  // namespace

IdxImages read_idx_images(const fs::path& path) {
  IdxImages images;
  Content content = read_bytes(path);
  const auto extents = read_header(path, content, "images", 3);
  images.pixels = std::move(content.bytes);
  images.pixels.erase(images.pixels.begin(), images.pixels.begin() + 16);
  images.count = static_cast<Index>(extents[0]);
  images.rows = static_cast<Index>(extents[1]);
  images.cols = static_cast<Index>(extents[2]);
  return images;
}

std::vector<std::uint8_t> read_idx_labels(const fs::path& path) {
  Content content = read_bytes(path);
  read_header(path, content, "labels", 1);
  auto labels = std::move(content.bytes);
  labels.erase(labels.begin(), labels.begin() + 8);
  return labels;
}

Dataset load_idx_dataset(const std::string& name, const fs::path& folder) {
  check_data_folder(folder, "the folder with the four IDX files");
  Dataset data;
  data.name = name;
  Checksum checksum;
  int largest = 0;
  for (const auto& [prefix, part] : {std::pair{"train", &data.train}, std::pair{"t10k", &data.test}}) {
    const fs::path image_file = find_file(folder, cat(prefix, "-images-idx3-ubyte"));
    const fs::path label_file = find_file(folder, cat(prefix, "-labels-idx1-ubyte"));
    const IdxImages images = read_idx_images(image_file);
    const auto labels = read_idx_labels(label_file);
    if (static_cast<std::size_t>(images.count) != labels.size()) {
      throw DataError(cat(label_file.string(), ": ", labels.size(), " labels for ", images.count, " images in ",
                          image_file.string(), "; expected as many"));
    }
    const Shape shape{1, images.rows, images.cols};
    if (!data.sample_shape.empty() && data.sample_shape != shape) {
      throw DataError(cat(image_file.string(), ": images of ", images.rows, " × ", images.cols, "; expected ",
                          data.sample_shape[1], " × ", data.sample_shape[2], " as the training images"));
    }
    data.sample_shape = shape;
    largest = std::max<int>(largest, *std::max_element(labels.begin(), labels.end()));
    checksum.add(images.pixels);
    checksum.add(labels);
    *part = examples(images, labels);
  }
  data.classes = largest + 1;
  if (data.classes < 2) throw DataError(cat(folder.string(), ": all labels are 0; expected two classes or more"));
  data.checksum = checksum.text();
  return data;
}

}  // namespace strata
