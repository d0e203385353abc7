#include "datasets/npz.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace strata::fuzz {

void npz(Bytes bytes) {
  static MemoryFile file;
  file.write(bytes);
  const std::uint64_t size = bytes.size();
  may_refuse([&] {
    const auto archive = open_npz(file.path());
    for (const std::string& name : archive->names()) {
      may_refuse([&] {
        const auto array = archive->open(name);
        std::uint64_t count = 1;
        for (const auto extent : array->shape) count *= extent;
        // Deflate packs a thousandfold, and a caller reads only what has the shape that it expects.
        promise(count < size * 2000, "there are no more values than deflate can pack into the file");
        if (count > 1 << 13) return;
        std::vector<double> values(static_cast<std::size_t>(count));
        array->read(std::span<double>(values));
      });
    }
  });
}

}  // namespace strata::fuzz
