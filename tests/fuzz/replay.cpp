// The corpus of the fuzzers, read by every build: what was found once stays fixed where there is no libFuzzer.
#include <boost/test/unit_test.hpp>

#include "tests/fuzz/fuzz.hpp"
#include "tests/support/folder.hpp"

using namespace strata::testing;
using strata::fuzz::Bytes;

namespace {

Bytes bytes(const std::string& text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

void replay(const std::string& name, void (*target)(Bytes)) {
  std::size_t inputs = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(STRATA_FUZZ_CORPUS) / name)) {
    BOOST_TEST_CONTEXT(entry.path()) { BOOST_CHECK_NO_THROW(target(bytes(content(entry.path())))); }
    ++inputs;
  }
  BOOST_TEST(inputs > 0, "there is no corpus for " << name);
}

}  // namespace

BOOST_AUTO_TEST_CASE(idx) { replay("idx", strata::fuzz::idx); }
BOOST_AUTO_TEST_CASE(npy) { replay("npy", strata::fuzz::npy); }
BOOST_AUTO_TEST_CASE(npz) { replay("npz", strata::fuzz::npz); }
BOOST_AUTO_TEST_CASE(graph) { replay("graph", strata::fuzz::graph); }
BOOST_AUTO_TEST_CASE(ini) { replay("ini", strata::fuzz::ini); }

// Too large for the corpus: what would take the whole stack, or a time that grows with the square of the length.
BOOST_AUTO_TEST_CASE(deeply_nested_graph) {
  BOOST_CHECK_NO_THROW(
      strata::fuzz::graph(bytes(R"({"schema":)" + std::string(200'000, '[') + std::string(200'000, ']') + "}")));
}

BOOST_AUTO_TEST_CASE(long_names) {
  const std::string name(1 << 20, 'a');
  BOOST_CHECK_NO_THROW(strata::fuzz::graph(
      bytes(R"({"schema":"strata-graph","schema_version":1,"input":[4],"output":"o","nodes":[{"name":")" + name +
            R"(","type":"dense","inputs":[")" + name + R"(b"],"units":3},{"name":"o","type":"dense","inputs":[")" +
            name + R"("],"units":3}]})")));
  BOOST_CHECK_NO_THROW(strata::fuzz::ini(bytes(name + " = 3\n")));
}
