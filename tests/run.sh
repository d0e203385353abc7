#!/usr/bin/env bash
# Installs what is missing, builds Strata, runs its tests. ctest's summary is the last thing printed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=framework/cmake/debian.sh disable=SC1091
source framework/cmake/debian.sh

usage() {
  cat <<'HELP'
Usage: tests/run.sh [--full] [--preset NAME] [--no-torch]

Installs the Debian packages that are missing (and says which), builds Strata, runs the tests.

  --full         everything that the table in tests/README.md counts: 10,000,000 inputs for each fuzzer, all tests under
                 the presets asan-ubsan and tsan, and the tests labelled slow; five to seven hours on 2 cores, each part
                 says how long it took
  --preset NAME  a preset of CMakePresets.json: test, debug, asan-ubsan, tsan, ci
                 (default: ci if the variable CI is "true", else test)
  --no-torch     do not install torch; leave out the tests that compare with it
  --help         this text

Builds lie in build/PRESET. One test: see tests/README.md.
HELP
}

full=false
torch=true
preset=test
if [[ ${CI:-} == true ]]; then preset=ci; fi
while (($#)); do
  case $1 in
    --full) full=true ;;
    --no-torch) torch=false ;;
    --preset)
      (($# >= 2)) || usage_error "--preset needs a name"
      preset=$2
      shift
      ;;
    --preset=*) preset=${1#*=} ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) usage_error "unknown argument '$1'" ;;
  esac
  shift
done
case $preset in
  test | debug | asan-ubsan | tsan | ci) ;;
  *) usage_error "unknown preset '$preset'; there are test, debug, asan-ubsan, tsan, ci" ;;
esac

packages=("${STRATA_BUILD_PACKAGES[@]}" "${STRATA_TEST_PACKAGES[@]}")
if $torch; then packages+=("${STRATA_TORCH_PACKAGES[@]}"); fi
ensure_packages "${packages[@]}"

# test_preset NAME LABELS: builds and tests; tests with a label among LABELS (joined by |) are left out.
test_preset() {
  local name=$1 left_out=$2 ctest=(ctest) arguments
  # ThreadSanitizer of gcc 12 stops at start-up on kernels that randomise addresses widely, so not under this.
  if [[ $name == tsan ]] && setarch "$(uname -m)" -R true 2>/dev/null; then
    ctest=(setarch "$(uname -m)" -R ctest)
  fi
  arguments=(--preset "$name" --output-on-failure --parallel "$(cpu_count)")
  if [[ -n $left_out ]]; then arguments+=(--label-exclude "^($left_out)\$"); fi
  say "== $name: configure, build, test =="
  SECONDS=0
  cmake --preset "$name"
  cmake --build --preset "$name" --parallel "$(build_jobs)"
  took "$name: configure and build"
  SECONDS=0
  "${ctest[@]}" "${arguments[@]}"
  if [[ $name != "$preset" ]]; then took "$name: test"; fi  # of the last, ctest says it
}
# took WHAT: how long it was since SECONDS=0.
took() { say "== $1: $((SECONDS / 60)) min $((SECONDS % 60)) s =="; }
# fuzz ARGUMENT…: the readers of files, as tests/fuzz/run.sh says.
fuzz() {
  SECONDS=0
  tests/fuzz/run.sh "$@"
  took "fuzz"
}

without_torch=""
if ! $torch; then without_torch="torch"; fi
if $full; then
  # The last summary says how it went, since the first failure ends the script.
  fuzz --runs 10000000
  for sanitized in asan-ubsan tsan; do
    if [[ $sanitized != "$preset" ]]; then test_preset "$sanitized" "slow${without_torch:+|torch}"; fi
  done
  test_preset "$preset" "$without_torch"
else
  if [[ ${CI:-} == true ]]; then fuzz --seconds 3; fi
  test_preset "$preset" "slow${without_torch:+|torch}"
fi
