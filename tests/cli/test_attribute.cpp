// `strata attribute`: a finished run analysed again, and whatever cannot be.
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "framework/io/hdf5.hpp"
#include "framework/io/run_file.hpp"
#include "tests/cli/program.hpp"

using namespace strata::testing;
using strata::DataGroup;
using Json = nlohmann::json;

namespace {

/// A folder with a run of 12-12-12 hidden neurons, its weights those of the last epoch, and the file's path in it.
struct Trained : Scratch {
  explicit Trained(const std::string& options = "--save-weights last") {
    const Outcome o =
        call(*this, "run --dataset clusters --hidden 12x3 --epochs 2 --neurons all --permuted 2 --quiet " + options);
    BOOST_REQUIRE_MESSAGE(o.code == 0, o.err);
    file = only_run(*this / "strata-out").string();
  }
  Outcome attribute(const std::string& options) const { return call(*this, "attribute " + file + " " + options); }
  Json json(const std::string& options) const {
    const Outcome o = attribute(options + " --json");
    BOOST_REQUIRE_MESSAGE(o.code == 0, o.err);
    return Json::parse(o.out);
  }
  std::string file;
};

}  // namespace

BOOST_AUTO_TEST_CASE(with_the_same_settings_it_finds_what_the_run_found) {
  const Trained run;
  BOOST_REQUIRE(run.attribute("--permuted 2 --out again.h5").code == 0);
  const auto record = strata::read_run_file(run.file);
  const auto again = strata::h5::open_file(run / "again.h5");
  for (const DataGroup& group : record.analysis) {
    const DataGroup last = selected(group, "snapshot", {2});
    BOOST_TEST_CONTEXT(group.name) {
      // CBOR, in which NaN equals NaN.
      BOOST_TEST((Json::to_cbor(to_json(last)) == Json::to_cbor(to_json(strata::read_data_group(again, group.name)))));
    }
  }
  const Outcome good = call(run, "validate again.h5 " + run.file);
  BOOST_TEST(good.code == 0);
  BOOST_TEST(
      contains(good.out, "again.h5: good: analysis of backprop on mlp and clusters, seed 0: gradient, hierarchy"));
  BOOST_TEST(again.text("schema") == "strata-analysis");
  BOOST_TEST(again.open("provenance").integer("epoch") == 2);
}

BOOST_AUTO_TEST_CASE(it_prints_the_sources_of_the_neurons_asked_for) {
  const Trained run;
  const Outcome o = run.attribute("--query h3:7,h2:0 --k 2 --ablate --permuted 0");
  BOOST_REQUIRE_MESSAGE(o.code == 0, o.err);
  BOOST_TEST(contains(o.out, "backprop on mlp and clusters, seed 0: weights of epoch 2, 64 validation examples"));
  BOOST_TEST(contains(o.out, "Share of the 2 strongest sources"));
  const Words all = lines(o.out);
  const auto of = [&](const std::string& neuron) {
    const auto line =
        std::find_if(all.begin(), all.end(), [&](const std::string& l) { return l.starts_with(neuron + "  "); });
    BOOST_REQUIRE(line != all.end());
    return *line;
  };
  BOOST_TEST(contains(of("h2:0"), "  h1:"));
  const std::string line = of("h3:7");
  BOOST_TEST(std::count(line.begin(), line.end(), '(') == 2);
  BOOST_TEST(!contains(o.out, "h3:6"));
}

BOOST_AUTO_TEST_CASE(the_influences_hold_the_strongest_sources) {
  const Trained run;
  const Json found = run.json("--query h3 --k 1 --permuted 0 --with-input --influences --out all.h5");
  const Json& influence = found["influence"]["variables"];
  const std::size_t sources = found["influence"]["axes"]["source"].size();
  BOOST_TEST(found["influence"]["axes"]["query"].size() == 12U);
  const auto matrix = influence["mean_abs"]["values"].get<std::vector<double>>();
  const auto layer = influence["source_layer"]["values"].get<std::vector<int>>();
  const Json& attribution = found["attribution"]["variables"];
  for (std::size_t q = 0; q < 12; ++q) {
    const auto row = matrix.begin() + static_cast<std::ptrdiff_t>(q * sources);
    const auto largest = std::max_element(row, row + static_cast<std::ptrdiff_t>(sources));
    BOOST_TEST(*largest == attribution["topk_score_raw"]["values"][q].get<double>());
    BOOST_TEST(layer[static_cast<std::size_t>(largest - row)] == attribution["topk_layer_raw"]["values"][q].get<int>());
  }
}

