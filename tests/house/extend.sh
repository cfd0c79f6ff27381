#!/usr/bin/env bash
# What an extension costs: applies each patch of this folder to a copy of the repository, checks how many files it
# touches, builds, and runs what it added.
#
#   tests/house/extend.sh           needs a built tree (`make test`), of which it copies the objects
#
# The patches are examples, too: how to add an optimizer, a model, an augmentation, a loss.
set -uo pipefail
cd "$(dirname "$0")/../.."
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
failed=0

# extension NAME FILES TESTS: the patch, how many files of the library it may touch, and tests to run.
extension() {
  local name=$1 most=$2 cases=$3 touched
  touched=$(grep -c '^+++ b/\(kernels\|core\|layers\|losses\|optim\|data\|apps\)/' "tests/house/$name.patch")
  if [ "$touched" -gt "$most" ]; then echo "$name touches $touched files, more than $most"; failed=$((failed + 1)); return; fi
  if ! (cd "$copy" && git apply -C1 --whitespace=nowarn "tests/house/$name.patch" 2>&1); then
    echo "$name.patch does not apply"; failed=$((failed + 1)); return
  fi
  echo "$name: $touched files"
  tests=${tests:-}${tests:+,}$cases
}
# Runs a program of the copy, which must succeed.
try() { (cd "$copy" && "$@" > log 2>&1) || { echo "FAILED: $*"; grep -a -E 'ERROR|values|logged' "$copy/log" | head -n 6; tail -n 3 "$copy/log"; failed=$((failed + 1)); }; }

export COUNTERPOISE_SOURCE=$copy  # where the tests find their golden files
git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$copy"
if [ -d build/release ]; then
  tar --exclude=build/release/cuda --exclude=build/release/emulated -cf - build/release build/packages | tar -xf - -C "$copy"
fi
find "$copy" -path "$copy/build" -prune -o -type f -exec touch -r Makefile {} +  # objects stay newer than sources
(cd "$copy" && git init -q . && git add -A . >/dev/null 2>&1)

extension rmsprop 2 'optim*'
extension small_resnet 2 'models*,layers*'
extension warmth 2 'augment*'
extension squared_hinge 2 'losses*'

# (Of the tests and programs only those that are run, and without optimization: the patches change headers that all
# include.)
sources="tests/main.cpp tests/backends.cpp tests/golden.cpp tests/core/op_table.cpp tests/core/gradcheck.cpp"
sources="$sources tests/data/test_augment.cpp $(ls tests/optim/*.cpp tests/layers/test_{layers,models}.cpp tests/losses/test_loss*.cpp | tr '\n' ' ')"
if (cd "$copy" && make CUDA=0 ${MAKE_ARGS:-} PROGRAMS=apps/catdog EXAMPLES= TEST_SOURCES="$sources" \
      EXTRA="-O0 -DSOURCE_DIR='\"$copy\"' -DBUILD_FLAGS='\"extended\"'" all build/release/none/run_tests > build.log 2>&1); then
  try ./build/release/none/run_tests -tc="$tests"
  small="--count cat=8,dog=24 --image-size 32 --width 0.05 --epochs 1 --device cpu"
  try ./apps/catdog $small --optimizer rmsprop
  try ./apps/catdog $small --model small-resnet --output runs/resnet
  try ./apps/catdog eval --weights runs/resnet/last.safetensors --device cpu
  try ./apps/catdog $small --augment flip,warmth=0.2
  try ./apps/catdog $small --loss squared-hinge --margin 2
else
  tail -n 20 "$copy/build.log"
  failed=$((failed + 1))
fi
echo "extensions: $failed failed"
[ "$failed" -eq 0 ]
