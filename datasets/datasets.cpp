#include "datasets/datasets.hpp"

#include "datasets/clusters.hpp"
#include "datasets/idx.hpp"
#include "framework/core/errors.hpp"

namespace strata {
namespace {

constexpr const char* debian_folder = "/usr/share/datasets/fashion-mnist";

Dataset fashion_mnist(const std::string& folder) {
  if (!folder.empty()) return load_idx_dataset("fashion-mnist", folder);
  try {
    return load_idx_dataset("fashion-mnist", debian_folder);
  } catch (const MissingFile& e) {
    throw DataError(
        cat(e.what(), "; install Debian's package dataset-fashion-mnist, or name its folder with --data PATH"));
  }
}

Dataset idx(const std::string& folder) {
  if (folder.empty()) throw UsageError("--dataset idx: expected --data PATH, the folder with the four IDX files");
  return load_idx_dataset("idx", folder);
}

Dataset clusters(const std::string& folder) {
  if (!folder.empty()) throw UsageError(cat("--data ", folder, ": the data set clusters is generated; leave it out"));
  return make_clusters({});
}

}  // namespace

DatasetCatalog builtin_datasets() {
  DatasetCatalog catalog;
  catalog.add({"fashion-mnist", cat("70,000 images of clothing, 28×28, 10 classes; from ", debian_folder, " or --data"),
               "Xiao, Rasul & Vollgraf 2017 (1708.07747), MIT licence; Debian's package dataset-fashion-mnist",
               fashion_mnist});
  catalog.add({"idx", "four IDX files with MNIST's names, plain or gzip, in the folder --data", "your own", idx});
  catalog.add({"clusters", "generated: 1,200 + 400 points in 16 dimensions, 4 classes of 4 clusters each",
               "made by datasets/clusters.cpp", clusters});
  return catalog;
}

}  // namespace strata
