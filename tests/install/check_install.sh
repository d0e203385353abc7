#!/usr/bin/env bash
# usage: check_install.sh CMAKE BUILD-FOLDER    Installs the build, moves it, and builds and tries the project outside/.
set -euo pipefail
cmake=$1
build=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  echo "check_install: $*" >&2
  exit 1
}

"$cmake" --install "$build" --prefix "$work/first" >"$work/install.log"
mv "$work/first" "$work/second"  # a package may be moved
[[ $("$work/second/bin/strata" --version) == "strata "* ]] || fail "the installed program does not run"

generator=()
if command -v ninja >/dev/null; then generator=(-G Ninja); fi
"$cmake" -S "$here/outside" -B "$work/build" "${generator[@]}" -DCMAKE_PREFIX_PATH="$work/second" \
  -DCMAKE_CXX_FLAGS="-O0 -Wall -Wextra -Werror" >"$work/configure.log" || { cat "$work/configure.log"; fail "configure"; }
"$cmake" --build "$work/build" --parallel 2 >"$work/build.log" || { cat "$work/build.log"; fail "build"; }

cd "$work"
outside=$work/build/outside
"$outside" list rules | grep -q '^noisy_feedback ' || fail "list rules does not show the rule"
"$outside" list layers | grep -q '^softsign ' || fail "list layers does not show the layer"
"$outside" list datasets | grep -q '^rings ' || fail "list datasets does not show the data set"
"$outside" help noisy_feedback | grep -q -- '--noisy_feedback.sigma' || fail "help does not show the rule's option"
"$outside" compare --rules backprop,noisy_feedback --noisy_feedback.sigma 0.2 --dataset rings --network "$here/outside/net.json" \
  --seeds 2 --epochs 2 --quiet --out out >table || fail "compare"
grep -q '^noisy_feedback ' table || fail "the comparison does not show the rule"
"$outside" report out >/dev/null || fail "report"
grep -q 'noisy_feedback' out/report.html || fail "the report does not show the rule"
"$outside" attribute "$(echo out/runs/noisy_feedback-*-s0-*.h5)" --permuted 0 >/dev/null || fail "attribute"
if [[ -x $work/build/conformance ]]; then
  "$work/build/conformance" || fail "the conformance suite"
else
  echo "check_install: without strata::conformance (Boost.Test was not there)"
fi
echo "check_install: all well"
