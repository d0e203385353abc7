#include "datasets/cifar.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "datasets/checksum.hpp"
#include "datasets/missing_file.hpp"

namespace strata {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t image = 3 * 32 * 32, record = 1 + image;

fs::path folder_of_batches(const fs::path& folder) {
  std::error_code error;
  for (const fs::path& place : {folder, folder / "cifar-10-batches-bin"}) {
    if (fs::exists(place / "data_batch_1.bin", error)) return place;
  }
  const char* expected = "the folder cifar-10-batches-bin of cifar-10-binary.tar.gz, unpacked";
  check_data_folder(folder, expected);
  throw MissingFile(cat(folder.string(), ": has no data_batch_1.bin; expected ", expected,
                        fs::exists(folder / "data_batch_1", error) ? " (this is the version for Python)" : ""));
}

// Appends the records of a file to the pixels and labels of a part.
void read_records(const fs::path& file, std::vector<std::uint8_t>& pixels, std::vector<std::uint8_t>& labels) {
  check_data_file(file, "a batch of CIFAR-10's binary version");
  std::error_code error;
  const std::string name = file.string();
  std::ifstream in(file, std::ios::binary);
  if (!in) throw DataError(cat(name, ": cannot be opened: ", std::strerror(errno)));
  const auto size = static_cast<std::size_t>(fs::file_size(file, error));
  if (size == 0 || size % record != 0) {
    throw DataError(cat(name, ": ", size, " bytes; expected records of ", record, " (10,000 of them in the original)"));
  }
  std::vector<char> bytes(size);
  if (!in.read(bytes.data(), static_cast<std::streamsize>(size))) throw DataError(cat(name, ": cannot be read"));
  for (std::size_t at = 0; at < size; at += record) {
    const auto label = static_cast<std::uint8_t>(bytes[at]);
    if (label > 9)
      throw DataError(cat(name, ": record ", at / record, " has the class ", int{label}, "; expected 0 to 9"));
    labels.push_back(label);
    const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(at + 1);
    pixels.insert(pixels.end(), first, first + static_cast<std::ptrdiff_t>(image));
  }
}

}  // namespace

Dataset load_cifar10_dataset(const fs::path& given) {
  const fs::path folder = folder_of_batches(given);
  Dataset data;
  data.name = "cifar-10";
  data.sample_shape = {3, 32, 32};
  data.classes = 10;
  Checksum checksum;
  for (Examples* part : {&data.train, &data.test}) {
    std::vector<std::uint8_t> pixels, labels;
    if (part == &data.test) {
      read_records(folder / "test_batch.bin", pixels, labels);
    } else {
      for (int i = 1; i <= 5; ++i) read_records(folder / cat("data_batch_", i, ".bin"), pixels, labels);
    }
    checksum.add(pixels);
    checksum.add(labels);
    part->x.resize(static_cast<Index>(image), static_cast<Index>(labels.size()));
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      part->x.data()[i] = static_cast<Scalar>(pixels[i]) / Scalar(255);
    }
    part->labels.assign(labels.begin(), labels.end());
  }
  data.checksum = checksum.text();
  return data;
}

}  // namespace strata
