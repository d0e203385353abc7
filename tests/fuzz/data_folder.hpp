// The four files of a data set in memory, under the names that a reader looks for, and what any data set promises.
#pragma once

#include <array>
#include <filesystem>
#include <functional>

#include "framework/learning/dataset.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/support/folder.hpp"

namespace strata::fuzz {

class DataFolder {
 public:
  explicit DataFolder(const std::array<const char*, 4>& names) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      std::filesystem::create_symlink(files_[i].path(), folder_ / names[i]);
    }
  }

  MemoryFile& file(std::size_t i) { return files_[i]; }

  /// Writes the four parts of `bytes` into the files and loads them. `more` promises what this reader does besides, of each
  /// part of the data.
  void load(Bytes bytes, const std::function<Dataset(const std::filesystem::path&)>& reader,
            const std::function<void(const Dataset&, const Examples&)>& more) {
    for (MemoryFile& file : files_) file.write(take_part(bytes));
    may_refuse([&] {
      const Dataset data = reader(folder_.path());
      promise(data.classes > 1 && data.checksum.size() == 16, "a data set has classes and a checksum");
      for (const Examples* part : {&data.train, &data.test}) {
        promise(part->size() > 0 && part->size() == static_cast<Index>(part->labels.size()), "an example has a label");
        promise(part->x.rows() == data.train.x.rows(), "all examples have the same features");
        more(data, *part);
      }
    });
  }

 private:
  std::array<MemoryFile, 4> files_;
  testing::Folder folder_;
};

}  // namespace strata::fuzz