BOOST_AUTO_TEST_CASE(other_examples_give_other_values_and_threads_the_same) {
  const Trained run;
  const Json one = run.json("--permuted 1 --threads 1");
  BOOST_TEST((one == run.json("--permuted 1 --threads 3")));
  BOOST_TEST((one != run.json("--permuted 1 --examples 30")));
}

BOOST_AUTO_TEST_CASE(similarity_to_other_runs) {
  const Trained run;
  BOOST_REQUIRE(call(run, "run --dataset clusters --hidden 12x2 --rule fa --epochs 1 --out other --quiet").code == 0);
  const std::string other = only_run(run / "other").string();
  const Json found = run.json("--permuted 0 --against " + run.file + "," + other)["similarity_to"];
  BOOST_TEST(found["axes"]["layer"] == (Json{"input", "h1", "h2", "h3", "logits"}));
  BOOST_TEST(found["axes"]["layer_other"].size() == 5U);
  const auto cka = found["variables"]["cka"]["values"];
  for (std::size_t l = 0; l < 5; ++l) {
    BOOST_TEST(std::abs(cka[l * 5 + l].get<double>() - 1) < 1e-9);  // with itself
    BOOST_TEST(cka[25 + l * 5 + 3].is_null());                      // the other run has no h3
  }
  BOOST_TEST(std::abs(cka[25].get<double>() - 1) < 1e-9);  // the input is the same
  BOOST_TEST(contains(run.attribute("--permuted 0 --against " + other).out, "fa-mlp-s0-"));
}

BOOST_AUTO_TEST_CASE(bad_input_is_refused_and_touches_nothing) {
  const Trained run;
  const Trained bare("--save-weights none");
  write(run / "there.h5", "kept");
  write(run / "text.h5", "no HDF5");
  strata::RunRecord record = strata::read_run_file(run.file, true);
  record.provenance["config"] = std::string(50'000, '[');
  strata::write_run_file(run / "deep.h5", record);
  BOOST_REQUIRE(call(run, "run --dataset clusters --hidden 4 --epochs 1 --split-seed 1 --out elsewhere --quiet").code ==
                0);
  const std::string elsewhere = only_run(run / "elsewhere").string();
  struct Case {
    std::string line;
    Words says;
  };
  const std::vector<Case> cases = {
      {"", {"attribute: expected a run file"}},
      {run.file + " more", {"stray word 'more'"}},
      {"nowhere.h5", {"nowhere.h5", "no such file"}},
      {"text.h5", {"text.h5", "not an HDF5 file"}},
      {"deep.h5", {"deep.h5", "nested more than 32 deep"}},
      {bare.file, {"holds no weights", "--save-weights"}},
      {run.file + " --query h9:3", {"'h9'", "h1, h2, h3, logits"}},
      {run.file + " --query h2:12", {"h2:12", "0 to 11"}},
      {run.file + " --query h2:x", {"h2:x"}},
      {run.file + " --query h2:-1", {"h2:-1"}},
      {run.file + " --query h1:0", {"no hidden neurons before it", "--with-input"}},
      {run.file + " --query input:3", {"input:3", "h1, h2, h3, logits"}},
      {run.file + " --query h2 --neurons 3", {"--query and --neurons"}},
      {run.file + " --query h2:0 --k 13", {"--k 13", "1 to 12"}},
      {run.file + " --k 37", {"--k 37", "1 to 36"}},
      {run.file + " --k 0", {"--k 0", "1 to"}},
      {run.file + " --neurons none", {"--neurons", "'none'"}},
      {run.file + " --examples 1000000", {"--examples 1000000", "validation"}},
      {run.file + " --permuted -1", {"--permuted -1", "0 to"}},
      {run.file + " --influences", {"--influences", "--out"}},
      {run.file + " --out there.h5", {"there.h5", "is there already"}},
      {run.file + " --out no/such/folder/x.h5", {"no/such/folder"}},
      {run.file + " --against nowhere.h5", {"nowhere.h5"}},
      {run.file + " --against " + elsewhere, {"other data or another split"}},
      {run.file + " --data /nowhere", {"clusters"}},
  };
  const auto before = tree(run.path());
  for (const Case& c : cases) {
    BOOST_TEST_CONTEXT(c.line) {
      BOOST_TEST(not_refused(call(run, "attribute " + c.line), c.says) == "");
      BOOST_TEST((tree(run.path()) == before));
    }
  }
}
