#include "datasets/hdf5.hpp"

#include "datasets/arrays.hpp"
#include "framework/core/errors.hpp"
#include "framework/io/hdf5.hpp"

namespace strata {
namespace {

class Hdf5Array final : public ArraySource {
 public:
  Hdf5Array(const h5::Group& root, std::string name) : root_(root), name_(std::move(name)) {
    h5::ArrayInfo info = root_.array(name_);
    where = root_.where(name_);
    type = std::move(info.type);
    shape = std::move(info.shape);
  }
  void read(std::span<std::uint8_t> values) const override { root_.read(name_, values); }
  void read(std::span<float> values) const override { root_.read(name_, values); }
  void read(std::span<double> values) const override { root_.read(name_, values); }

 private:
  const h5::Group& root_;
  std::string name_;
};

class Hdf5Folder final : public ArrayFolder {
 public:
  explicit Hdf5Folder(const std::filesystem::path& file) : file_(file.string()), root_(h5::open_file(file)) {
    if (root_.has_attribute("schema")) {
      throw DataError(cat(file_, ": is a file of Strata's own, not a data set; expected arrays x and y"));
    }
    names_ = root_.datasets();
  }
  std::string where() const override { return file_; }
  std::vector<std::string> names() const override { return names_; }
  std::unique_ptr<ArraySource> open(const std::string& name) const override {
    return std::make_unique<Hdf5Array>(root_, name);
  }

 private:
  std::string file_;
  h5::Group root_;
  std::vector<std::string> names_;
};

}  // namespace

Dataset load_hdf5_dataset(const std::filesystem::path& file) { return load_arrays("hdf5", Hdf5Folder(file)); }

}  // namespace strata
