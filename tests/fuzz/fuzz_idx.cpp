#include "datasets/idx.hpp"
#include "tests/fuzz/data_folder.hpp"

namespace strata::fuzz {
namespace {

// The same file under two names: its size is guessed in another way where the name ends in .gz.
struct Names {
  Names() : packed(folder / "input.gz") { std::filesystem::create_symlink(file.path(), packed); }
  MemoryFile file;
  testing::Folder folder;
  std::filesystem::path packed;
};

void idx_data_set(Bytes bytes) {
  static DataFolder folder(
      {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"});
  folder.load(
      bytes, [](const auto& path) { return load_idx_dataset("idx", path); },
      [](const Dataset&, const Examples& part) {
        promise(part.x.minCoeff() >= 0 && part.x.maxCoeff() <= 1, "pixels lie between 0 and 1");
      });
}

}  // namespace

void idx(Bytes bytes) {
  static Names names;
  if (bytes.empty()) return;
  if ((bytes[0] & 4) != 0) return idx_data_set(bytes.subspan(1));
  const bool labels = (bytes[0] & 1) != 0, packed = (bytes[0] & 2) != 0;
  names.file.write(bytes.subspan(1));
  const std::filesystem::path path = packed ? names.packed : std::filesystem::path(names.file.path());
  may_refuse([&] {
    if (labels) {
      promise(!read_idx_labels(path).empty(), "a file of labels holds one or more");
      return;
    }
    const IdxImages images = read_idx_images(path);
    promise(images.count > 0 && images.rows > 0 && images.cols > 0, "a file of images holds one or more");
    promise(images.pixels.size() == static_cast<std::size_t>(images.count * images.rows * images.cols),
            "there are as many pixels as the counts say");
  });
}

}  // namespace strata::fuzz
