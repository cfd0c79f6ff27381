#!/usr/bin/env bash
# Every loss and every technique on the synthetic cats and dogs, one cat to eleven dogs and one to twenty-two, five seeds each:
# two tables of means and standard deviations. About half an hour on two cores.
#
# All runs have one network and one schedule, those that plain cross-entropy does well with, and every method its
# defaults: the tables compare what they do out of the box, not what each could be tuned to.
set -euo pipefail
cd "$(dirname "$0")/../.."

rows=(
  # Losses, in the registry's order. The equalization losses' lambda is the share below which a class counts as rare;
  # their defaults are for a thousand classes.
  "--loss mse" "--loss l1" "--loss smooth-l1" "--loss huber" "--loss log-cosh"
  "--loss bce" "--loss bce --pos-weight auto" "--loss bce --label-smoothing 0.1" "--loss weighted-bce" "--loss balanced-bce"
  "--loss focal" "--loss focal --alpha none" "--loss focal --alpha 0.5" "--loss cross-entropy"
  "--loss class-balanced" "--loss class-balanced --gamma 2" "--loss ldam"
  "--loss logit-adjusted" "--loss balanced-softmax" "--loss cdt" "--loss vs"
  "--loss asymmetric" "--loss poly1" "--loss gce" "--loss sce"
  "--loss dice" "--loss tversky" "--loss focal-tversky" "--loss soft-f1"
  "--loss ghm" "--loss equalization --lambda 0.2" "--loss softmax-equalization --lambda 0.2" "--loss equalization-v2"
  "--loss seesaw" "--loss influence-balanced" "--loss quality-focal" "--loss hinge"
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
