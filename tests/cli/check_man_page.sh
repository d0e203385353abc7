#!/usr/bin/env bash
# The page that `strata help --man` prints, read by groff, mandoc and man, those of them that there are: no warning. Usage:
# check_man_page.sh STRATA. Exit 77 without any.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
page=$folder/strata.1
"$1" help --man >"$page"
readers=0
# quiet COMMAND…: says nothing on stderr; what it prints must hold the last option of the last command.
quiet() {
  if ! command -v "$1" >/dev/null; then return 0; fi
  readers=$((readers + 1))
  local warnings
  warnings=$("$@" "$page" 2>&1 >"$folder/text")
  if [[ -n $warnings ]]; then
    printf '%s:\n%s\n' "$*" "$warnings"
    exit 1
  fi
}
export LC_ALL=C.UTF-8 MANWIDTH=100
quiet groff -ww -man -Tutf8
quiet mandoc -T utf8 -W all
if command -v mandoc >/dev/null && ! mandoc -T lint "$page"; then exit 1; fi
# man-db may be a stub in small images.
if man --version >/dev/null 2>&1 && command -v groff >/dev/null; then
  quiet man --warnings -l
  grep -q -e '--allow-other-binary' "$folder/text"
  grep -q 'EXIT STATUS' "$folder/text"
fi
if ((readers == 0)); then
  echo "neither groff nor mandoc; skipped"
  exit 77
fi
echo "$readers readers, no warning"
