#include "parts.hpp"

int main(int argc, char** argv) { return strata::cli::main(argc, argv, outside::program()); }
