#!/usr/bin/env bash
# Checks what the folders promise: the fixed top level, dependencies that point one way, sources of a size to read.
# Usage: check_layout.sh [FOLDER] (default: this repository). Prints each breach; exit 1 if there is any, 77 without git.
set -euo pipefail
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}"

MAX_LINES=500
git=(git -c safe.directory='*') # in a container the checkout often belongs to somebody else
if ! command -v git >/dev/null || ! "${git[@]}" rev-parse --git-dir >/dev/null 2>&1; then
  echo "not a git checkout; skipped"
  exit 77
fi

# New files count before they are committed; deleted ones do not.
files=()
while IFS= read -r -d '' file; do
  if [[ -f $file ]]; then files+=("$file"); fi
done < <("${git[@]}" ls-files -z --cached --others --exclude-standard)

breaches=0
breach() {
  echo "$*"
  breaches=$((breaches + 1))
}

# forbid MESSAGE PATTERN FILE…: a breach for every line that matches.
forbid() {
  local message=$1 pattern=$2 found
  shift 2
  if (($# == 0)); then return 0; fi
  while IFS= read -r found; do breach "$message: $found"; done < <(grep -HnIE -e "$pattern" -- "$@" || true)
}

declare -A folders=()
sources=()
framework=()
rules=()
datasets=()
for file in "${files[@]}"; do
  if [[ $file == */* ]]; then folders[${file%%/*}]=1; fi
  case $file in
    framework/*) framework+=("$file") ;;
    rules/*) rules+=("$file") ;;
    datasets/*) datasets+=("$file") ;;
  esac
  case $file in
    *.cpp | *.hpp | *.h | *.c | *.py | *.sh | *.cmake | CMakeLists.txt | */CMakeLists.txt | .ci/run) sources+=("$file") ;;
  esac
done

for folder in "${!folders[@]}"; do
  case $folder in
    framework | rules | experiments | datasets | tests | benchmarks | .ci) ;;
    *) breach "$folder/: the top level is fixed (framework rules experiments datasets tests benchmarks)" ;;
  esac
done

# Code at the bottom does not know what stands on it.
include='^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]'
forbid "framework/ must not include what is built on it" "$include(rules|datasets|experiments)/" "${framework[@]}"
forbid "rules/ may include framework/ only" "$include(datasets|experiments)/" "${rules[@]}"
forbid "datasets/ may include framework/ only" "$include(rules|experiments)/" "${datasets[@]}"

for file in "${sources[@]}"; do
  lines=$(wc -l <"$file")
  if ((lines > MAX_LINES)); then breach "$file: $lines lines, at most $MAX_LINES"; fi
done

# The patterns are cut in two so that this file does not match itself.
forbid "an open end: finish it or open an issue" '\b(TO''DO|FIX''ME)\b' "${sources[@]}"
forbid "a path of somebody's machine" '(^|[^[:alnum:]_.~}-])/wor''k(/|[^[:alnum:]_-]|$)' "${files[@]}"

if ((breaches > 0)); then
  echo "$breaches breaches"
  exit 1
fi
echo "${#files[@]} files, no breach"
