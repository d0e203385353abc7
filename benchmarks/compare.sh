#!/usr/bin/env bash
# Strata against PyTorch eager: the same network, data, order and number of steps, in turn within one run.
set -euo pipefail
# shellcheck source=benchmarks/side_by_side.sh disable=SC1091
source "$(dirname "${BASH_SOURCE[0]}")/side_by_side.sh"

usage() {
  cat <<'HELP'
Usage: benchmarks/compare.sh [--rounds N]

Installs the Debian packages that are missing (and says which), builds the benchmarks, trains six networks in Strata and
in PyTorch eager, in turn, and attacks one. Prints a table: time of a step, share of what the processor can do at most, and
how many times faster Strata is. About twelve minutes on 2 cores.

  --rounds N   rounds of which the medians are taken (default 5)
  --help       this text
HELP
}

side_by_side compare.py "train_steps attack_steps" "$@"
