#!/usr/bin/env bash
# Every loss and every technique on the synthetic cats and dogs, with one cat to eleven dogs and one to twenty-two, five
# seeds each: two tables of means and standard deviations. It takes about half an hour on two cores.
#
# All runs have the same network and schedule, with which plain cross-entropy does well, and every method has its
# defaults: the tables compare the methods as they are, not what each could be tuned to.
set -euo pipefail
cd "$(dirname "$0")/../.."

# The losses of the registry, and variants of some. The equalization losses' lambda is the share below which a class
# counts as rare; their default is for a thousand classes.
rows=()
for loss in $(./apps/losses list --json | python3 -c 'import json, sys; print(*[row["name"] for row in json.load(sys.stdin)])'); do
  case $loss in
    equalization | softmax-equalization) rows+=("--loss $loss --lambda 0.2") ;;
    *) rows+=("--loss $loss") ;;
  esac
done
rows+=(
  "--loss bce --pos-weight auto" "--loss bce --label-smoothing 0.1" "--loss focal --alpha none"
  "--loss focal --alpha 0.5" "--loss class-balanced --gamma 2"
  # Class weights.
  "--class-weights inverse" "--class-weights sqrt" "--class-weights effective=0.999" "--class-weights median"
  "--class-weights balanced --defer-weights 0.8"
  # Samplers.
  "--sampler undersample" "--sampler undersample-each-epoch" "--sampler oversample" "--sampler weighted"
  "--sampler class-balanced" "--sampler square-root" "--sampler reverse" "--sampler progressive"
  "--sampler balanced-batch" "--sampler repeat-factor"
  # Mixed images.
  "--mixup 0.2" "--cutmix 1" "--remix 1"
  # After training.
  "--crt 2" "--outputs 2 --loss cross-entropy --tau-norm 1" "--adjust-logits 1" "--temperature"
  "--threshold f1" "--threshold balanced-accuracy"
)
for cats in 200 100; do
  echo "### $cats cats, 2200 dogs"
  echo
  apps/scripts/five_seeds.sh --common "--count cat=$cats,dog=2200 --model vgg11_bn --image-size 32 --epochs 5" \
    --metrics "f1 balanced_accuracy recall average_precision" "${rows[@]}"
  echo
done
