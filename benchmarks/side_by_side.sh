# What compare.sh and compare_influence.sh share; sourced, not run. Whoever sources it defines usage().
# shellcheck shell=bash
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
# shellcheck source=framework/cmake/debian.sh disable=SC1091
source framework/cmake/debian.sh

# side_by_side SCRIPT "PROGRAM…" [ARGUMENT…]: builds the programs and hands them, with --rounds, to the Python SCRIPT.
side_by_side() {
  local script=$1 rounds=5 programs
  read -ra programs <<<"$2"
  shift 2
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
    cmake --build --preset bench --parallel "$(build_jobs)" --target "${programs[@]}"
  } >&2
  exec /usr/bin/python3 "benchmarks/$script" "${programs[@]/#/build/bench/benchmarks/}" --rounds "$rounds"
}
