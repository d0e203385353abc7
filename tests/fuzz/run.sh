#!/usr/bin/env bash
# Installs what is missing, builds the fuzzers, runs them. A line a fuzzer is all that goes to stdout.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=framework/cmake/debian.sh disable=SC1091
source framework/cmake/debian.sh

usage() {
  cat <<'HELP'
Usage: tests/fuzz/run.sh [--seconds N | --runs N] [TARGET…]

Installs the Debian packages that are missing (and says which), builds the fuzzers of the readers with libFuzzer,
AddressSanitizer and UndefinedBehaviorSanitizer, and runs them one after the other.

  TARGET       idx, npy, npz, graph or ini; by default all five
  --seconds N  how long each runs (default: 5)
  --runs N     how many inputs each reads instead
  --help       this text

Each starts from tests/fuzz/corpus/TARGET and what earlier runs left in build/fuzz/corpus/TARGET; it logs to
build/fuzz/TARGET.log. An input that crashes a reader, trips a sanitizer, or takes more than 5 seconds, 256 MiB at once
or 512 MiB in all is left in build/fuzz/finds: exit 1, with the command that reads it again. Once the reader is right,
that input belongs in tests/fuzz/corpus/TARGET.
HELP
}

limit=(-max_total_time=5)
targets=()
number() {
  [[ ${2:-} =~ ^[1-9][0-9]{0,11}$ ]] || usage_error "$1 needs a whole number above 0"
}
while (($#)); do
  case $1 in
    --seconds=* | --runs=*)
      set -- "${1%%=*}" "${1#*=}" "${@:2}"
      continue
      ;;
    --seconds)
      number "$@"
      limit=("-max_total_time=$2")
      shift
      ;;
    --runs)
      number "$@"
      limit=("-runs=$2")
      shift
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    idx | npy | npz | graph | ini) targets+=("$1") ;;
    *) usage_error "unknown argument '$1'; there are idx, npy, npz, graph, ini" ;;
  esac
  shift
done
if ((${#targets[@]} == 0)); then targets=(idx npy npz graph ini); fi

ensure_packages "${STRATA_BUILD_PACKAGES[@]}" clang libclang-rt-14-dev
say "== fuzz: configure, build, run =="
cmake --preset fuzz >&2
cmake --build --preset fuzz --parallel "$(build_jobs)" >&2

# Small inputs reach everything, and fast. With a small stack, functions that call themselves for every bracket show.
declare -A longest=([idx]=512 [npy]=768 [npz]=1024 [graph]=1536 [ini]=256)
ulimit -s 256
# Most of the time goes to malloc, half of it to history that is longer than an input's.
asan=quarantine_size_mb=1:thread_local_quarantine_size_kb=64:malloc_context_size=2:max_malloc_fill_size=0
export ASAN_OPTIONS="$asan${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export UBSAN_OPTIONS="print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"

out=build/fuzz
crashes=0
# libFuzzer ends without destructors, so that temporary files stay.
export TMPDIR=$out/tmp
mkdir -p "$TMPDIR"
trap 'rm -rf "$TMPDIR"' EXIT
# stat NAME LOG: a number of libFuzzer's summary, or "?".
stat() { awk -v name="stat::$1:" '$1 == name {value = $2} END {print value == "" ? "?" : value}' "$2"; }

# fuzz TARGET: runs it and prints its line.
fuzz() {
  local target=$1 program=$out/tests/fuzz/fuzz_$1 log=$out/$1.log arguments found=0 input
  arguments=("${limit[@]}" "-max_len=${longest[$target]}" -timeout=5 -rss_limit_mb=512 -malloc_limit_mb=256
    -entropic=0 -print_final_stats=1 "-artifact_prefix=$out/finds/$target-")
  if [[ -e tests/fuzz/$target.dict ]]; then arguments+=("-dict=tests/fuzz/$target.dict"); fi
  mkdir -p "$out/corpus/$target" "$out/finds"
  "$program" "${arguments[@]}" "$out/corpus/$target" "tests/fuzz/corpus/$target" >"$log" 2>&1 || found=1
  printf '%-5s %12s executions %8s /s %5s MiB at most %3s crashes\n' "$target" \
    "$(stat number_of_executed_units "$log")" "$(stat average_exec_per_sec "$log")" \
    "$(stat peak_rss_mb "$log")" "$found"
  if ((found == 0)); then return 0; fi
  crashes=$((crashes + 1))
  grep -E '^(==[0-9]+==)?ERROR|runtime error|^SUMMARY|what\(\)' "$log" >&2 || tail -n 20 "$log" >&2
  input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
  if [[ -n $input ]]; then say "The input is $input; again: $program $input"; fi
}

for target in "${targets[@]}"; do fuzz "$target"; done
if ((crashes > 0)); then exit 1; fi
