// Weights that go from run to run, and out to numpy and back: `--weights`, `strata export`, `strata import`.
#include <csignal>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "datasets/npz.hpp"
#include "framework/io/run_file.hpp"
#include "tests/cli/refused.hpp"

using namespace strata::testing;
using strata::Matrix;
using strata::NamedMatrix;
using strata::RunRecord;

namespace {

constexpr const char* net = "run --dataset clusters --hidden 12x2 --snapshots none --quiet ";

/// A folder with a finished run in `strata-out`.
struct Source : Scratch {
  explicit Source(const std::string& options = "--rule fa --epochs 3 --save-weights last") {
    train(options);
    file = only_run(*this / "strata-out").string();
  }
  void train(const std::string& options) const {
    const Outcome o = call(*this, net + options);
    BOOST_REQUIRE_MESSAGE(o.code == 0, o.err);
  }
  /// The record of the only run in a folder of this one.
  RunRecord run(const std::string& out) const { return strata::read_run_file(only_run(*this / out), true); }
  std::string file;
};

Matrix weight(const RunRecord& r, const std::string& name) {
  for (const NamedMatrix& w : r.weights) {
    if (w.name == name) return w.value;
  }
  throw std::runtime_error("no weight " + name);
}

std::vector<NamedMatrix> forward(const RunRecord& r) {
  auto weights = r.weights;
  std::erase_if(weights, [](const NamedMatrix& w) { return w.group != "forward"; });
  return weights;
}

std::string text(const RunRecord& r, const std::string& name) { return r.provenance.at(name).get<std::string>(); }

}  // namespace

BOOST_AUTO_TEST_CASE(a_run_starts_where_the_other_ended) {
  for (const std::string which : {"last", "best"}) {
    const Source source("--rule fa --epochs 3 --lr 3e-2 --save-weights " + which);
    const RunRecord first = source.run("strata-out");
    const auto end = static_cast<std::size_t>(which == "last" ? 3 : first.best_epoch);
    source.train("--rule dtp --seed 5 --epochs 1 --out on --weights " + source.file);
    const RunRecord second = source.run("on");
    BOOST_TEST(second.training[0].validation_accuracy == first.training[end].validation_accuracy);
    BOOST_TEST(second.training[0].validation_loss == first.training[end].validation_loss);
    BOOST_TEST(second.training[0].validation_loss != first.training[0].validation_loss);
    BOOST_TEST(second.training[1].validation_loss != second.training[0].validation_loss);
    BOOST_TEST(text(second, "weights_file") == fs::path(source.file).filename().string());
    BOOST_TEST(text(second, "weights_taken") == "forward");
    BOOST_TEST(text(second, "weights_drawn") == "inverse");
  }
}

// Parameters behind a layer and running statistics go along, in run files and in .npz.
BOOST_AUTO_TEST_CASE(a_net_with_batch_norm_goes_on_too) {
  const Scratch in;
  write(in / "net.json",
        R"({"schema":"strata-graph","schema_version":1,"input":[16],"output":"logits","nodes":[
            {"name":"h1","type":"dense","inputs":["input"],"units":8},
            {"name":"n1","type":"batch_norm","inputs":["h1"]},
            {"name":"a1","type":"relu","inputs":["n1"]},
            {"name":"logits","type":"dense","inputs":["a1"],"units":4}]})");
  const auto train = [&](const std::string& options) {
    const Outcome o = call(in, "run --dataset clusters --network net.json --snapshots none --quiet " + options);
    BOOST_REQUIRE_MESSAGE(o.code == 0, o.err);
  };
  train("--epochs 2 --save-weights last");
  const std::string file = only_run(in / "strata-out").string();
  const RunRecord first = strata::read_run_file(file, true);
  BOOST_TEST((weight(first, "n1.gamma").array() != 1).any());
  BOOST_TEST((weight(first, "n1.mean").array() != 0).all());
  BOOST_TEST((weight(first, "n1.variance").array() != 1).all());
  BOOST_REQUIRE(call(in, "export " + file + " --out it.npz").code == 0);
  train("--rule dfa --epochs 1 --out on --weights " + file);
  train("--rule dfa --epochs 1 --out again --weights it.npz");
  for (const char* out : {"on", "again"}) {
    const RunRecord second = strata::read_run_file(only_run(in / out));
    BOOST_TEST(second.training[0].validation_loss == first.training[2].validation_loss);
  }
}

