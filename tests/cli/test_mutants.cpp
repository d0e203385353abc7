// Damaged and hostile HDF5 files: truncated, flipped, with sizes that lie. Whatever HDF5's own parser does with them, the
// program's reader says one line or reads the file.
//
//   test_mutants -- 50000      so many mutants of each kind (default 300)
#include <boost/test/unit_test.hpp>
#include <random>

#include "datasets/hdf5.hpp"
#include "experiments/cli/run_reader.hpp"
#include "experiments/cli/tuning.hpp"
#include "framework/core/errors.hpp"
#include "tests/cli/program.hpp"
#include "tests/support/count.hpp"
#include "tests/support/hdf5_arrays.hpp"

using namespace strata::testing;

namespace {

class Mutator {
 public:
  explicit Mutator(std::vector<std::string> files) : files_(std::move(files)) {}

  std::string next() {
    std::string file = files_[below(files_.size())];
    for (auto changes = 1 + below(4); changes > 0 && !file.empty(); --changes) change(file);
    return file;
  }

 private:
  std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }

  // Headers are few bytes among many: half of the changes go to the first part of the file or near a signature.
  std::size_t place(const std::string& file) {
    static constexpr const char* signatures[] = {"OHDR", "OCHK", "FRHP", "FHDB", "BTHD", "BTLF",
                                                 "GCOL", "FSHD", "SNOD", "TREE", "HEAP"};
    const auto kind = below(4);
    if (kind == 0) return below(file.size());
    if (kind == 1) return below(std::min<std::size_t>(file.size(), 2048));
    const auto found = file.find(signatures[below(std::size(signatures))], below(file.size()));
    return found == std::string::npos ? below(file.size()) : std::min(file.size() - 1, found + below(96));
  }

  void change(std::string& file) {
    static constexpr std::uint64_t sizes[] = {0,
                                              1,
                                              0x7f,
                                              0xff,
                                              0xffff,
                                              0x7fffffff,
                                              0x80000000,
                                              0xffffffff,
                                              std::uint64_t{1} << 40,
                                              0x7fffffffffffffff,
                                              0xffffffffffffffff};
    const std::size_t at = place(file);
    switch (below(8)) {
      case 0: file.resize(at); break;
      case 1: file.erase(at, 1 + below(64)); break;
      case 2: file.insert(at, std::string(1 + below(64), static_cast<char>(below(256)))); break;
      case 3: {
        const std::size_t from = below(file.size()),
                          length = std::min(1 + below(256), file.size() - std::max(at, from));
        file.replace(at, length, file.substr(from, length));
        break;
      }
      case 4: {
        const std::uint64_t size = sizes[below(std::size(sizes))];
        const std::size_t bytes = std::min<std::size_t>(std::size_t{1} << below(4), file.size() - at);
        file.replace(at, bytes, reinterpret_cast<const char*>(&size), bytes);
        break;
      }
      default: file[at] = static_cast<char>(file[at] ^ (1 << below(8)));
    }
  }

  std::mt19937_64 random_{11};
  std::vector<std::string> files_;
};

// Reads so many mutants by `read`, and a few by a command of the program: each is read, or refused with one line.
void read_mutants(const Scratch& in, Mutator& mutator, const std::function<void(const fs::path&)>& read,
                  const std::string& command) {
  const fs::path file = in / "mutant.h5";
  const int mutants = count_or(300);
  int good = 0;
  std::map<std::string, int> refused;
  for (int i = 0; i < mutants; ++i) {
    write(file, mutator.next());
    try {
      read(file);
      ++good;
    } catch (const strata::Error& e) {
      const std::string text = e.what();
      BOOST_TEST(!text.empty());
      BOOST_TEST(text.find('\n') == std::string::npos, text);
      BOOST_TEST(contains(text, "mutant.h5"), text);
      if (contains(text, "reading it takes")) BOOST_TEST_MESSAGE(text);
      refused[contains(text, "crashes")            ? "HDF5 crashed"
              : contains(text, "reading it takes") ? "beyond limits"
                                                   : "refused"]++;
    }
    if (i % 100 == 0) {  // and as a user would
      const Outcome o = call(in, command);
      BOOST_TEST(((o.code == 0 && o.err.empty()) || not_refused(o, {"mutant.h5"}, o.code) == ""), o.err);
      BOOST_TEST(!o.killed);
    }
  }
  BOOST_TEST(refused["refused"] > 0);
  std::string counts;
  for (const auto& [what, count] : refused) counts += strata::cat(", ", count, " ", what);
  BOOST_TEST_MESSAGE(strata::cat(mutants, " mutants: ", good, " read", counts));
}

}  // namespace

