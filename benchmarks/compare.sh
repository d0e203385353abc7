#!/usr/bin/env bash
# Strata against PyTorch eager: the same network, data, order and number of steps, in turn within one run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=framework/cmake/debian.sh disable=SC1091
source framework/cmake/debian.sh

usage() {
  cat <<'HELP'
Usage: benchmarks/compare.sh [--rounds N]

Installs the Debian packages that are missing (and says which), builds the benchmarks, and trains four networks in Strata
and in PyTorch eager, in turn. Prints a table: time of a step, share of what the processor can do at most, and how many
times faster Strata is. About five minutes on 2 cores.

  --rounds N   rounds of which the medians are taken (default 5)
  --help       this text
HELP
}

rounds=5
while (($#)); do
  case $1 in
    --rounds)
      [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || usage_error "--rounds '${2:-}': expected a number of 1 or more"
      rounds=$2
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) usage_error "unknown argument '$1'" ;;
  esac
  shift
done

ensure_packages "${STRATA_BUILD_PACKAGES[@]}" libbenchmark-dev python3 python3-numpy "${STRATA_TORCH_PACKAGES[@]}"
{
  cmake --preset bench
  cmake --build --preset bench --parallel "$(build_jobs)"
} >&2
exec /usr/bin/python3 benchmarks/compare.py build/bench/benchmarks/train_steps --rounds "$rounds"
