#!/usr/bin/env bash
# Runs catdog with five seeds for each row of options, and prints a Markdown table of means and standard deviations.
#
# Without arguments it repeats the lectures' comparison on the synthetic cats and dogs, in about six minutes on two
# cores: how plain cross-entropy does with eleven dogs to each cat, and how class weights and the focal loss help.
#
#   apps/scripts/five_seeds.sh
#   apps/scripts/five_seeds.sh "--loss focal --gamma 5" "--loss mse"                          # other rows
#   apps/scripts/five_seeds.sh --common "--epochs 3" --metrics "f1 mcc roc_auc" "--loss bce"  # keys of result.json
#
# Environment: CATDOG is the program, ./apps/catdog by default. Needs python3.
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

# One run per core, each on one thread, is faster than one run after another on all cores.
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

python3 - "$out" "$metrics" "${rows[@]}" <<'PYTHON'
import glob, json, statistics, sys

folder, metrics, rows = sys.argv[1], sys.argv[2].split(), sys.argv[3:]
names = [metric.replace("_", " ").replace("f1", "F1") for metric in metrics]
print("| options | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 1) + "|")
for i, row in enumerate(rows):
    results = [json.load(open(path)) for path in sorted(glob.glob(f"{folder}/{i}/*/result.json"))]
    cells = []
    for metric in metrics:
        values = [result[metric] or 0 for result in results]  # null: nothing was predicted positive
        cells.append(f"{statistics.mean(values):.3f} ± {statistics.stdev(values):.3f}")
    print(f"| `{row}` | " + " | ".join(cells) + " |")
PYTHON
