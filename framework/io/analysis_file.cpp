#include "framework/io/analysis_file.hpp"

#include "framework/core/errors.hpp"
#include "framework/io/hdf5.hpp"
#include "framework/io/provenance.hpp"
#include "framework/io/replace_file.hpp"

namespace strata {
namespace {

constexpr const char* readme = R"(An analysis of a finished training run of Strata, by `strata attribute`.

  /provenance   attributes: the run, whose epoch's weights, the command line
  /gradient, /hierarchy, /attribution, /similarity   as in the run's own file; its README says what they are
  /influence    (query, source): mean |da_query/da_source| and its mean with sign, for all upstream neurons
  /similarity_to (run, layer, layer_other): CKA with the layers of other runs on the same examples

PYTHON, xarray (either engine: h5netcdf or netcdf4)
  import xarray
  hierarchy = xarray.open_dataset("FILE.h5", group="hierarchy")
  hierarchy.prior_fraction.sel(scaling="scaled", with_input=0)         # beside prior_fraction_null_permuted, …
)";

}  // namespace

void write_analysis_file(const std::filesystem::path& path, const AnalysisRecord& record) {
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    throw UsageError(cat(path.string(), ": is there already, and is left as it is; choose another name, or remove it"));
  }
  const auto root = h5::new_file();
  root.set("Conventions", "CF-1.8");
  root.set("title", record.title);
  root.set("history", record.history);
  root.set("source", record.source);
  root.set("schema", analysis_schema);
  root.set("schema_version", analysis_schema_version);
  const std::string text = readme;
  root.add("README", {}, std::span(&text, 1), {.long_name = "how to read this file"});
  write_provenance(root.make_group("provenance"), record.provenance);
  for (const DataGroup& group : record.groups) write_data_group(root, group);
  replace_file(path, root.image());
}

AnalysisRecord read_analysis_file(const std::filesystem::path& path) {
  const auto root = h5::open_file(path);
  if (!root.has_attribute("schema") || root.text("schema") != analysis_schema) {
    throw DataError(cat(path.string(), ": is no analysis file of strata (schema '", analysis_schema, "')"));
  }
  if (const int version = root.integer("schema_version"); version != analysis_schema_version) {
    throw DataError(
        cat(path.string(), ": has schema_version ", version, ", this program reads ", analysis_schema_version));
  }
  AnalysisRecord record{
      root.text("title"), root.text("history"), root.text("source"), read_provenance(root.open("provenance")), {}};
  for (const std::string& name : root.groups()) {
    if (name != "provenance") record.groups.push_back(read_data_group(root, name));
  }
  return record;
}

}  // namespace strata
