#!/usr/bin/env bash
# From a bare Debian 12 to a comparison of five learning rules on Fashion-MNIST. Run it again to go on.
set -euo pipefail
called_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=framework/cmake/debian.sh disable=SC1091
source framework/cmake/debian.sh

usage() {
  cat <<'HELP'
Usage: experiments/quickstart.sh [--out DIR] [--epochs N] [--seeds N] [-- STRATA-OPTION…]

Installs the Debian packages that are missing (and says which), builds the program strata, and compares the
rules backprop, frozen, fa, dfa and dtp on Fashion-MNIST. The table goes to stdout, all else to stderr; the pictures
are in DIR/report.html.

  --out DIR    where results go (default: quickstart-out in the repository)
  --epochs N   walks over the training set (default: 10)
  --seeds N    runs of each rule, with the seeds 0 … N-1 (default: 3)
  -- …         passed to "strata compare", e.g. -- --rules backprop,fa --hidden 128x3
  --help       this text

The same command again goes on where it stopped, and skips what is finished.
HELP
}

out=$PWD/quickstart-out
epochs=10
seeds=3
while (($#)); do
  case $1 in
    --out | --epochs | --seeds)
      (($# >= 2)) || usage_error "$1 needs a value"
      declare "${1#--}=$2"
      shift
      ;;
    --out=* | --epochs=* | --seeds=*)
      setting=${1#--}
      declare "${setting%%=*}=${setting#*=}"
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    --)
      shift
      break
      ;;
    *) usage_error "unknown argument '$1'" ;;
  esac
  shift
done
# Checked before the long build; the program itself checks the rest.
[[ $epochs =~ ^[1-9][0-9]*$ ]] || usage_error "--epochs '$epochs': expected a whole number, 1 or more"
[[ $seeds =~ ^[1-9][0-9]*$ ]] || usage_error "--seeds '$seeds': expected a whole number, 1 or more"
[[ -n $out ]] || usage_error "--out '': expected a folder"
# A relative folder is meant from where the user stands.
if [[ $out != /* ]]; then out=$called_from/$out; fi

rules=(--rules "backprop,frozen,fa,dfa,dtp")
for argument in "$@"; do
  if [[ $argument == --rules || $argument == --rules=* ]]; then rules=(); fi
done

ensure_packages "${STRATA_BUILD_PACKAGES[@]}"
say "Building strata in build/quickstart"
cmake --preset release -B build/quickstart -DSTRATA_TESTS=OFF >&2
cmake --build build/quickstart --target strata --parallel "$(build_jobs)" >&2

# 3 = some runs failed or diverged: the others are there to be looked at.
status=0
build/quickstart/experiments/strata compare "${rules[@]}" --seeds "$seeds" --epochs "$epochs" --out "$out" "$@" ||
  status=$?
if ((status == 130 || status == 143)); then say "Interrupted. The same command again goes on from here."; fi
if ((status != 0 && status != 3)); then exit "$status"; fi

shopt -s nullglob
runs=("$out"/runs/*.h5)
if ((${#runs[@]} == 0)); then exit "$status"; fi  # --dry-run and the like
build/quickstart/experiments/strata report "$out" >/dev/null || status=$?
{
  echo
  echo "Written to $out:"
  for file in report.html summary.csv summary.h5; do
    if [[ -e $out/$file ]]; then echo "  $file"; fi
  done
  for file in "${runs[@]}"; do echo "  runs/${file##*/}"; done
  echo "Pictures: open $out/report.html in a browser. The numbers (packages python3-xarray and python3-h5netcdf):"
  echo "  import xarray"
  echo "  xarray.open_dataset(\"${runs[0]}\", group=\"training\", engine=\"h5netcdf\")"
} >&2
exit "$status"
