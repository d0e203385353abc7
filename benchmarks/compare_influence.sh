#!/usr/bin/env bash
# Influences of all neurons, Strata against PyTorch: the same network, weights and examples, in turn within one run.
set -euo pipefail
# shellcheck source=benchmarks/side_by_side.sh disable=SC1091
source "$(dirname "${BASH_SOURCE[0]}")/side_by_side.sh"

usage() {
  cat <<'HELP'
Usage: benchmarks/compare_influence.sh [--rounds N]

Installs the Debian packages that are missing (and says which), builds the benchmark, and takes the mean |derivative|
of every hidden neuron of 784-256x5-10 by every neuron before it, pixels included, on 256 examples: in Strata, and in
PyTorch in four ways, in turn. Checks that the values agree. Prints a table: seconds, and how many times faster Strata
is. About four minutes.

  --rounds N   rounds of which the medians are taken (default 5)
  --help       this text
HELP
}

side_by_side compare_influence.py influence_sweep "$@"
