// The conformance suite: what every rule, layer and data set must keep to, for whatever a program knows.
//
//   int main(int argc, char** argv) { return strata::conformance::main(argc, argv, my_program()); }
//
//   rules/NAME/…     learns a toy and beats frozen hidden layers; moves what its traits say and nothing else, with and without
//                    biases, dropout, skips, normalisation, with every activation and loss that it supports, or says what
//                    is in the way; goes on from a checkpoint to the same bits; keeps nothing outside the registry;
//                    gradients by the input against central differences; predictions that do not depend on the batch
//                    around; finite probes
//   threads/…        the same bits on 1, 2, 3 and 8 threads, and beside other runs
//   layers/NAME/…    each of the entry's examples: gradients against central differences, with foreign transport weights too;
//                    adding to dx and g; what is unwanted left alone; the same bits on 1, 2, 3 and 8 threads; attributes that
//                    make the same layer again
//   datasets/NAME/…  finite, within its range, labels among its classes, the same each time; skipped where its files are not
//                    there
#pragma once

#include "experiments/cli/cli.hpp"

namespace strata::conformance {

/// Boost.Test's main over all suites: takes its command line (--list_content, --run_test=rules/fa), prints what it
/// finds, and returns its exit code, 0 if all is well.
int main(int argc, char** argv, const cli::Program& program);

}  // namespace strata::conformance
