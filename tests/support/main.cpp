// main() of every test program, and its name, for Boost.Test.
#include <boost/test/unit_test.hpp>
#include <filesystem>

int main(int argc, char** argv) {
  const auto init = [] { return true; };
  boost::unit_test::framework::master_test_suite().p_name.value = std::filesystem::path(argv[0]).filename().string();
  return boost::unit_test::unit_test_main(+init, argc, argv);
}