BOOST_AUTO_TEST_CASE(what_a_rule_has_of_its_own_is_taken_where_it_fits) {
  const Source source;
  source.train("--rule fa --seed 5 --epochs 1 --out on --weights " + source.file);
  source.train("--rule fa --seed 5 --epochs 1 --out new");
  const Matrix theirs = weight(source.run("strata-out"), "feedback/h2.weight");
  BOOST_TEST((weight(source.run("on"), "feedback/h2.weight") == theirs));
  BOOST_TEST((weight(source.run("new"), "feedback/h2.weight") != theirs));
  BOOST_TEST(text(source.run("on"), "weights_taken") == "forward, feedback");
  BOOST_TEST(text(source.run("on"), "weights_drawn") == "");
}

BOOST_AUTO_TEST_CASE(every_run_of_a_comparison_starts_from_them) {
  const Source source;
  const Outcome o = call(source,
                         "compare --rules backprop,fa --seeds 2 --dataset clusters --hidden 12x2 --snapshots none "
                         "--epochs 1 --quiet --out grid --weights " +
                             source.file);
  BOOST_REQUIRE_MESSAGE(o.code == 0, o.err);
  const double loss = source.run("strata-out").training[3].validation_loss;
  const auto files = run_files(source / "grid");
  BOOST_TEST(files.size() == 4U);
  for (const fs::path& f : files) BOOST_TEST(strata::read_run_file(f).training[0].validation_loss == loss);
}

BOOST_AUTO_TEST_CASE(the_hash_covers_the_weights_and_without_them_stays) {
  const Source source;
  const std::string on = "--epochs 1 --out on --weights ";
  source.train(on + source.file);
  source.train(on + source.file);  // the same again: skipped
  BOOST_TEST(run_files(source / "on").size() == 1U);
  source.train("--epochs 1 --out on");
  BOOST_TEST(run_files(source / "on").size() == 2U);
  source.train("--rule fa --epochs 4 --save-weights last");  // the source goes on
  source.train(on + source.file);
  BOOST_TEST(run_files(source / "on").size() == 3U);
  // The same weights from elsewhere are the same run: what of them is taken counts, not where they lie.
  BOOST_REQUIRE(call(source, "export " + source.file + " --out same.npz").code == 0);
  source.train(on + "same.npz");
  BOOST_TEST(run_files(source / "on").size() == 3U);
}

BOOST_AUTO_TEST_CASE(stopped_and_gone_on_with_it_ends_with_the_same_bits) {
  const Source source;
  const std::string options = "--rule dtp --epochs 30 --weights " + source.file;
  source.train(options + " --out whole");
  {
    Running program(source.path(), words(net + options + " --out cut"));
    const fs::path runs = source / "cut" / "runs";
    BOOST_REQUIRE(program.until([&] { return run_files(source / "cut", ".checkpoint").size() == 1; }));
    program.signal(SIGINT);
    const Outcome o = program.wait();
    BOOST_REQUIRE_MESSAGE(o.code == 130, o.code << o.err);
  }
  source.train(options + " --out cut");
  BOOST_TEST(difference(only_run(source / "whole"), only_run(source / "cut")) == "");
}

BOOST_AUTO_TEST_CASE(export_and_back) {
  const Source source;
  const Outcome o = call(source, "export " + source.file);
  BOOST_REQUIRE_MESSAGE(o.code == 0, o.err);
  const std::string name = fs::path(source.file).stem().string() + ".npz";
  BOOST_TEST(lines(o.out) == (Words{"h1.weight [12, 16]", "h1.bias [12]", "h2.weight [12, 12]", "h2.bias [12]",
                                    "logits.weight [4, 12]", "logits.bias [4]", name}),
             boost::test_tools::per_element());
  BOOST_TEST(content(source / name) == strata::npz_bytes(forward(source.run("strata-out"))));
  source.train("--rule dfa --epochs 1 --out a --weights " + source.file);
  source.train("--rule dfa --epochs 1 --out b --weights " + name);
  BOOST_TEST(difference(only_run(source / "a"), only_run(source / "b")) == "");
}

BOOST_AUTO_TEST_CASE(an_import_can_be_validated_analysed_and_trained_on) {
  const Source source;
  auto weights = forward(source.run("strata-out"));
  for (NamedMatrix& w : weights) w.value *= 0.5F;
  write(source / "mine.npz", strata::npz_bytes(weights));
  const Outcome o = call(source, "import mine.npz --like " + source.file + " --out mine.h5");
  BOOST_REQUIRE_MESSAGE(o.code == 0, o.err);
  BOOST_TEST(contains(o.out, "mine.npz: 6 arrays, the network of fa-mlp-s0-"));
  const RunRecord mine = strata::read_run_file(source / "mine.h5", true);
  BOOST_TEST(mine.rule == "imported");
  BOOST_TEST((weight(mine, "h2.weight") == weights[2].value));
  BOOST_TEST(mine.hash != source.run("strata-out").hash);
  BOOST_TEST(call(source, "validate mine.h5").code == 0);
  const Outcome found = call(source, "attribute mine.h5 --permuted 0");
  BOOST_TEST(found.code == 0, found.err);
  BOOST_TEST(contains(found.out, "imported on mlp and clusters, seed 0: weights of epoch 0"));
  source.train("--epochs 1 --out a --weights mine.h5");
  source.train("--epochs 1 --out b --weights mine.npz");
  BOOST_TEST(difference(only_run(source / "a"), only_run(source / "b")) == "");
  BOOST_TEST(source.run("a").training[0].validation_loss == mine.training[0].validation_loss);
  BOOST_TEST(std::isfinite(mine.training[0].test_loss));
}

