#!/usr/bin/env bash
# The script that `strata completion zsh` prints, used by a zsh on a terminal of its own. Usage: check_zsh_completion.sh
# STRATA. Exit 77 without zsh.
set -euo pipefail
program=$(realpath "$1")
if ! command -v zsh >/dev/null; then
  echo "no zsh; skipped"
  exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$program" completion zsh >_strata
zsh -n _strata
touch a.h5 b.txt
cat >ask.zsh <<'ASK'
zmodload zsh/zpty || exit 77
zpty shell zsh -f -i
# Waits for what must come; the test's time limit ends it if it never does.
expect() { local text; zpty -r -m shell text "$1" || { print -r "never came: $1"; exit 1; } }
zpty -w shell 'PS1="> "; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; setopt noautomenu; print ready-${:-now}'
expect '*ready-now*'
# completes TYPED EXPECTED: the line that TYPED and a tab become.
completes() {
  print -r "$1 -> $2"
  zpty -w -n shell "$1"$'\t'
  expect "*$2*"
  zpty -w -n shell $'\x15'
}
completes 'strata coll' 'collect'
completes 'strata run --save-w' 'eights'
completes 'strata run --rule back' 'prop'
completes 'strata compare --rules fa,backp' 'rop'
completes 'strata compare --rules fa,dtp --dtp.sig' 'ma'
completes 'strata run --rule dtp --dtp.optimizer rms' 'prop'
completes 'strata run --dataset clu' 'sters'
completes 'strata validate a' '.h5'
completes 'strata list opt' 'imizers'
completes 'strata help envi' 'ronment'
completes 'strata run --rule f' 'hidden layers never trained' # what each of several is
ASK
zsh -f ask.zsh
