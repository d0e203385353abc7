// summary.csv and summary.h5: the right epoch's value in the right cell, NaN elsewhere, nothing overwritten silently.

#include <boost/test/unit_test.hpp>
#include <cmath>
#include <fstream>
#include <sstream>

#include "framework/core/errors.hpp"
#include "framework/io/hdf5.hpp"
#include "framework/io/run_file.hpp"
#include "framework/io/summary.hpp"
#include "tests/support/folder.hpp"

using namespace strata;
using strata::testing::content;
using strata::testing::Folder;
namespace fs = std::filesystem;

namespace {

/// Epochs 0 … last: train_loss 10 − epoch, validation accuracy epoch / 8, grad_norm seed + epoch / 8 + layer / 64.
RunRecord run(const std::string& rule, int seed, int last, std::vector<std::string> layers = {"h1", "out"}) {
  RunRecord r;
  r.rule = rule;
  r.network = "mlp";
  r.dataset = "toy";
  r.seed = seed;
  r.hash = "aa";
  r.status = "complete";
  r.layers = std::move(layers);
  for (std::size_t l = 0; l < r.layers.size(); ++l) {
    r.layer_units.push_back(static_cast<std::int32_t>(10 * l + 10));
    r.layer_depth.push_back(static_cast<std::int32_t>(l + 1));
  }
  for (int e = 0; e <= last; ++e) {
    r.training.push_back({e, 10.0 - e, .5, 1, 2, e / 8.0, .25, NAN, NAN, NAN});
    LayerMetrics row;
    row.epoch = e;
    for (const auto& field : layer_fields()) (row.*field.values).assign(r.layers.size(), NAN);
    for (std::size_t l = 0; l < r.layers.size(); ++l) row.grad_norm[l] = seed + e / 8.0 + double(l) / 64;
    r.layer_metrics.push_back(row);
  }
  r.best_epoch = last - 1;
  if (last > 0) r.training[static_cast<std::size_t>(last) - 1].test_accuracy = .75;
  r.training.back().test_accuracy = .625;
  return r;
}

template <class T> using list = std::vector<T>;

}  // namespace

BOOST_AUTO_TEST_CASE(a_row_takes_each_value_from_its_epoch) {
  const auto row = summary_row(run("fa", 3, 4), "f.h5");
  BOOST_TEST(row.rule == "fa");
  BOOST_TEST(row.seed == 3);
  BOOST_TEST(row.epochs == 4);
  BOOST_TEST(row.best_epoch == 3);
  BOOST_TEST(row.train_loss == 6);
  BOOST_TEST(row.val_accuracy == 3 / 8.0);
  BOOST_TEST(row.test_accuracy == .75);
  BOOST_TEST(row.test_accuracy_last == .625);
  BOOST_TEST(row.seconds == 5 * 1.25);
  const auto empty = summary_row(RunRecord{}, "");
  BOOST_TEST(empty.epochs == 0);
  for (const double value :
       {empty.train_loss, empty.val_accuracy, empty.test_accuracy, empty.test_accuracy_last, empty.seconds})
    BOOST_TEST(std::isnan(value));
}

BOOST_AUTO_TEST_CASE(csv_is_exact_quoted_and_empty_where_nan) {
  const Folder folder;
  auto odd = summary_row(run("a,b", 0, 2), "say \"hi\".h5");
  odd.network = "two\nlines";
  odd.val_accuracy = 0.1;
  auto none = summary_row(run("fa", -1, 0), "ü.h5");
  none.test_accuracy_last = NAN;
  write_summary_csv(folder / "summary.csv", {odd, none});
  BOOST_TEST(content(folder / "summary.csv") ==
             "rule,network,dataset,seed,status,epochs,best_epoch,train_loss,val_accuracy,test_accuracy,"
             "test_accuracy_last,seconds,file\n"
             "\"a,b\",\"two\nlines\",toy,0,complete,2,1,8,0.1,0.75,0.625,3.75,\"say \"\"hi\"\".h5\"\n"
             "fa,mlp,toy,-1,complete,0,,10,,,,1.25,ü.h5\n");
  write_summary_csv(folder / "summary.csv", {});
  BOOST_TEST(content(folder / "summary.csv").ends_with(",seconds,file\n"));
  BOOST_TEST(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 1);
  BOOST_CHECK_THROW(write_summary_csv(folder / "none" / "summary.csv", {}), IoError);
}

