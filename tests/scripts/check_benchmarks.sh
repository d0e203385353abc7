#!/usr/bin/env bash
# The preset `bench` can be configured: CI does not build the benchmarks. Skipped (77) without Google Benchmark.
set -euo pipefail
source_folder=$1
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
if ! log=$(cmake --preset bench -S "$source_folder" -B "$build" 2>&1); then
  grep -q "benchmark" <<<"$log" && grep -q "Could not find a package\|benchmarkConfig.cmake" <<<"$log" && exit 77
  printf '%s\n' "$log"
  exit 1
fi
