#include "tests/conformance/conformance.hpp"

int main(int argc, char** argv) { return strata::conformance::main(argc, argv, strata::cli::builtin_program()); }
