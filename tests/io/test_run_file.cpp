// The file of a run: what is written comes back, a failed write harms nothing, and each kind of bad file is named.
#include <hdf5.h>
#include <hdf5_hl.h>
#include <signal.h>
#include <sys/resource.h>

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <sstream>

#include "framework/analysis/gauss_newton.hpp"
#include "framework/core/errors.hpp"
#include "framework/io/hdf5.hpp"
#include "framework/io/replace_file.hpp"
#include "framework/io/run_file.hpp"
#include "tests/support/data_group.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/message.hpp"

using namespace strata;
using strata::testing::content;
using strata::testing::Folder;
using strata::testing::mentions;
using strata::testing::message;
using strata::testing::same_groups;
using strata::testing::sample_group;
namespace fs = std::filesystem;

namespace {

/// A matrix whose entries tell their row and column: 100·row + column.
Matrix labelled(Index rows, Index cols) {
  return Matrix::NullaryExpr(rows, cols, [](Index i, Index j) { return Scalar(100 * i + j); });
}

/// A record of three layers with everything in it; every value differs from every other.
RunRecord sample(int epochs) {
  RunRecord r;
  r.rule = "fa";
  r.network = "mlp-ü";
  r.dataset = "fashion-mnist";
  r.seed = 2147483647;
  r.hash = "0123abcd";
  r.status = "complete";
  r.title = "“FA” on ∂L/∂W";
  r.history = "made by a test";
  r.source = "";
  r.layers = {"h1", "h2", "sortie-é"};
  r.layer_units = {5, 4, 3};
  r.layer_depth = {1, 2, 3};
  r.best_epoch = epochs > 0 ? epochs - 1 : -1;
  r.provenance["git_commit"] = "abc";
  r.provenance["empty"] = "";
  r.provenance["cores"] = 2;
  r.provenance["multiply_adds_per_step"] = 123456789012345;
  r.provenance["lr"] = 0.1;
  r.provenance["config"] = "[run]\nrule=fa\n" + std::string(70'000, '#');
  double next = 0.5;
  for (int e = 0; e < epochs; ++e) {
    EpochMetrics t{e, next, next + 1, NAN, next + 2, next + 3, next + 4, NAN, NAN, NAN, next + 5, next + 6};
    if (e + 1 >= epochs) t.test_loss = 9, t.test_accuracy = .75, t.test_seconds = .125, t.test_multiply_adds = 7;
    r.training.push_back(t);
    LayerMetrics row;
    row.epoch = e;
    for (const auto& field : layer_fields())
      for (std::size_t l = 0; l < r.layers.size(); ++l) (row.*field.values).push_back(next += 0.25);
    if (e == 0) row.update_norm.assign(3, NAN);
    r.layer_metrics.push_back(row);
    RuleMetrics probe{e, {{"angle(B,W)", {next, NAN, next + 1}}}};
    if (e == 1) probe.values.push_back({"mirror/loss", {1, 2, 3}});  // from the second epoch on, and only then
    r.rule_metrics.push_back(probe);
  }
  // Two groups that share the names of their axes, not the labels; and one of each type of axis, variable and note.
  r.analysis = {{"gradient",
                 {{"snapshot", std::vector<std::int32_t>{0, 2}, "epochs trained"},
                  {"layer", std::vector<std::string>{"h1", "h2"}, "layer of neurons"}},
                 {{"mean_abs", {"snapshot", "layer"}, std::vector<double>{.5, NAN, 2, 3}, "mean |dL/da|", "1"}},
                 {{"examples", 64}}},
                sample_group()};
  r.weights = {{"h1.weight", "forward", labelled(5, 7)},
               {"h1.bias", "forward", labelled(5, 1)},
               {"h2.weight", "forward", labelled(4, 5)},
               {"h1.B", "feedback", labelled(5, 3)},
               {"inverse/h2/dense.weight", "inverse", labelled(5, 4)},
               {"h3.weight", "forward", labelled(3, 1)},
               {"scale", "forward", labelled(1, 1)}};
  return r;
}

void same(double a, double b) {
  if (std::isnan(a)) BOOST_TEST(std::isnan(b));
  else BOOST_TEST(a == b, boost::test_tools::tolerance(0.0));
}

void same(const std::vector<double>& a, const std::vector<double>& b) {
  BOOST_TEST_REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) same(a[i], b[i]);
}

void same(const RunRecord& a, const RunRecord& b) {
  for (const auto field :
       {&RunRecord::rule, &RunRecord::network, &RunRecord::dataset, &RunRecord::hash, &RunRecord::status,
        &RunRecord::status_detail, &RunRecord::title, &RunRecord::history, &RunRecord::source})
    BOOST_TEST((a.*field) == (b.*field));
  BOOST_TEST(a.seed == b.seed);
  BOOST_TEST(a.best_epoch == b.best_epoch);
  BOOST_TEST(a.layers == b.layers, boost::test_tools::per_element());
  BOOST_TEST(a.layer_units == b.layer_units, boost::test_tools::per_element());
  BOOST_TEST(a.layer_depth == b.layer_depth, boost::test_tools::per_element());
  BOOST_TEST(a.provenance.dump() == b.provenance.dump());  // the order of the keys too
  BOOST_TEST_REQUIRE(a.training.size() == b.training.size());
  for (std::size_t e = 0; e < a.training.size(); ++e) {
    BOOST_TEST(a.training[e].epoch == b.training[e].epoch);
    for (const auto& field : training_fields())
      for (const auto member : field.values) same(a.training[e].*member, b.training[e].*member);
  }
  BOOST_TEST_REQUIRE(a.layer_metrics.size() == b.layer_metrics.size());
  for (std::size_t e = 0; e < a.layer_metrics.size(); ++e) {
    BOOST_TEST(a.layer_metrics[e].epoch == b.layer_metrics[e].epoch);
    for (const auto& field : layer_fields()) same(a.layer_metrics[e].*field.values, b.layer_metrics[e].*field.values);
  }
  BOOST_TEST_REQUIRE(a.analysis.size() == b.analysis.size());
  for (std::size_t i = 0; i < a.analysis.size(); ++i) same_groups(a.analysis[i], b.analysis[i]);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_record_comes_back) {
  const Folder folder;
  const auto path = folder / "fa-ü.h5";
  for (const int epochs : {0, 1, 3}) {
    BOOST_TEST_CONTEXT(epochs << " epochs") {
      const auto r = sample(epochs);
      write_run_file(path, r);
      same(r, read_run_file(path));
      BOOST_TEST(read_run_file(path).weights.empty());
      const auto info = validate_run_file(path);
      BOOST_TEST(info.rule == "fa");
      BOOST_TEST(info.network == "mlp-ü");
      BOOST_TEST(info.seed == 2147483647);
      BOOST_TEST(info.status == "complete");
      BOOST_TEST(info.epochs == std::max(0, epochs - 1));
      BOOST_TEST(info.best_epoch == r.best_epoch);
      BOOST_TEST(info.layers == 3u);
      BOOST_TEST(info.weights == 7u);
      BOOST_TEST(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(probes_come_back_with_nan_where_missing) {
  const Folder folder;
  const auto path = folder / "a.h5";
  auto r = sample(3);
  write_run_file(path, r);
  const auto back = read_run_file(path).rule_metrics;
  BOOST_TEST_REQUIRE(back.size() == 3u);
  for (std::size_t e = 0; e < 3; ++e) {
    BOOST_TEST_REQUIRE(back[e].values.size() == 2u);
    BOOST_TEST(back[e].values[0].first == "angle(B,W)");
    BOOST_TEST(back[e].values[1].first == "mirror/loss");
    same(r.rule_metrics[e].values[0].second, back[e].values[0].second);
    same(e == 1 ? std::vector<double>{1, 2, 3} : std::vector<double>(3, NAN), back[e].values[1].second);
  }
  for (auto& row : r.rule_metrics) row.values.clear();
  write_run_file(path, r);
  BOOST_TEST(!h5::open_file(path).has_group("rule"));
}

BOOST_AUTO_TEST_CASE(weights_come_back_the_right_way_round) {
  const Folder folder;
  const auto path = folder / "a.h5";
  const auto r = sample(1);
  write_run_file(path, r);
  const auto back = read_run_file(path, true).weights;
  BOOST_TEST_REQUIRE(back.size() == r.weights.size());
  for (std::size_t i = 0; i < back.size(); ++i) {
    BOOST_TEST(back[i].name == r.weights[i].name);
    BOOST_TEST(back[i].group == r.weights[i].group);
    BOOST_TEST_REQUIRE(back[i].value.rows() == r.weights[i].value.rows());
    BOOST_TEST_REQUIRE(back[i].value.cols() == r.weights[i].value.cols());
    BOOST_TEST((back[i].value == r.weights[i].value));
  }
  // In the file: row-major, outputs × inputs, in nested groups, every axis with a scale of its own length.
  const auto weights = h5::open_file(path).open("weights");
  const auto h1 = weights.open("h1");
  BOOST_TEST(h1.doubles("weight")[1] == 1);    // row 0, column 1
  BOOST_TEST(h1.doubles("weight")[7] == 100);  // row 1, column 0
  BOOST_TEST(h1.axes("weight")[0].scale == "/weights/h1/outputs");
  BOOST_TEST(h1.axes("weight")[1].scale == "/weights/h1/inputs");
  BOOST_TEST(h1.axes("weight")[1].size == 7u);
  BOOST_TEST(h1.axes("B")[1].scale == "/weights/h1/B_inputs");
  BOOST_TEST(h1.axes("bias").size() == 1u);
  BOOST_TEST(h1.text("group") == "forward, feedback");
  BOOST_TEST(h1.text("group", "B") == "feedback");
  BOOST_TEST(weights.open("h3").axes("weight").size() == 2u);  // a weight stays a matrix, with one input too
  BOOST_TEST(weights.open("inverse").open("h2").open("dense").text("group") == "inverse");
  BOOST_TEST(mentions(h1.text("long_name", "weight"), "row = output, column = input"));
}

BOOST_AUTO_TEST_CASE(what_the_analysis_found_comes_back) {
  const Folder folder;
  const auto path = folder / "a.h5";
  auto r = sample(1);
  write_run_file(path, r);
  const auto root = h5::open_file(path);
  const auto gradient = root.open("gradient");
  BOOST_TEST(gradient.integer("examples") == 64);
  BOOST_TEST(gradient.text("units", "mean_abs") == "1");
  BOOST_TEST(gradient.axes("mean_abs")[1].scale == "/gradient/layer");  // its own, beside that of /layers
  BOOST_TEST(gradient.strings("layer").size() == 2U);
  const auto groups = root.groups();  // readers find them between what was measured and the weights
  BOOST_TEST(groups == (std::vector<std::string>{"provenance", "training", "layers", "rule", "gradient", "sample-ü",
                                                 "weights"}),
             boost::test_tools::per_element());
  // A variable of four bytes keeps them: the file is the same after reading and writing it.
  const std::string bytes = content(path);
  write_run_file(path, read_run_file(path, true));
  BOOST_TEST((content(path) == bytes));

  r.analysis.clear();
  write_run_file(path, r);
  BOOST_TEST(!h5::open_file(path).has_group("gradient"));
  r.analysis = {sample_group(), sample_group()};
  BOOST_CHECK_THROW(write_run_file(path, r), IoError);  // two of one name
}

// Files from before multiply-adds were counted have none; all else has to be there.
BOOST_AUTO_TEST_CASE(files_without_multiply_adds_are_read) {
  const Folder folder;
  const auto path = folder / "a.h5";
  auto r = sample(2);
  const auto without = [&](const char* variable) {
    write_run_file(path, r);
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    BOOST_TEST_REQUIRE(file >= 0);
    BOOST_TEST(H5Ldelete(file, variable, H5P_DEFAULT) >= 0);
    H5Fclose(file);
  };
  without("training/multiply_adds");
  const auto back = read_run_file(path).training;
  BOOST_TEST_REQUIRE(back.size() == 2U);
  for (std::size_t e = 0; e < 2; ++e) {
    BOOST_TEST(std::isnan(back[e].train_multiply_adds));
    BOOST_TEST(back[e].train_loss == r.training[e].train_loss);
  }
  for (auto& row : r.training) row.train_multiply_adds = row.validation_multiply_adds = row.test_multiply_adds = NAN;
  without("training/multiply_adds");
  BOOST_TEST(validate_run_file(path).rule == "fa");  // as it was written: the checksum fits
  without("training/loss");
  BOOST_TEST(mentions(message<DataError>([&] { read_run_file(path); }), "has no variable 'loss'"));
}

BOOST_AUTO_TEST_CASE(angles_say_what_they_are) {
  const Folder folder;
  const auto path = folder / "a.h5";
  write_run_file(path, sample(1));
  const auto layers = h5::open_file(path).open("layers");
  for (const std::string name : {"angle_to_backprop", "angle_to_gauss_newton"}) {
    BOOST_TEST(layers.text("units", name) == "degree");
    BOOST_TEST(layers.axes(name).size() == 2U);
  }
  const std::string newton = layers.text("long_name", "angle_to_gauss_newton");
  BOOST_TEST(mentions(newton, "Gauss-Newton step on activations"));
  BOOST_TEST(mentions(newton, "J'(JJ' + cI)^-1 e"));
  BOOST_TEST(mentions(newton, cat("c = ", gauss_newton_damping, " trace(JJ')/outputs")));
}

BOOST_AUTO_TEST_CASE(odd_values_are_kept_or_refused) {
  const Folder folder;
  const auto path = folder / "a.h5";
  auto r = sample(2);
  r.status = "diverged";
  r.status_detail = "loss is NaN at epoch 2";
  r.seed = -1;
  r.provenance = {{"seed", 7}, {"dirty", true}, {"list", {1, 2}}, {"nothing", nullptr}, {"huge", ~std::uint64_t{0}}};
  r.layer_metrics[1].backprop_norm.clear();
  write_run_file(path, r);
  const auto back = read_run_file(path);
  BOOST_TEST(back.status_detail == r.status_detail);
  BOOST_TEST(back.seed == -1);
  BOOST_TEST(back.provenance.dump() == R"({"dirty":1,"list":"[1,2]","nothing":"null","huge":1.8446744073709552e+19})");
  same(back.layer_metrics[1].backprop_norm, std::vector<double>(3, NAN));

  auto ragged = sample(2);
  ragged.layer_metrics[1].grad_norm.pop_back();
  BOOST_TEST(message<ShapeError>([&] { write_run_file(path, ragged); }) ==
             "grad_norm at epoch 1 has 2 values; expected one for each of the 3 layers");
  ragged = sample(2);
  ragged.layer_units.pop_back();
  BOOST_CHECK_THROW(write_run_file(path, ragged), ShapeError);
  ragged = sample(2);
  ragged.rule_metrics[1].values.push_back(ragged.rule_metrics[1].values[0]);
  BOOST_CHECK_THROW(write_run_file(path, ragged), InputError);
  BOOST_TEST(read_run_file(path).status == "diverged");  // what stood there still does
}

BOOST_AUTO_TEST_CASE(an_existing_file_survives_a_failed_write) {
  const Folder folder;
  const auto path = folder / "a.h5";
  write_run_file(path, sample(2));
  const std::string before = content(path);
  rlimit old;
  ::getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{4096, old.rlim_max};
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string error = message<IoError>([&] { write_run_file(path, sample(3)); });
  ::setrlimit(RLIMIT_FSIZE, &old);
  ::signal(SIGXFSZ, handler);
  BOOST_TEST(error == path.string() + ": cannot write: File too large");
  BOOST_TEST((content(path) == before));
  BOOST_TEST(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 1);
  write_run_file(path, sample(3));  // and the next attempt succeeds
  BOOST_TEST(read_run_file(path).training.size() == 3u);
}

BOOST_AUTO_TEST_CASE(equal_records_give_equal_bytes) {
  const Folder folder;
  write_run_file(folder / "a.h5", sample(3));
  write_run_file(folder / "b.h5", sample(3));
  BOOST_TEST((content(folder / "a.h5") == content(folder / "b.h5")));
}

BOOST_AUTO_TEST_CASE(bad_files_are_named) {
  const Folder folder;
  const auto path = folder / "a.h5";
  const auto expect = [&](const std::string& part) {
    for (const auto& error :
         {message<DataError>([&] { read_run_file(path); }), message<DataError>([&] { validate_run_file(path); })}) {
      BOOST_TEST(error.starts_with(path.string() + ": "));
      BOOST_TEST(mentions(error, part));
    }
  };
  expect("no such file");
  write_run_file(path, sample(2));
  const std::string good = content(path);
  const std::size_t size = good.size();
  for (const std::size_t length : {std::size_t{5}, std::size_t{30}, std::size_t{200}, size / 3, size - 1}) {
    BOOST_TEST_CONTEXT(length << " of " << size << " bytes") {
      replace_file(path, good.substr(0, length));
      expect("is truncated or damaged");
    }
  }
  replace_file(path, "");
  expect("is empty");
  replace_file(path, "this is text, and more of it than a superblock is long ............................");
  expect("is not an HDF5 file");

  const auto with = [&](auto change) {
    const auto root = h5::new_file();
    change(root);
    replace_file(path, root.image());
  };
  with([](const h5::Group& root) { root.set("title", "somebody else's"); });
  expect("no Strata file");
  with([](const h5::Group& root) { root.set("schema", "strata-summary"); });
  expect("holds 'strata-summary'; expected 'strata-run'");
  with([](const h5::Group& root) { root.set("schema", 1); });
  BOOST_CHECK_THROW(read_run_file(path), DataError);
  with([](const h5::Group& root) { root.set("schema", "strata-run"), root.set("schema_version", 2); });
  expect("has schema_version 2, this program reads 1; read it with the newer Strata");
  with([](const h5::Group& root) { root.set("schema", "strata-run"), root.set("schema_version", 0); });
  expect("has schema_version 0, this program reads 1");
  with([](const h5::Group& root) { root.set("schema", "strata-run"), root.set("schema_version", 1); });
  BOOST_TEST(mentions(message<DataError>([&] { read_run_file(path); }), "@title: no such attribute"));
}

BOOST_AUTO_TEST_CASE(validation_looks_deeper_than_reading) {
  const Folder folder;
  const auto path = folder / "a.h5";
  const auto expect = [&](const RunRecord& r, const std::string& part) {
    write_run_file(path, r);
    read_run_file(path);
    BOOST_TEST(mentions(message<DataError>([&] { validate_run_file(path); }), part));
  };
  auto r = sample(2);
  r.status = "completed";
  expect(r, "unknown status 'completed' (did you mean 'complete'?)");
  r = sample(2);
  r.best_epoch = 5;
  expect(r, "@best_epoch: 5 is not an epoch of /training");

  r = sample(2);
  r.training[1].epoch = 0;
  BOOST_TEST(mentions(message<DataError>([&] { write_run_file(path, r); }), "not in rising order"));

  // An axis that has lost its scale.
  write_run_file(path, sample(2));
  const hid_t damaged = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t loss = H5Dopen2(damaged, "training/loss", H5P_DEFAULT);
  const hid_t epoch = H5Dopen2(damaged, "training/epoch", H5P_DEFAULT);
  BOOST_TEST(H5DSdetach_scale(loss, epoch, 0) >= 0);
  for (const hid_t dataset : {loss, epoch}) H5Dclose(dataset);
  H5Fclose(damaged);
  BOOST_TEST(mentions(message<DataError>([&] { read_run_file(path); }),
                      ":/training/loss: expected the axes epoch × split with their scales"));

  // A variable that somebody added to a group of ours: without a scale, then with one from a sibling group, so that
  // netCDF cannot open the group.
  for (const bool sibling : {false, true}) {
    write_run_file(path, sample(2));
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t group = H5Gopen2(file, "training", H5P_DEFAULT);
    const hsize_t length = 3;
    const hid_t space = H5Screate_simple(1, &length, nullptr);
    const hid_t added = H5Dcreate2(group, "added", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const double zero[3] = {};
    H5Dwrite(added, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, zero);
    const hid_t scale = H5Dopen2(file, "layers/layer", H5P_DEFAULT);
    if (sibling) BOOST_TEST(H5DSattach_scale(added, scale, 0) >= 0);
    for (const hid_t dataset : {added, scale}) H5Dclose(dataset);
    H5Sclose(space);
    H5Gclose(group);
    H5Fclose(file);
    read_run_file(path);
    BOOST_TEST(mentions(message<DataError>([&] { validate_run_file(path); }),
                        sibling ? ":/training/added: its scale /layers/layer is in neither its group nor a parent"
                                : ":/training/added: an axis has no dimension scale"));
  }

  // A group and an attribute of somebody's own are no business of ours.
  write_run_file(path, sample(2));
  const hid_t annotated = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  const hid_t notes = H5Gcreate2(annotated, "notes", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  BOOST_TEST(H5LTset_attribute_string(annotated, "/", "seen_by", "me") >= 0);
  const hsize_t three = 3;
  const double numbers[3] = {};
  BOOST_TEST(H5LTmake_dataset_double(notes, "numbers", 1, &three, numbers) >= 0);
  H5Gclose(notes);
  H5Fclose(annotated);
  BOOST_TEST(validate_run_file(path).status == "complete");

  // A flipped byte in data that lie open is found by the checksum.
  write_run_file(path, sample(2));
  std::string open = content(path);
  const double loss_value = sample(2).training[1].validation_loss;
  const auto lies = open.find(std::string(reinterpret_cast<const char*>(&loss_value), sizeof loss_value));
  BOOST_TEST_REQUIRE(lies != std::string::npos);
  open[lies + 3] ^= 1;
  replace_file(path, open);
  read_run_file(path);
  BOOST_TEST(mentions(message<DataError>([&] { validate_run_file(path); }), "does not fit its checksum"));

  // A flipped byte in compressed data is found by reading it all, in a superblock or header by its checksum.
  r = sample(2);
  r.weights = {{"h1.weight", "forward", Matrix::Random(100, 100)}};
  write_run_file(path, r);
  std::string bytes = content(path);
  const auto packed = bytes.find("\x78\x5e");  // a zlib stream at level 4
  BOOST_TEST_REQUIRE(packed != std::string::npos);
  bytes[packed + 1000] ^= 0x55;
  replace_file(path, bytes);
  BOOST_TEST(mentions(message<DataError>([&] { validate_run_file(path); }), "/weights/h1/weight: cannot read"));
}