BOOST_AUTO_TEST_CASE(mutants_of_run_files) {
  const strata::cli::RunReader reader({.seconds = 1, .bytes = std::size_t{512} << 20});
  const Scratch in;
  BOOST_REQUIRE(
      call(in,
           "run --dataset clusters --hidden 70x2 --rule dtp --epochs 2 --examples 8 --neurons 4 --permuted 2 --out out")
          .code == 0);
  BOOST_REQUIRE(call(in, "run --dataset clusters --hidden 8 --epochs 1 --snapshots none --out small").code == 0);
  BOOST_REQUIRE(
      call(in, "attribute " + only_run(in / "out").string() + " --examples 8 --neurons 4 --permuted 0 --out a.h5")
          .code == 0);
  Mutator mutator({content(only_run(in / "out")), content(only_run(in / "small")), content(in / "a.h5")});
  BOOST_TEST(!reader.describe(in / "a.h5").empty());

  read_mutants(
      in, mutator, [&](const fs::path& file) { reader.read(file, true); }, "validate mutant.h5");
}

BOOST_AUTO_TEST_CASE(mutants_of_trials) {
  const strata::cli::RunReader reader({.seconds = 1, .bytes = std::size_t{512} << 20});
  const Scratch in;
  BOOST_REQUIRE(call(in, "tune --dataset clusters --hidden 4 --epochs 1 --rules fa,dfa --trials 3 --out s").code == 0);
  Mutator mutator({content(in / "s/trials.h5")});
  read_mutants(
      in, mutator, [&](const fs::path& file) { reader.read_trials(file); }, "validate mutant.h5");
}

// Arrays as other programs write them: in one piece, in chunks, compressed, beside other things.
BOOST_AUTO_TEST_CASE(mutants_of_data_files) {
  const strata::ChildWalker walker([](const fs::path& file) { return strata::load_hdf5_dataset(file).checksum; },
                                   {.seconds = 1, .bytes = std::size_t{512} << 20});
  const Scratch in;
  constexpr int examples = 30;
  std::vector<float> x;
  std::vector<std::uint8_t> bytes;
  std::vector<std::int64_t> y;
  for (int i = 0; i < examples; ++i) {
    y.push_back(i % 3);
    for (int k = 0; k < 12; ++k) {
      x.push_back(static_cast<float>(i * k) / 16);
      bytes.push_back(static_cast<std::uint8_t>(i * k));
    }
  }
  {
    const ArrayFile file(in / "plain.h5");
    file.add("x", {examples, 12}, x);
    file.add("y", {examples}, y);
    const Chunks chunks({8, 3, 2}), one({7}, 0);
    const ArrayFile packed(in / "packed.h5");
    packed.add("x_train", {examples, 3, 4}, bytes, chunks.id());
    packed.add("y_train", {examples}, y, one.id());
    packed.add("x_test", {examples, 3, 4}, bytes, chunks.id(), H5T_STD_U8BE);
    packed.add("y_test", {examples, 1}, y, H5P_DEFAULT, H5T_STD_U16BE);
    packed.add<double>("more", {}, {1});
    H5Gclose(H5Gcreate2(packed.id(), "group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  }
  BOOST_TEST(walker(in / "plain.h5") != walker(in / "packed.h5"));
  Mutator mutator({content(in / "plain.h5"), content(in / "packed.h5")});
  read_mutants(
      in, mutator,
      [&](const fs::path& file) {
        walker(file);
        strata::load_hdf5_dataset(file);  // what the child came through, so do we
      },
      "run --dataset mutant.h5 --dry-run --batch 4");
}
