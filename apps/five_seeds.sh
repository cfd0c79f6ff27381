#!/usr/bin/env bash
# The lectures' story on the drawn cats and dogs: what plain cross-entropy loses when there are eleven dogs to each cat,
# and what weights and the focal loss win back. Five seeds a row; prints a table of means and standard deviations.
#
#   apps/five_seeds.sh            # about six minutes on two cores
#   apps/five_seeds.sh "--loss focal --gamma 5" "--loss mse"      # other rows
set -euo pipefail
cd "$(dirname "$0")/.."

[ -x apps/catdog ] || { echo "apps/catdog is missing: run make first" >&2; exit 1; }
rows=("--loss bce" "--loss weighted-bce" "--loss focal --gamma 2" "--loss focal --gamma 2 --alpha 0.5")
[ $# -gt 0 ] && rows=("$@")
seeds="1 2 3 4 5"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# One run a core, each on one thread: faster than one after the other on all of them.
jobs_of() {
  for i in "${!rows[@]}"; do
    for seed in $seeds; do echo "${rows[$i]} --seed $seed --threads 1 --workers 1 --output $out/$i/$seed"; done
  done
}
total=$(jobs_of | wc -l)
echo "$total runs" >&2
jobs_of | xargs -P "$(nproc)" -L 1 sh -c '
  message=$(./apps/catdog "$@" 2>&1 >/dev/null) || { echo "$message" | tail -n 1 >&2; exit 255; }
  echo "done: $*" >&2' catdog

echo "| options | recall | precision | F1 | accuracy |"
echo "|---|---|---|---|---|"
for i in "${!rows[@]}"; do
  line="| \`${rows[$i]}\` |"
  for metric in recall precision f1 accuracy; do
    line+=$(cat "$out/$i"/*/result.json | awk -v key="\"$metric\":" '
      $1 == key { x = $2 + 0; n++; sum += x; squares += x * x }
      END { m = sum / n; v = (squares - n * m * m) / (n - 1); printf " %.3f ± %.3f |", m, sqrt(v > 0 ? v : 0) }')
  done
  echo "$line"
done