BOOST_AUTO_TEST_CASE(bad_weights_are_refused_and_nothing_is_written) {
  const Source source;
  const Source bare("--epochs 1 --save-weights none");
  const std::string damaged = content(source.file);
  write(source / "text.h5", "no HDF5");
  write(source / "cut.h5", damaged.substr(0, damaged.size() / 2));
  write(source / "cut.npz", strata::npz_bytes(forward(source.run("strata-out"))).substr(0, 700));
  write(source / "there.npz", "kept");
  const auto changed = [&](const std::string& name, auto change) {
    auto weights = forward(source.run("strata-out"));
    change(weights);
    write(source / name, strata::npz_bytes(weights));
  };
  changed("less.npz", [](auto& w) { w.erase(w.begin() + 2); });
  changed("more.npz", [](auto& w) { w.push_back({"h3.weight", "forward", Matrix::Zero(2, 3)}); });
  changed("turned.npz", [](auto& w) { w[0].value.transposeInPlace(); });
  changed("nan.npz", [](auto& w) { w[3].value(1, 0) = std::nanf(""); });
  changed("none.npz", [](auto& w) { w.clear(); });
  struct Case {
    std::string weights;
    Words says;
  };
  const std::vector<Case> cases = {
      {"nowhere.h5", {"--weights nowhere.h5", "no such file"}},
      {"strata-out", {"--weights strata-out"}},
      {"text.h5", {"--weights text.h5", "not an HDF5 file"}},
      {"cut.h5", {"--weights cut.h5"}},
      {bare.file, {"--weights " + bare.file, "holds no weights", "--save-weights best or last"}},
      {"cut.npz", {"--weights cut.npz", "is no whole .npz file"}},
      {"less.npz", {"has no 'h2.weight' (12 × 12), which the network mlp needs; it has h1.weight, h1.bias, h2.bias"}},
      {"more.npz", {"holds 'h3.weight' (2 × 3), which the network mlp has not"}},
      {"turned.npz", {"'h1.weight' is 16 × 12, the network mlp needs 12 × 16"}},
      {"nan.npz", {"'h2.bias' is not all finite"}},
      {"none.npz", {"has no 'h1.weight' (12 × 16)", "it has no arrays"}},
  };
  for (const Case& c : cases) check_refused(source, net + ("--out new --weights " + c.weights), c.says);
  check_refused(source, "run --dataset clusters --hidden 12x3 --quiet --weights " + source.file,
                {"has no 'h3.weight' (12 × 12), which the network mlp needs"});
  check_refused(source, "run --dataset clusters --hidden 12 --quiet --weights " + source.file,
                {"holds 'h2.weight' (12 × 12), which the network mlp has not"});
  check_refused(source, "run --dataset clusters --hidden 12,7 --quiet --weights " + source.file,
                {"'h2.weight' is 12 × 12, the network mlp needs 7 × 12"});

  check_refused(source, "export", {"export: expected one run file"});
  check_refused(source, "export " + source.file + " more", {"stray word 'more'"});
  check_refused(source, "export nowhere.h5", {"nowhere.h5", "no such file"});
  check_refused(source, "export " + bare.file, {"holds no weights"});
  check_refused(source, "export " + source.file + " --out there.npz", {"there.npz", "is there already"});
  check_refused(source, "export " + source.file + " --out no/such/x.npz", {"there is no folder no/such"});

  const std::string like = " --like " + source.file + " --out new.h5";
  check_refused(source, "import", {"import: expected one .npz file"});
  check_refused(source, "import more.npz", {"expected --like RUN.h5"});
  check_refused(source, "import more.npz --like " + source.file, {"expected --out NAME.h5"});
  check_refused(source, "import nowhere.npz" + like, {"nowhere.npz", "no such file"});
  check_refused(source, "import turned.npz" + like, {"'h1.weight' is 16 × 12", "needs 12 × 16"});
  check_refused(source, "import nan.npz" + like, {"'h2.bias' is not all finite"});
  check_refused(source, "import less.npz --out new.h5 --like " + bare.file, {"holds no weights"});
  check_refused(source, "import less.npz --out there.npz --like " + source.file, {"is there already"});
}
