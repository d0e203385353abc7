#!/usr/bin/env bash
# The script that `strata completion bash` prints, loaded here and asked. Usage: check_bash_completion.sh STRATA
set -euo pipefail
program=$(realpath "$1")
script=$("$program" completion bash)
bash -n <<<"$script"
eval "$script"
if [[ $(complete -p strata) != "complete -F _strata strata" ]]; then echo "not registered"; exit 1; fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir inner
touch a.h5 b.h5 'with space.h5' grid.ini net.json notes.txt

failures=0
# offers 'EXPECTED …' WORD…: what completes the last word, in any order; EXPECTED with + in front must be among it, with -
# must not.
offers() {
  local expected=$1 got item
  shift
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
  _strata || true # its own exit code means nothing
  got=" ${COMPREPLY[*]} "
  case $expected in
    [+-]*)
      for item in $expected; do
        if [[ $item == +* && $got != *" ${item#+} "* ]] || [[ $item == -* && $got == *" ${item#-} "* ]]; then
          echo "$*: expected $item, got$got"
          failures=$((failures + 1))
        fi
      done
      ;;
    *)
      if [[ $(printf '%s\n' $expected | sort) != "$(printf '%s\n' ${COMPREPLY[*]} | sort)" ]]; then
        echo "$*: expected $expected, got$got"
        failures=$((failures + 1))
      fi
      ;;
  esac
}

# The last word is under the cursor.
offers '+run +compare +list +help +completion ---help' strata ''
offers 'compare completion collect' strata co
offers '--help --version' strata -
offers 'fa frozen frsf forward_forward' strata run --rule f
offers 'fa frozen frsf forward_forward' strata run --rule = f
offers '+fa +dtp -all' strata run --rule =
offers '+all +backprop' strata compare --rules ''
offers 'fa,dtp fa,dtpdrl' strata compare --rules fa,dt
offers '' strata compare --rules fa,dfa,dfa
offers 'fashion-mnist' strata run --dataset fa
offers 'none best last' strata run --save-weights ''
offers 'add project concat fit' strata run --skip-mode ''
offers 'adam adamw' strata compare --optimizer ada
offers 'cross_entropy' strata run --loss c
offers 'relu' strata run --activation r
offers 'xavier_normal xavier_uniform' strata run --init x
offers 'c1,c3a c1,c3b' strata compare --claim c1,c3
offers '' strata run --epochs ''
offers '' strata run --lr 0
offers 'grid.ini inner' strata run --config ''
offers 'inner' strata run --out ''
offers 'mlp net.json inner' strata run --network ''
offers 'inner' strata collect ''
offers 'a.h5 b.h5 with space.h5 inner' strata validate ''
offers 'b.h5' strata attribute b
offers 'a.h5,b.h5' strata attribute x.h5 --against a.h5,b.
offers 'inner a.h5 b.h5 with space.h5' strata attribute x.h5 --out ''
# Options: those of the command, once each, with those of the rules that are named.
offers '+--rule +--quiet +--help +--backprop. ---rules ---fa. ---dtp.sigma' strata run ''
offers '--dry-run' strata run --dr
offers '--dropout' strata run --dry-run --dr
offers '+--data +--dataset' strata run --dry-run --da
offers '+--dtp. +--fa. ---dfa. ---rules' strata compare --rules fa,dtp --
offers '+--dtp.sigma +--dtp.lr +--dtp.inverse-lr ---fa.lr' strata compare --rules fa,dtp --dtp.
offers '+--dfa.' strata compare --d
offers '+--equilibrium_prop.' strata compare --rules all --e
offers '--dtp.sigma' strata run --rule = dtp --dtp.s
offers 'adam adamw' strata run --rule dtp --dtp.optimizer ad
offers 'true false' strata run --bias ''
offers '' strata run --dtp.sigma ''
offers '--json' strata collect --j
offers '--ablate --against' strata attribute --a
offers 'rules' strata list r
offers '--markdown --json --help' strata list --
offers 'bash zsh' strata completion ''
offers 'layers' strata help layers
offers '+dtp +layers +environment +dense +run' strata help ''
offers '' strata nothing ''

# Each option of each command is offered by its command.
for command in $("$program" help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
  for option in $("$program" help "$command" | sed -n '/^Examples/q; s/^  \(--[a-z0-9-]*\).*/\1/p'); do
    offers "+$option" strata "$command" "${option%?}"
  done
done
if ((failures > 0)); then exit 1; fi
echo "all as expected"
