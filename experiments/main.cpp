#include "experiments/cli/cli.hpp"

int main(int argc, char** argv) { return strata::cli::main(argc, argv, strata::cli::builtin_program()); }
