// Files that cannot be used, whole programs on them: data in IDX format, graph files, run files. One line, exit 2,
// nothing written. What each reader says of every fault is in tests/datasets, tests/graph and tests/io.
#include <zlib.h>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "framework/io/hdf5.hpp"
#include "framework/io/replace_file.hpp"
#include "tests/cli/refused.hpp"

using namespace strata::testing;
namespace h5 = strata::h5;
using Json = nlohmann::ordered_json;

namespace {

constexpr int side = 3, train = 60, test = 20;

/// An IDX file of bytes: 0, 1, 2, 0, 1, 2, …
std::string idx(const std::vector<int>& counts) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(counts.size())};
  std::size_t size = 1;
  for (const int n : counts) {
    bytes += {'\0', '\0', '\0', static_cast<char>(n)};
    size *= static_cast<std::size_t>(n);
  }
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(i % 3);
  return bytes;
}

void write_gzip(const fs::path& path, const std::string& bytes) {
  const gzFile file = gzopen(path.c_str(), "wb");
  BOOST_REQUIRE(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())) == static_cast<int>(bytes.size()));
  BOOST_REQUIRE(gzclose(file) == Z_OK);
}

void write_data(const fs::path& folder) {
  fs::create_directories(folder);
  write(folder / "train-images-idx3-ubyte", idx({train, side, side}));
  write(folder / "train-labels-idx1-ubyte", idx({train}));
  write(folder / "t10k-images-idx3-ubyte", idx({test, side, side}));
  write_gzip(folder / "t10k-labels-idx1-ubyte.gz", idx({test}));
}

const std::string tiny = " --hidden 4 --epochs 1 --batch 16 --out out";

}  // namespace

BOOST_AUTO_TEST_CASE(data) {
  const Scratch good;
  write_data(good / "d");
  const Outcome fine = call(good, "run --dataset idx --data d" + tiny);
  BOOST_TEST(fine.code == 0, fine.err);

  struct Fault {
    std::string name;
    std::function<void(const fs::path&)> make;
    Words says;
  };
  const std::vector<Fault> faults = {
      {"no folder", [](const fs::path& d) { fs::remove_all(d); }, {"no such folder"}},
      {"missing",
       [](const fs::path& d) { fs::remove(d / "t10k-images-idx3-ubyte"); },
       {"d/t10k-images-idx3-ubyte", "no such file"}},
      {"truncated",
       [](const fs::path& d) { fs::resize_file(d / "train-images-idx3-ubyte", 500); },
       {"d/train-images-idx3-ubyte", "truncated", "484", "540"}},
      {"empty",
       [](const fs::path& d) { write(d / "train-labels-idx1-ubyte", ""); },
       {"labels", "truncated", "0 bytes"}},
      {"too long",
       [](const fs::path& d) { write(d / "train-labels-idx1-ubyte", idx({train}) + "x"); },
       {"d/train-labels-idx1-ubyte", "too long", "61", "60"}},
      {"truncated gzip",
       [](const fs::path& d) { fs::resize_file(d / "t10k-labels-idx1-ubyte.gz", 20); },
       {"d/t10k-labels-idx1-ubyte.gz", "truncated"}},
      {"not gzip",
       [](const fs::path& d) { write(d / "t10k-labels-idx1-ubyte.gz", "<!doctype html><title>404 Not Found</title>"); },
       {"d/t10k-labels-idx1-ubyte.gz", "magic number", "not gzip"}},
      {"wrong magic number",
       [](const fs::path& d) {
         write(d / "train-images-idx3-ubyte", idx({train, side * side}));
       },
       {"d/train-images-idx3-ubyte", "magic number 2050", "2051"}},
      {"other counts",
       [](const fs::path& d) { write(d / "train-labels-idx1-ubyte", idx({train - 1})); },
       {"d/train-labels-idx1-ubyte", "59 labels", "60 images"}},
      {"other sizes",
       [](const fs::path& d) {
         write(d / "t10k-images-idx3-ubyte", idx({test, side, side + 1}));
       },
       {"d/t10k-images-idx3-ubyte", "3 × 4", "3 × 3"}},
      {"no folder but a file",
       [](const fs::path& d) {
         fs::remove_all(d);
         write(d, "x");
       },
       {"d: is not a folder"}},
  };
  for (const Fault& fault : faults) {
    const Scratch in;
    write_data(in / "d");
    fault.make(in / "d");
    BOOST_TEST_CONTEXT(fault.name) {
      auto says = fault.says;
      says.insert(says.begin(), "--dataset idx: ");
      check_refused(in, "run --dataset idx --data d" + tiny, says);
      says[0] = "--dataset fashion-mnist: ";  // the same reader behind the default data set
      check_refused(in, "compare --data d" + tiny, says);
    }
  }
}

