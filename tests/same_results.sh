#!/usr/bin/env bash
# Whether two builds compute the same: runs a list of short commands with the programs of two checkouts and compares
# what they wrote, to the bit: steps, epochs (without their seconds), predictions, results, weights, standard output.
#
#   tests/same_results.sh OLD NEW [PHOTOGRAPHS]     checkouts, built with the same flags on one machine
#
# A refactoring shows with it that nothing changed. Keys and words that were renamed on purpose are listed in `renamed`.
set -uo pipefail
old=$(cd "$1" && pwd) new=$(cd "$2" && pwd) photos=${3:-}
out=$(mktemp -d); trap 'rm -rf "$out"' EXIT
export OPENBLAS_VERBOSE=0
# (Versions of ours may let OpenBLAS choose other kernels, which round in another way.)
[ "$(uname -m)" != x86_64 ] || export OPENBLAS_CORETYPE=${OPENBLAS_CORETYPE:-Haswell}
same=0 different=0

small="--count cat=40,dog=440 --epochs 2 --threads 2 --device cpu"
runs=(
  "focal:$small --loss focal --gamma 2"
  "smoothed:$small --loss bce --label-smoothing 0.1 --pos-weight auto --augment flip,rotate=0.2"
  "ldam:$small --loss ldam --sampler class-balanced"
  "influence:$small --loss influence-balanced --sampler repeat-factor --optimizer sgd --nesterov --lr 0.01"
  "remix:$small --loss class-balanced --class-weights effective=0.999 --mix remix=1"
  "cutmix:$small --loss dice --mix cutmix=1 --sampler oversample"
  "retrained:$small --loss cross-entropy --crt 2 --tau-norm 1 --model vgg11_bn --optimizer adamw --weight-decay 0.01"
  "tuned:$small --loss logit-adjusted --temperature --threshold f1 --adjust-logits 0.5 --hold-out 0.2"
  "ghm:$small --loss ghm --ghm-momentum 0.5 --schedule step --lr-step-size 1 --warmup-epochs 0.5"
  "dropout:--count cat=16,dog=48 --epochs 1 --image-size 32 --width 0.05 --head imagenet --loss vs --threads 2 --device cpu"
  "ordered:$small --loss mse --no-shuffle --max-steps 20 --model vgg13"
)
[ -z "$photos" ] || runs+=("photographs:--data $photos --count cat=30,dog=150 --image-size 64 --width 0.1 --epochs 2 --loss focal --mix mixup=0.4 --threads 2 --device cpu --augment flip,rotate=0.1")
tools=(
  "losses list --json" "losses walk" "losses tables"
  "losses eval focal --gamma 2 --alpha none --logits -1;2 --labels 1,0"
  "losses eval vs --logits 1.2,-0.4;0.3,2.0 --labels 1,0 --counts 1000,100"
  "losses eval cross-entropy --label-smoothing 0.1 --logits 1.2,-0.4,0.3 --labels 2 --class-weights 1,2,3"
  "losses eval seesaw --logits 1.2,-0.4,0.3;0.1,0.2,0.3 --labels 2,0 --counts 1000,100,50"
  "terminal_phase --draws 2 --steps 200"
)

# Names and words that changed on purpose since OLD: a sed script, applied to both sides, as s/"drawn"/"synthetic"/g.
renamed=''
program() { for at in "$1/apps/$2" "$1/apps/examples/$2" "$1/build/release/none/apps/$2" "$1/build/release/none/apps/examples/$2"; do
  [ -x "$at" ] && [ -f "$at" ] && { echo "$at"; return; }; done; echo "$1/apps/$2"; }

# Help texts may be rewritten: of a list only what is not text is compared, of a text with tables the decimal numbers.
numbers_of() {
  case $1 in
    "losses list"*) grep -v -E '"(help|source)"' ;;
    "losses walk" | "losses tables") grep -oE '[0-9]+\.[0-9]+' | sort ;;
    *) cat ;;
  esac
}
compare() { # name, two files
  if cmp -s <(sed "$renamed" "$2" 2>/dev/null) <(sed "$renamed" "$3" 2>/dev/null) && [ -e "$2" ]; then same=$((same + 1))
  else different=$((different + 1)); echo "DIFFERENT: $1"; diff <(sed "$renamed" "$2") <(sed "$renamed" "$3") | head -n 6; fi
}
for run in "${runs[@]}"; do
  name=${run%%:*}
  for side in old new; do
    dir=${!side}
    read -ra args <<< "${run#*:}"
    "$(program "$dir" catdog)" "${args[@]}" --output "$out/$side/$name" >"$out/$side-$name.out" 2>"$out/$side-$name.err" || { echo "$side $name failed:"; tail -n 2 "$out/$side-$name.err"; }
    cut -d, -f1-10 "$out/$side/$name/epochs.csv" > "$out/$side/$name/epochs" 2>/dev/null
    "$(program "$dir" catdog)" metrics "$out/$side/$name/predictions.csv" --curves > "$out/$side/$name/metrics" 2>&1
    python3 - "$out/$side/$name/last.safetensors" > "$out/$side/$name/weights" <<'PY'
import hashlib, json, struct, sys
data = open(sys.argv[1], "rb").read()
n = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:8 + n]); header.pop("__metadata__", None)
for name in sorted(header):
    begin, end = header[name]["data_offsets"]
    print(name, header[name]["shape"], hashlib.sha256(data[8 + n + begin:8 + n + end]).hexdigest())
PY
  done
  for file in steps.csv epochs predictions.csv metrics weights; do compare "$name $file" "$out/old/$name/$file" "$out/new/$name/$file"; done
  results() { python3 -c "import json,sys; d=json.load(open(sys.argv[1])); d.pop('options'); print(json.dumps(d, indent=1))" "$1"; }
  results "$out/old/$name/result.json" > "$out/old/$name/result"; results "$out/new/$name/result.json" > "$out/new/$name/result"
  compare "$name result.json" "$out/old/$name/result" "$out/new/$name/result"
  compare "$name printed" "$out/old-$name.out" "$out/new-$name.out"
done
for side in old new; do
  "$(program "${!side}" catdog)" eval --weights "$out/old/focal/best.safetensors" --device cpu --threads 2 > "$out/$side-eval" 2>/dev/null
done
compare "eval" "$out/old-eval" "$out/new-eval"
for tool in "${tools[@]}"; do
  for side in old new; do
    read -ra args <<< "$tool"
    "$(program "${!side}" "${args[0]}")" "${args[@]:1}" 2>&1 | numbers_of "$tool" > "$out/$side-tool"
  done
  compare "$tool" "$out/old-tool" "$out/new-tool"
done
for side in old new; do "$(program "${!side}" losses)" curves --output "$out/$side-curves" >/dev/null 2>&1; (cd "$out/$side-curves" && cat *.svg) > "$out/$side-svg"; done
compare "losses curves" "$out/old-svg" "$out/new-svg"
echo "$same the same, $different different"
[ "$different" -eq 0 ]
