#include <algorithm>
#include <cmath>

#include "datasets/npy.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/support/folder.hpp"

namespace strata::fuzz {
namespace {

struct NpyFiles {
  NpyFiles() {
    const char* names[] = {"x.npy", "y.npy", "x_test.npy", "y_test.npy"};
    for (int i = 0; i < 4; ++i) std::filesystem::create_symlink(files[i].path(), folder / names[i]);
  }
  MemoryFile files[4];
  testing::Folder folder;
};

void one_array(const std::string& path) {
  const auto array = open_npy(path);
  std::size_t count = 1;
  for (const auto extent : array->shape) count *= static_cast<std::size_t>(extent);
  promise(count < 1 << 20, "there are no more values than the file is long");
  std::vector<double> wide(count);
  std::vector<float> narrow(count);
  array->read(std::span<double>(wide));
  array->read(std::span<float>(narrow));
  for (std::size_t i = 0; i < count; ++i) {
    promise(!(std::abs(wide[i]) <= 1) || std::abs(wide[i] - narrow[i]) < 1e-6, "float and double read alike");
  }
}

}  // namespace

void npy(Bytes bytes) {
  static NpyFiles files;
  if (bytes.empty()) return;
  const bool data_set = (bytes[0] & 1) != 0;
  bytes = bytes.subspan(1);
  if (!data_set) {
    files.files[0].write(bytes);
    may_refuse([&] { one_array(files.files[0].path()); });
    return;
  }
  for (MemoryFile& file : files.files) file.write(take_part(bytes));
  may_refuse([&] {
    const Dataset data = load_npy_dataset(files.folder.path());
    promise(data.classes > 1 && data.checksum.size() == 16, "a data set has classes and a checksum");
    for (const Examples* part : {&data.train, &data.test}) {
      promise(part->size() > 0 && part->size() == static_cast<Index>(part->labels.size()), "an example has a label");
      promise(part->x.rows() == data.train.x.rows() && part->x.allFinite(), "examples are finite and of one size");
      for (const auto label : part->labels) promise(label >= 0 && label < data.classes, "a label is a class");
    }
  });
}

}  // namespace strata::fuzz
