#include <algorithm>
#include <cmath>

#include "datasets/npy.hpp"
#include "tests/fuzz/data_folder.hpp"

namespace strata::fuzz {
namespace {

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
  static DataFolder folder({"x.npy", "y.npy", "x_test.npy", "y_test.npy"});
  if (bytes.empty()) return;
  const bool data_set = (bytes[0] & 1) != 0;
  bytes = bytes.subspan(1);
  if (!data_set) {
    folder.file(0).write(bytes);
    may_refuse([&] { one_array(folder.file(0).path()); });
    return;
  }
  folder.load(bytes, load_npy_dataset, [](const Dataset& data, const Examples& part) {
    promise(part.x.allFinite(), "examples are finite");
    for (const auto label : part.labels) promise(label >= 0 && label < data.classes, "a label is a class");
  });
}

}  // namespace strata::fuzz
