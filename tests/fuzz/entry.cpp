// One target as libFuzzer wants it. What leaves the target as an exception ends the program: a find.
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  strata::fuzz::STRATA_FUZZ_TARGET({data, size});
  return 0;
}
