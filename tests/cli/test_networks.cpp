// Networks of convolutions from the command line: by name, changed, in a comparison with and without skips, and refused with
// one line where they do not fit.
#include <boost/test/unit_test.hpp>

#include "tests/cli/refused.hpp"
#include "tests/support/hdf5_arrays.hpp"

using namespace strata::testing;

namespace {

const std::string quick = " --dataset mine.h5 --epochs 1 --batch 16 --snapshots none --quiet";

/// Pictures of 8 × 8 in so many colours, of three classes.
void write_pictures(const fs::path& path, unsigned colours, unsigned width = 8) {
  constexpr unsigned examples = 48;
  std::vector<float> x;
  for (unsigned i = 0; i < examples * colours * 8 * width; ++i) x.push_back(static_cast<float>(i * 7 % 11) / 11);
  std::vector<std::int32_t> y;
  for (unsigned i = 0; i < examples; ++i) y.push_back(static_cast<std::int32_t>(i % 3));
  const ArrayFile file(path);
  file.add("x", {examples, colours, 8, width}, x);
  file.add("y", {examples}, y);
}

}  // namespace

BOOST_AUTO_TEST_CASE(by_name_and_changed) {
  const Scratch in;
  write_pictures(in / "mine.h5", 3);
  for (const std::string network : {"lenet", "smallconv", "resnet8"}) {
    const Outcome o = call(in, "run --rule fa --network " + network + quick);
    BOOST_TEST(o.code == 0, o.err);
    BOOST_TEST(contains(o.out, "fa on " + network + " and hdf5, seed 0: complete"), o.out);
  }
  const Outcome graph = call(in, "run --print-graph --network resnet8 --skip none --norm group" + quick);
  BOOST_TEST(contains(graph.out, "\"group_norm\""), graph.out);
  BOOST_TEST(!contains(graph.out, "\"add\""), graph.out);
  // A graph file is the same net.
  write(in / "plain.json", graph.out);
  const Outcome file = call(in, "run --network plain.json" + quick);
  BOOST_TEST(file.code == 0, file.err);
}

BOOST_AUTO_TEST_CASE(plain_beside_skips) {
  const Scratch in;
  write_pictures(in / "mine.h5", 1);
  write(in / "nets.ini",
        "networks = small,small_skip\n"
        "[network.small]\narchitecture = smallconv\n"
        "[network.small_skip]\narchitecture = smallconv\nskip = 1:4\nskip-mode = fit\n");
  const Outcome o = call(in, "compare --config nets.ini --rules backprop,dtp --seeds 1" + quick);
  BOOST_TEST(o.code == 0, o.err);
  BOOST_TEST(contains(o.out, "small_skip"), o.out);
  BOOST_TEST(contains(o.out, "unsupported: it needs a chain of layers"), o.out);
}

// Analysed by neuron and by channel, and drawn as stacks of feature maps.
BOOST_AUTO_TEST_CASE(feature_maps_analysed_and_drawn) {
  const Scratch in;
  write_pictures(in / "mine.h5", 1);
  write(in / "nets.ini",
        "networks = small,small_skip\nsnapshots = last\n"
        "[network.small]\narchitecture = smallconv\n"
        "[network.small_skip]\narchitecture = smallconv\nskip = 1:4\nskip-mode = fit\n");
  const Outcome o = call(in,
                         "compare --config nets.ini --rules backprop --seeds 1 --dataset mine.h5 --epochs 1 --batch 16 "
                         "--quiet --out o --claim c3a,c3b");
  BOOST_TEST(o.code == 0, o.err);
  for (const char* part : {"By neuron", "By channel"}) {
    BOOST_TEST(o.out.find(part) != o.out.rfind(part), part << " is not there twice in\n" << o.out);
  }
  BOOST_TEST(call(in, "report o").code == 0);
  const std::string picture = content(in / "o/report/network-small.svg");
  BOOST_TEST(contains(picture, "h1: 1024 neurons, 16 maps of 8 × 8"), picture);
  BOOST_TEST(contains(picture, "logits: 3 neurons<"), picture);
  BOOST_TEST(contains(picture, " (channel "), picture);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit) {
  const Scratch in;
  write_pictures(in / "mine.h5", 3);
  write_pictures(in / "wide.h5", 3, 40);
  check_refused(in, "run --network lenett" + quick, {"'lenett'", "did you mean 'lenet'"});
  check_refused(in, "run --architecture resnet9" + quick, {"'resnet9'", "resnet8"});
  check_refused(in, "run --network lenet --hidden 4" + quick, {"--hidden", "lenet", "leave it out"});
  check_refused(in, "run --network lenet --norm bacth" + quick, {"--norm", "did you mean 'batch'"});
  check_refused(in, "run --network smallconv --skip 1:4" + quick,
                {"--skip 1:4", "[16, 8, 8]", "[32, 4, 4]", "--skip-mode project or fit"});
  check_refused(in, "run --network lenet --dataset wide.h5 --epochs 1 --batch 16", {"lenet", "[3, 8, 40]", "up to 32"});
  check_refused(in, "run --network lenet --dataset clusters --epochs 1 --batch 16", {"lenet", "images", "[16]"});
  // A graph for images of another size, with as many numbers.
  write(in / "net.json", R"({"schema":"strata-graph","schema_version":1,"input":[3,4,16],"nodes":[)"
                         R"({"name":"flat","type":"flatten","inputs":["input"]},)"
                         R"({"name":"logits","type":"dense","inputs":["flat"],"units":3}],"output":"logits"})");
  check_refused(in, "run --network net.json" + quick, {"[3, 4, 16]", "[3, 8, 8]"});
  write(in / "big.json", R"({"schema":"strata-graph","schema_version":1,"input":[3,8,8],"nodes":[)"
                         R"({"name":"h1","type":"conv2d","inputs":["input"],"channels":4,"size":9},)"
                         R"({"name":"flat","type":"flatten","inputs":["h1"]},)"
                         R"({"name":"logits","type":"dense","inputs":["flat"],"units":3}],"output":"logits"})");
  check_refused(in, "run --network big.json" + quick, {"'h1'", "9×9", "8×8"});
}
