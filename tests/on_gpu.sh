#!/usr/bin/env bash
# Everything that only a GPU can show, in one run of under nine minutes:
#
#   tests/on_gpu.sh RESULTS PHOTOGRAPHS     # after make; PHOTOGRAPHS as in data/README.md, 11,000 of each class
#
# 1. the whole table of operations, losses, layers and networks on the GPU, compared with the reference, and the twenty
#    steps, compared with PyTorch's; 2. the lectures' experiment at full size: VGG16 at 160x160, balanced, and one cat
#    to eleven dogs with cross-entropy and with the focal loss; 3. speed and memory, compared with PyTorch's, and the
#    speed of each operation; 4. compute-sanitizer's memcheck.
# Each part has a time limit; one that takes longer is ended and reported. RESULTS gets a log of each, and summary.txt.
# BUILD is the folder with run_tests and apps/ (build/release/cuda); cuBLAS and cuDNN may be Python's nvidia packages.
set -uo pipefail
cd "$(dirname "$0")/.."
results=${1:?where the results go} photographs=${2:?where the photographs are}
build=${BUILD:-build/release/cuda}
mkdir -p "$results"
summary=$results/summary.txt
: >"$summary"
export COUNTERPOISE_SOURCE=$PWD OPENBLAS_VERBOSE=0
nvidia=$(python3 -c "import glob, sys; print(':'.join(d for p in sys.path for d in glob.glob(p + '/nvidia/*/lib')))" \
  2>/dev/null)
export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}${nvidia:+:$nvidia}

say() { echo "$*" | tee -a "$summary"; }
# part NAME SECONDS command...: into RESULTS/NAME.log
part() {
  local name=$1 limit=$2 start=$SECONDS status
  shift 2
  timeout "$limit" "$@" >"$results/$name.log" 2>&1
  status=$?
  case $status in
    0) say "$name: done in $((SECONDS - start)) s" ;;
    124) say "$name: ENDED after its $limit s" ;;
    *) say "$name: FAILED with $status: $(tail -n 1 "$results/$name.log" | cut -c1-300)" ;;
  esac
  return $status
}

say "$("$build/apps/catdog" --version 2>&1 | grep CUDA)"
part start 30 "$build/apps/bench" infer --device cuda --size 32 --batch 1 --seconds 0 || exit 4

part tests 110 "$build/run_tests" -d \
  -tc='ops*,kernels: large*,kernels: kernels*,kernels: NaN*,golden*,layers*,graph*,losses: gradients*,every loss*,optim*,loader*,augment*,models*,module*,gpu*,bf16*'
say "  $(grep -a '^\[doctest\] test cases' "$results/tests.log" | tail -n 1)"

# experiment NAME flags...
experiment() {
  local name=$1
  shift
  part "$name" 55 "$build/apps/catdog" --data "$photographs" --device cuda --precision bf16 --model vgg16 --batch-size 64 \
    --lr 0.0001 --epochs 20 --augment flip,rotate=0.03 --workers "$(nproc)" --output "$results/$name" "$@"
  sed 's/^/  /' "$results/$name.log" | tail -n 10 | tee -a "$summary"
  rm -f "$results/$name"/*.safetensors
}
say "the lectures' F1: 0.96 balanced, 0.833 at 1000/11000, 0.876 there with focal"
experiment balanced --count cat=11000,dog=11000 --loss bce
experiment imbalanced-bce --count cat=1000,dog=11000 --loss bce
experiment imbalanced-focal --count cat=1000,dog=11000 --loss focal --gamma 2 --alpha 0.5

part speed 160 env BENCH="$build/apps/bench" python3 apps/scripts/bench.py gpu --cases "train 160 256,infer 160 256" --rounds 2 \
  --seconds 2
grep -a '|' "$results/speed.log" | tee -a "$summary"
part operations 20 "$build/apps/bench" operations --device cuda --precision bf16 --batch 256

if command -v compute-sanitizer >/dev/null; then
  part memcheck 50 compute-sanitizer --tool memcheck --error-exitcode 9 "$build/run_tests" -tc='ops: bf16*,loader*,augment*'
  say "  $(grep -a 'ERROR SUMMARY' "$results/memcheck.log" | tail -n 1)"
else
  say "memcheck: compute-sanitizer is not here"
fi
say "all in $SECONDS s"
