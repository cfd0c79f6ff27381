#!/usr/bin/env bash
# Runs catdog with five seeds for each row of options, and prints a table of means and standard deviations.
#
# Without arguments it tells the lectures' story on the synthetic cats and dogs, in about six minutes on two cores: what
# plain cross-entropy loses when there are eleven dogs to each cat, and what weights and the focal loss win back.
#
#   apps/scripts/five_seeds.sh
#   apps/scripts/five_seeds.sh "--loss focal --gamma 5" "--loss mse"      # other rows
#   apps/scripts/five_seeds.sh --common "--epochs 3" --metrics "f1 average_precision" "--loss bce"      # names of result.json
set -euo pipefail
cd "$(dirname "$0")/../.."

catdog=${CATDOG:-./apps/catdog}
[ -x "$catdog" ] || { echo "$catdog is missing: run make first" >&2; exit 1; }
common="" metrics="recall precision f1 accuracy"
while [ $# -gt 0 ]; do
  case $1 in
    --common) common=$2; shift 2 ;;
    --metrics) metrics=$2; shift 2 ;;
    *) break ;;
  esac
done
rows=("--loss bce" "--loss weighted-bce" "--loss focal --gamma 2" "--loss focal --gamma 2 --alpha 0.5")
[ $# -gt 0 ] && rows=("$@")
seeds="1 2 3 4 5"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# One run a core, each on one thread: faster than one after the other on all of them.
jobs_of() {
  for i in "${!rows[@]}"; do
    for seed in $seeds; do echo "${rows[$i]} $common --seed $seed --threads 1 --workers 1 --output $out/$i/$seed"; done
  done
}
total=$(jobs_of | wc -l)
echo "$total runs" >&2
jobs_of | xargs -P "$(nproc)" -L 1 sh -c '
  message=$("$0" "$@" 2>&1 >/dev/null) || { echo "$message" | tail -n 1 >&2; exit 255; }
  echo "done: $*" >&2' "$catdog"

heading="| options |" rule="|---|"
for metric in $metrics; do
  name=${metric//_/ }
  heading+=" ${name/f1/F1} |" rule+="---|"
done
echo "$heading"
echo "$rule"
for i in "${!rows[@]}"; do
  line="| \`${rows[$i]}\` |"
  for metric in $metrics; do
    # The first number of that name in each result; nested ones, of averages, come later.
    line+=$(awk -v key="\"$metric\":" '
      FNR == 1 { seen = 0 }
      $1 == key && !seen { seen = 1; x = $2 + 0; n++; sum += x; squares += x * x }
      END { m = sum / n; v = (squares - n * m * m) / (n - 1); printf " %.3f ± %.3f |", m, sqrt(v > 0 ? v : 0) }' \
      "$out/$i"/*/result.json)
  done
  echo "$line"
done