BOOST_AUTO_TEST_CASE(the_file_has_each_value_in_its_cell) {
  const Folder folder;
  const auto path = folder / "summary.h5";
  auto deep = run("fa", 0, 1, {"c1", "c2", "out"});
  deep.network = "deep";
  write_summary_file(path, {run("backprop", 0, 3), run("backprop", 1, 2), run("fa", 1, 0), deep});
  const auto root = h5::open_file(path);
  BOOST_TEST(root.text("schema") == "strata-summary");
  BOOST_TEST(root.integer("schema_version") == 1);
  BOOST_TEST(root.strings("rule") == (list<std::string>{"backprop", "fa"}), boost::test_tools::per_element());
  BOOST_TEST(root.strings("network") == (list<std::string>{"mlp", "deep"}), boost::test_tools::per_element());
  BOOST_TEST(root.integers("seed") == (list<int>{0, 1}), boost::test_tools::per_element());
  BOOST_TEST(root.integers("epoch") == (list<int>{0, 1, 2, 3}), boost::test_tools::per_element());
  BOOST_TEST(root.integers("layer") == (list<int>{1, 2, 3}), boost::test_tools::per_element());
  BOOST_TEST(root.strings("layer_name") == (list<std::string>{"h1", "out", "", "c1", "c2", "out"}),
             boost::test_tools::per_element());
  BOOST_TEST(root.doubles("units_in_layer")[1] == 20);
  BOOST_TEST(std::isnan(root.doubles("depth")[2]));

  const auto grad = root.doubles("grad_norm");
  BOOST_TEST_REQUIRE(grad.size() == 2u * 2 * 2 * 4 * 3);
  for (std::size_t i = 0; i < grad.size(); ++i) {
    const std::size_t layer = i % 3, epoch = i / 3 % 4, seed = i / 12 % 2, network = i / 24 % 2, rule = i / 48;
    const bool there = (rule == 0 && network == 0 && layer < 2 && epoch <= (seed == 0 ? 3u : 2u)) ||
                       (rule == 1 && network == 0 && layer < 2 && seed == 1 && epoch == 0) ||
                       (rule == 1 && network == 1 && seed == 0 && epoch <= 1);
    BOOST_TEST_CONTEXT("rule " << rule << " network " << network << " seed " << seed << " epoch " << epoch) {
      if (there) BOOST_TEST(grad[i] == double(seed) + double(epoch) / 8 + double(layer) / 64);
      else BOOST_TEST(std::isnan(grad[i]));
    }
  }
  BOOST_TEST(root.doubles("train_loss")[2] == 8);
  BOOST_TEST(root.doubles("validation_accuracy")[3] == 3 / 8.0);
  BOOST_TEST(root.doubles("test_accuracy")[1] == .75);
  BOOST_TEST(root.doubles("test_accuracy_last")[1] == .625);
  BOOST_TEST(root.doubles("best_epoch")[1] == 1);
  BOOST_TEST(root.strings("status")[1] == "complete");
  BOOST_TEST(root.strings("status")[2] == "");
  for (const auto& name : root.datasets())
    for (const auto& axis : root.axes(name)) BOOST_TEST(!axis.scale.empty(), name);
}

BOOST_AUTO_TEST_CASE(different_things_keep_apart) {
  const Folder folder;
  const auto path = folder / "summary.h5";
  const auto labels = [&](const std::vector<RunRecord>& records, const char* axis) {
    write_summary_file(path, records);
    return h5::open_file(path).strings(axis);
  };
  auto other = run("fa", 0, 2);
  other.hash = "bb";
  // The whole of fa on mlp is told apart by hash; backprop is not.
  BOOST_TEST(labels({run("fa", 0, 2), run("fa", 1, 2), other, run("backprop", 0, 1)}, "rule") ==
                 (list<std::string>{"fa@aa", "fa@bb", "backprop"}),
             boost::test_tools::per_element());
  BOOST_TEST(std::isnan(h5::open_file(path).doubles("test_accuracy")[3]));  // fa@bb has no seed 1
  auto data = run("fa", 0, 2);
  data.dataset = "iris";
  BOOST_TEST(labels({run("fa", 0, 2), data}, "network") == (list<std::string>{"mlp@toy", "mlp@iris"}),
             boost::test_tools::per_element());
  BOOST_TEST(
      labels({run("fa", 0, 2), run("fa", 0, 2, {"h1", "h2", "out"})}, "network") == (list<std::string>{"mlp", "mlp#2"}),
      boost::test_tools::per_element());
  BOOST_CHECK_THROW(write_summary_file(path, {run("fa", 0, 2), run("fa", 0, 3)}), InputError);
  BOOST_TEST(h5::open_file(path).strings("network").size() == 2u);  // untouched by the refusal
}

BOOST_AUTO_TEST_CASE(no_runs_and_runs_without_epochs) {
  const Folder folder;
  const auto path = folder / "summary.h5";
  write_summary_file(path, {});
  BOOST_TEST(h5::open_file(path).doubles("grad_norm").empty());
  auto r = run("fa", 0, 0);
  r.training.clear();
  r.layer_metrics.clear();
  write_summary_file(path, {r});
  BOOST_TEST(std::isnan(h5::open_file(path).doubles("test_accuracy")[0]));
}