BOOST_AUTO_TEST_CASE(graph_files) {
  const auto dense = [](const char* name, const char* input, int units) {
    return Json{{"name", name}, {"type", "dense"}, {"inputs", {input}}, {"units", units}};
  };
  const Json good = {{"schema", "strata-graph"},
                     {"schema_version", 1},
                     {"input", {16}},
                     {"nodes", {dense("h1", "input", 6), dense("h2", "h1", 5), dense("out", "h2", 4)}},
                     {"output", "out"}};
  const auto changed = [&](const std::function<void(Json&)>& change) {
    Json json = good;
    change(json);
    return json.dump();
  };
  struct Fault {
    std::string text;
    Words says;
  };
  const std::vector<Fault> faults = {
      {changed([](Json& g) { g["nodes"][0]["inputs"] = {"h2"}; }), {"cycl", "h1", "h2"}},
      {changed([&](Json& g) { g["nodes"].push_back(dense("lost", "h1", 3)); }), {"lost"}},
      {changed([](Json& g) { g["nodes"][1]["inputs"] = {"h9"}; }), {"'h9'", "h2"}},
      {changed([](Json& g) {
         g["nodes"].insert(g["nodes"].begin() + 2, Json{{"name", "sum"}, {"type", "add"}, {"inputs", {"h1", "h2"}}});
         g["nodes"][3]["inputs"] = {"sum"};
       }),
       {"'sum'", "[6]", "[5]"}},
      {changed([](Json& g) { g["input"] = {15}; }), {"[15]", "[16]"}},
      {changed([](Json& g) { g["nodes"][2]["units"] = 7; }), {"[7]", "4 classes"}},
      {changed([](Json& g) { g["nodes"][0]["unit"] = 6; }), {"'unit'", "did you mean 'units'"}},
      {changed([](Json& g) { g["title"] = "x"; }), {"'title'", "nodes"}},
      {changed([](Json& g) { g["nodes"][0]["type"] = "dens"; }), {"'dens'", "did you mean 'dense'"}},
      {changed([](Json& g) { g["nodes"][1]["name"] = "h1"; }), {"'h1'"}},
      {changed([](Json& g) { g["schema_version"] = 2; }), {"schema_version", "2", "1"}},
      {changed([](Json& g) { g.erase("output"); }), {"'output'", "missing"}},
      {changed([](Json& g) { g["output"] = "end"; }), {"'end'"}},
      {"{\"schema\": ", {"not JSON"}},
      {"", {"not JSON"}},
  };
  const Scratch in;
  const std::string run = "run --dataset clusters --epochs 1 --out out --network ";
  for (const Fault& fault : faults) {
    write(in / "net.json", fault.text);
    BOOST_TEST_CONTEXT(fault.text) {
      auto says = fault.says;
      says.emplace_back("net.json");
      check_refused(in, run + "net.json", says);
    }
  }
  check_refused(in, run + "none.json", {"none.json"});
  write(in / "net.json", good.dump());
  check_refused(in, run + "net.json --hidden 8", {"--hidden", "net.json"});
  check_refused(in, run + "net.json --skip 1:2", {"--skip", "net.json"});
  const Outcome fine = call(in, run + "net.json");
  BOOST_TEST(fine.code == 0, fine.err);
}

BOOST_AUTO_TEST_CASE(run_files_to_validate) {
  const Scratch in;
  BOOST_REQUIRE(call(in, "run --dataset clusters" + tiny).code == 0);
  const fs::path file = fs::relative(only_run(in / "out"), in.path());
  const std::string bytes = content(in / file);
  const Outcome good = call(in.path(), {"validate", file});
  BOOST_TEST(good.code == 0, good.err);
  BOOST_TEST(contains(good.out, "good: complete, backprop on mlp and clusters, seed 0, 1 epochs, 2 layers"));
  BOOST_TEST(good.err == "");

  for (const std::size_t size : {bytes.size() - 1, bytes.size() / 2, std::size_t{600}, std::size_t{100}}) {
    write(in / "short.h5", bytes.substr(0, size));
    check_refused(in, "validate short.h5", {"short.h5"});
  }
  write(in / "text.h5", "rule,network,seed\n");
  check_refused(in, "validate text.h5", {"text.h5", "not an HDF5 file"});
  write(in / "empty.h5", "");
  check_refused(in, "validate empty.h5", {"empty.h5"});
  check_refused(in, "validate none.h5", {"none.h5", "no such file"});
  check_refused(in, "validate out", {"out", "is a folder"});
  check_refused(in, "validate out/summary.h5", {"out/summary.h5", "strata-summary", "strata-run"});
  check_refused(in, "validate", {"validate", "run files"});
  check_refused(in, "validate --deep text.h5", {"'--deep'"});
  {
    const h5::Group foreign = h5::new_file();
    const std::vector<double> values = {1, 2, 3};
    foreign.add_scale("x", std::span<const double>(values), {"an axis", ""});
    strata::replace_file(in / "foreign.h5", foreign.image());
  }
  check_refused(in, "validate foreign.h5", {"foreign.h5", "no Strata file"});
  for (const int version : {0, 99}) {
    const h5::Group other = h5::new_file();
    other.set("schema", "strata-run");
    other.set("schema_version", version);
    strata::replace_file(in / "other.h5", other.image());
    check_refused(in, "validate other.h5", {"other.h5", std::to_string(version), "1"});
  }

  // Several files: each gets its verdict.
  const Outcome both = call(in.path(), {"validate", "text.h5", file});
  BOOST_TEST(both.code == 2);
  BOOST_TEST(contains(both.out, "text.h5: bad"));
  BOOST_TEST(contains(both.out, file.string() + ": good"));
  BOOST_TEST(lines(both.err).size() == 1U);
  BOOST_TEST(contains(both.err, "strata: text.h5: "));
}
