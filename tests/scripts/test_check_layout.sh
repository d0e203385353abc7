#!/usr/bin/env bash
# check_layout.sh must notice each kind of breach, and nothing in a clean tree: tried on small trees made here.
set -euo pipefail
check=$(realpath "$(dirname "${BASH_SOURCE[0]}")/check_layout.sh")
if ! command -v git >/dev/null; then exit 77; fi
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
git -C "$tree" init --quiet

# expect STATUS TEXT: runs the check; its output must contain TEXT.
expect() {
  local status=0 output
  output=$(bash "$check" "$tree") || status=$?
  if ((status != $1)) || [[ $output != *"$2"* ]]; then
    echo "expected exit $1 and '$2', got exit $status and: $output"
    exit 1
  fi
}

# notices FILE LINE TEXT: FILE with LINE is a breach that names TEXT; without it the tree is clean again.
notices() {
  mkdir -p "$tree/$(dirname "$1")"
  printf '%s\n' "$2" >"$tree/$1"
  expect 1 "$3"
  rm "$tree/$1"
  expect 0 "no breach"
}

mkdir "$tree/framework" "$tree/build"
printf 'build/\n' >"$tree/.gitignore"
printf '#include "framework/a.hpp"\n// in frame''work/ and net''work/b\n' >"$tree/framework/a.cpp"
printf 'ignored\n' >"$tree/build/a"
expect 0 "no breach"

notices extra/a.txt "" "extra/: the top level is fixed"
notices framework/b.hpp '#include "rules/builtin.hpp"' "framework/b.hpp:1"
notices framework/b.hpp '  #  include "datasets/idx.hpp"' "framework/b.hpp:1"
notices framework/b.hpp '#include <experiments/cli/cli.hpp>' "framework/b.hpp:1"
notices rules/b.cpp '#include "datasets/idx.hpp"' "rules/ may include"
notices rules/b.cpp '#include "experiments/cli/cli.hpp"' "rules/ may include"
notices datasets/b.cpp '#include "rules/builtin.hpp"' "datasets/ may include"
notices datasets/b.cpp '#include "experiments/cli/cli.hpp"' "datasets/ may include"
notices tests/b.cpp "$(seq 501)" "501 lines"
notices tests/b.py "# TO""DO later" "tests/b.py:1"
notices rules/b.cpp "// FIX""ME" "rules/b.cpp:1"
notices README.md "see /wor""k/main/x" "README.md:1"
notices README.md "cd /wor""k" "README.md:1"
echo "all noticed"
