#!/usr/bin/env bash
# The parts of tests/on_gpu.sh: `parts.sh list` prints them, `parts.sh NAME` runs one, which prints to stdout and stderr
# and puts files into RESULTS/NAME/. LIMIT is the number of seconds that it has. Exit codes: 0, 77 if it cannot run on
# this machine (the last line says why), and anything else for a failure.
set -uo pipefail

# NAME|its limit in seconds|the least that it begins with|what it shows
list() {
  cat <<'LIST'
machine|40|3|what machine and libraries these are, and that the program computes on the GPU
plans|150|20|every plan of cuDNN for each of VGG16's 26 convolutions in bf16, and for gradients through relu: time, agreement
ours|110|10|a training step and a forward pass of VGG16, also without CUDA graphs and with compiled kernels
compile|120|30|nothing: makes PyTorch's compiled code, a minute for each network, before it is timed
pytorch|120|30|the same by PyTorch, eager and compiled
tables|240|20|every operation, loss, layer and network on the GPU, compared with the reference and with PyTorch's results
operations|90|10|each operation of a training step: GB/s and TFLOP/s, beside the GB/s of a copy
sanitizers|240|20|compute-sanitizer's racecheck, memcheck and synccheck of our own kernels
gpu-tests|240|10|catdog on the GPU: losses equal to the CPU's, the same bits in every run, every technique
speed|300|60|the README's table: VGG16 and PyTorch alternating, times and memory
threads|240|30|the CPU's threads: a training step with 1 to 16 threads, and PyTorch's with as many
experiments|420|40|the lectures' experiments: VGG16 at 160x160 on photographs, 1000 cats to 11000 dogs, and balanced
resnets|240|20|ResNet-50, and ResNet-32 of CIFAR: training steps and forward passes, ours and PyTorch's
cifar10-lt|420|40|CIFAR-10-LT, imbalance factor 100: the methods of counterpoise reproduce but AutoBalance, at full length
cifar10|180|20|cats and dogs of CIFAR-10, long-tailed
LIST
}

[ "${1:-}" = list ] && { list; exit; }
cd "$(dirname "$0")/../.." || exit 1
part=$1 started=$SECONDS status=0
try=${ON_GPU_TRY:-} limit=${LIMIT:-3600} results=${RESULTS:-/tmp/on_gpu_results}

# What was packed lies in programs/ and libraries/; in a checkout it was built.
if [ -d programs ]; then programs=$PWD/programs; else programs=$(realpath -m "${BUILD:-build/release/cuda}"); fi
bench=$programs/apps/bench
export COUNTERPOISE_SOURCE=$PWD OPENBLAS_VERBOSE=0 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 BENCH=$bench
[ -n "$try" ] && export BENCH_TRY=$bench CUDA_EMULATOR=${CUDA_EMULATOR-real-time}
# The fastest plans for convolutions: found once, and part of the results.
export COUNTERPOISE_CACHE=${COUNTERPOISE_CACHE-$results/cache}
# PyTorch's compiled code, of this series of parts.
export TORCHINDUCTOR_CACHE_DIR=${TORCHINDUCTOR_CACHE_DIR-$results.inductor}
# cuBLAS and cuDNN: those that PyTorch uses, if there are any, before those of CUDA's folder, so that both programs
# compute with the same ones.
nvidia=$(python3 -c "import glob, sys; print(*(d for p in sys.path for d in glob.glob(p + '/nvidia/*/lib')))" 2>/dev/null)
for folder in $nvidia libraries /usr/local/cuda/lib64 /usr/local/cuda-*/lib64; do
  [ -d "$folder" ] && LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$(realpath "$folder")
done
export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}

# Runs a command, whose output appears line by line, and goes on if it fails.
go() {
  echo "\$ ${*//$PWD\//}"
  stdbuf -oL "$@"
  ended $? "$@"
}
# The same for at most that many seconds. (In the foreground, so that the end of this part is its end, too.)
go_for() {
  local seconds=$1
  shift
  echo "\$ ${*//$PWD\//}"
  timeout --foreground -k 5 "$seconds" stdbuf -oL "$@"
  ended $? "$@"
}
ended() {
  local code=$1
  shift
  [ "$code" -eq 0 ] && return
  status=$code
  echo "-- ended with $code: $(basename "$1") ${*:2:3}"
  return "$code"
}
# at_once NAME COMMAND... starts a command beside others; finish waits for all of them and prints what each printed, in
# their order. What those that the part's time limit ends had printed comes before its end, too.
at_once_names=() at_once_commands=() at_once_pids=()
at_once() {
  local name=$1 log=$results/$part/${#at_once_pids[@]}.log
  shift
  mkdir -p "$results/$part"
  "$@" >"$log" 2>&1 &
  at_once_names+=("$name") at_once_commands+=("$*") at_once_pids+=($!)
}
finish() {
  local i code
  next=0
  trap 'for ((; next < ${#at_once_pids[@]}; ++next)); do print_of $next; done' EXIT
  for i in "${!at_once_pids[@]}"; do
    wait "${at_once_pids[i]}"
    code=$?
    print_of "$i"
    next=$((i + 1))
    ended $code "${at_once_names[i]}"
  done
  trap - EXIT
}
print_of() {
  echo "== ${at_once_names[$1]}"
  echo "\$ ${at_once_commands[$1]//$PWD\//}"
  cat "$results/$part/$1.log"
}
skip() { echo "$*"; exit 77; }
left() { echo $((limit - (SECONDS - started))); }
# The value for a real GPU, or the tiny one.
real_or() { [ -n "$try" ] && echo "$2" || echo "$1"; }

precision=bf16 width=$(real_or 1 0.05)
network=(--device cuda --precision $precision --width "$width")

part_machine() {
  show() { echo "== $1"; shift; "$@" 2>&1 || echo "(ended with $?)"; }
  show program cat BUILT
  show version "$programs/apps/catdog" --version
  show gpu nvidia-smi --query-gpu=name,driver_version,memory.total,memory.free,clocks.max.sm,power.limit --format=csv,noheader
  show nvidia-smi nvidia-smi
  show system sh -c "grep PRETTY_NAME /etc/os-release; uname -r; ldd --version | head -n 1"
  show cpu sh -c "nproc; grep -m 1 'model name' /proc/cpuinfo; grep -m 1 ^flags /proc/cpuinfo | tr ' ' '\n' | \
    grep -E '^(avx2|fma|bmi2|avx512f|avx512_bf16|amx_bf16)$' | tr '\n' ' '; echo"
  show memory sh -c "grep -E 'MemTotal|MemAvailable' /proc/meminfo; df -h /dev/shm /tmp"
  show libraries sh -c "ldd $bench; printf '%s\n' '$LD_LIBRARY_PATH' | tr : '\n'"
  show tools sh -c "command -v compute-sanitizer nvcc g++ xz python3; ls -d /usr/local/cuda*"
  show pytorch python3 -c "import importlib.metadata; print(importlib.metadata.version('torch'))"
  echo "== start"
  go "$bench" infer "${network[@]}" --size 32 --batch 1 --seconds 0
}

part_plans() {
  go "$bench" plans --compile "${network[@]}" --size "$(real_or 160 32)" --batch "$(real_or 256 2)"
}

part_ours() {
  local shape size batch mode flags
  for shape in $(real_or "160,256 160,64 224,128" "32,2 32,1"); do
    size=${shape%,*} batch=${shape#*,}
    for mode in train infer "train --compile" "train --no-cuda-graphs" "infer --no-cuda-graphs"; do
      case "$shape $mode" in 224,*--*) continue ;; esac
      read -ra flags <<<"$mode"
      go "$bench" "${flags[@]}" "${network[@]}" --size "$size" --batch "$batch" --seconds "$(real_or 1.5 0)"
    done
  done
}

part_pytorch() {
  has_pytorch || skip "PyTorch is not on this machine"
  local batch
  for batch in $(real_or "256 64" 2); do
    go python3 apps/scripts/bench_pytorch.py train,infer --variant eager,compile "${network[@]}" \
      --size "$(real_or 160 32)" --batch "$batch" --seconds "$(real_or 2 0)"
  done
}

# All networks at once. What PyTorch chose by timing meanwhile is chosen again.
part_compile() {
  has_pytorch || skip "PyTorch is not on this machine"
  local shape model size batch precision pid pids=()
  for shape in $(real_or "vgg16,160,256,bf16 vgg16,160,64,bf16 resnet50,224,128,bf16 resnet32,32,128,tf32" \
    "vgg16,32,2,bf16"); do
    IFS=, read -r model size batch precision <<<"$shape"
    python3 apps/scripts/bench_pytorch.py train,infer --variant compile --model "$model" --device cuda \
      --precision "$precision" --width "$width" --size "$size" --batch "$batch" --seconds 0 &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || status=1; done
  find "$TORCHINDUCTOR_CACHE_DIR" -name '*.best_config' -delete
}

has_pytorch() { python3 -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"; }

# The tests compare what they find: without a GPU they would pass on the CPU alone. (The program of the tests must find
# it, not only the others: a test that needs one is skipped otherwise.)
need_gpu() {
  "$programs/run_tests" -tc='ops: tf32*' | grep -q 'test cases: *1 | *1 passed' && return
  "$programs/apps/catdog" --version | grep '^CUDA:'
  echo "the tests find no GPU"
  exit 4
}

# In processes at the same time, since one core computes what the GPU's numbers are compared with.
part_tables() {
  need_gpu
  local name names=('ops*' 'kernels: large*,kernels: kernels*,kernels: conv*,kernels: one*,kernels: NaN*,conv*,cudnn*,bf16*'
    'golden*' 'layers*,models*,module*,graph*'
    'losses: g*,losses: values*,losses golden*,every loss*,optim*,loader*,augment*')
  [ -n "$try" ] && names=('ops: bf16*' 'bf16*,augment*')
  for name in "${names[@]}"; do at_once "$name" stdbuf -oL "$programs/run_tests" -d "-tc=$name"; done
  finish
}

part_operations() {
  go "$bench" operations "${network[@]}" --size "$(real_or 160 32)" --batch "$(real_or 256 2)" --stream \
    --seconds "$(real_or 0.5 0)"
}

# Races and invalid synchronization appear only on a real GPU. memcheck examines the kernels of cuBLAS and cuDNN, too.
# racecheck of CUDA 13.0 ends with an internal error where cuDNN computes some convolutions in bf16, also if it is to
# examine no kernel at all: these are left out. Under these tools a kernel takes a hundred times as long to start: so all
# run at once. (Without stdbuf, which inserts itself into a program as compute-sanitizer does.)
part_sanitizers() {
  need_gpu
  local tool tests option sanitizer chosen
  sanitizer=$(command -v compute-sanitizer $(printf '%s\n' $nvidia | sed 's|lib$|bin/compute-sanitizer|') \
    /usr/local/cuda*/bin/compute-sanitizer | head -n 1)
  [ -n "$sanitizer" ] || skip "compute-sanitizer is not on this machine"
  # Newer versions say --kernel-name for what was --kernel-regex.
  option=--kernel-regex
  "$sanitizer" --help | grep -q -- "kernel-name" && option=--kernel-name
  "$sanitizer" --version
  for tests in 'conv few channels: the same*,optim: the steps*,optim: averages*' 'kernels: kernels*,augment: every*' \
    'ops: bf16 agrees*' 'ops: bf16 conv*' 'ops: tf32*'; do
    for tool in racecheck memcheck synccheck; do
      [ "$tool $tests" = 'racecheck ops: bf16 conv*' ] && continue
      chosen=("$option" kns=counterpoise)
      if [ $tool = memcheck ]; then
        chosen=()
        "$sanitizer" --help | grep -q track-stream && chosen=(--track-stream-ordered-races all)
      fi
      at_once "$tool of $tests" "$sanitizer" --tool $tool --target-processes application-only --print-limit 20 \
        --error-exitcode 9 "${chosen[@]}" "$programs/run_tests" "-tc=$tests"
    done
  done
  finish
}

part_gpu-tests() {
  need_gpu
  go "$programs/run_tests" -d "-tc=$(real_or 'gpu*' 'gpu: --device*,gpu: the losses*')"
}

part_speed() {
  local cases="train 160 256,infer 160 256,train 160 64,infer 160 64,train 224 128,infer 224 128"
  go python3 apps/scripts/bench.py gpu --precision $precision --cases "$(real_or "$cases" "train 32 2,infer 32 2")" \
    --rounds "$(real_or 2 1)" --seconds "$(real_or 2 0)"
}

part_threads() {
  go python3 apps/scripts/bench.py threads --cases "$(real_or "train 160 16" "train 32 2")" --rounds "$(real_or 2 1)" \
    --seconds "$(real_or 1 0)"
}

# Trainings at the same time take turns on a GPU, unless NVIDIA's Multi-Process Service lets the kernels of one run beside
# those of another: with it two of VGG16 were a quarter faster on an H200.
start_mps() {
  local control folder
  control=$(command -v nvidia-cuda-mps-control /usr/local/nvidia/bin/nvidia-cuda-mps-control | head -n 1)
  [ -n "$control" ] || return
  folder=$(mktemp -d)
  export CUDA_MPS_PIPE_DIRECTORY=$folder CUDA_MPS_LOG_DIRECTORY=$folder
  # (The path is part of the trap's text, since the variables are gone by then.)
  trap "echo quit | CUDA_MPS_PIPE_DIRECTORY='$folder' '$control' >/dev/null; rm -rf '$folder'" EXIT
  if "$control" -d && timeout 30 "$bench" infer "${network[@]}" --size 32 --batch 1 --seconds 0 >/dev/null; then
    echo "with NVIDIA's Multi-Process Service"
  else
    unset CUDA_MPS_PIPE_DIRECTORY CUDA_MPS_LOG_DIRECTORY
  fi
}

# study DATA STUDY options...: `counterpoise reproduce`, which a later run of the part continues, and its table as far as
# it came. ROWS, SEEDS, JOBS (trainings at the same time) and OPTIONS in the environment choose others.
study() {
  local data=$1 name=$2 output=$results/$part
  shift 2
  local command=("$programs/apps/counterpoise" reproduce)
  [ "${JOBS:-3}" -gt 1 ] && start_mps
  [ "$name" = lectures ] || command+=("$name")
  go_for $(($(left) > 15 ? $(left) - 10 : 5)) "${command[@]}" --data "$data" --output "$output" --discard-weights \
    --seeds "${SEEDS:-1}" --jobs "${JOBS:-3}" "$@" --device cuda --workers "$(($(nproc) / ${JOBS:-3} + 1))" ${OPTIONS:-}
  command+=(--data "$data" --output "$output" --table)
  [ "$name" = lectures ] && command+=(--scale full)
  go "${command[@]}"
}

# catdog for a share of the time that is left, in percent: experiment SHARE NAME flags...
experiment() {
  local share=$1 folder=$results/$part/$2
  shift 2
  echo "== $(basename "$folder")"
  go_for $(($(left) * share / 100)) "$programs/apps/catdog" --device cuda --precision $precision --model vgg16 \
    --width "$width" --batch-size "$(real_or 64 4)" --lr 0.0001 --epochs "$(real_or 20 2)" \
    --augment flip,rotate=0.03 --workers "$(nproc)" --output "$folder" "$@"
  find "$folder" -name '*.safetensors' -delete 2>/dev/null
}
images() { find "$1" -name '*.jpg' 2>/dev/null | wc -l; }

part_experiments() {
  local data=${PHOTOGRAPHS:-/dev/shm/photographs} cats dogs rows
  cats=$(images "$data/train/cat") dogs=$(images "$data/train/dog")
  echo "$data: $cats cats, $dogs dogs to train on, $(images "$data/validation") to validate on"
  [ "$cats" -ge 1000 ] && [ "$dogs" -ge 11000 ] ||
    skip "$data has too few photographs: unpack photographs-*.tar"
  rows="R4 R8 R7 R5 R6"
  [ "$cats" -ge 11000 ] && rows="$rows R1"
  study "$data" lectures --scale full ${ROWS:-$(real_or "$rows" R4)} -- --precision $precision \
    $(real_or "" "--width $width --image-size 32 --epochs 2 --max-steps 2 --batch-size 4")
}

part_resnets() {
  local shape model size batch precision arguments mode
  for shape in $(real_or "resnet50,224,128,bf16 resnet32,32,128,tf32 resnet32,32,128,bf16" "resnet20,32,2,fp32"); do
    IFS=, read -r model size batch precision <<<"$shape"
    arguments=(--model "$model" --device cuda --precision "$precision" --size "$size" --batch "$batch" --seconds
      "$(real_or 1 0)")
    for mode in train infer; do
      go "$bench" $mode "${arguments[@]}"
      go "$bench" $mode --no-cuda-graphs "${arguments[@]}"
    done
    has_pytorch && go python3 apps/scripts/bench_pytorch.py train,infer --variant eager,compile "${arguments[@]}"
  done
}

part_cifar10-lt() {
  local data=${CIFAR10:-/dev/shm/cifar10}
  [ "$(images "$data/train/airplane")" -ge "$(real_or 5000 1)" ] ||
    skip "$data has too few images: unpack cifar10.tar.xz"
  # (AutoBalance, whose search needs fp32, takes five times as long as any other.)
  local rows
  rows=$("$programs/apps/counterpoise" reproduce cifar10-lt --data "$data" --list |
    sed -n 's/^| \([a-z-]*\) *| cifar10-lt .*/\1/p' | grep -vx autobalance)
  study "$data" cifar10-lt --epochs "$(real_or 200 2)" --model "$(real_or resnet32 resnet20)" \
    ${ROWS:-$(real_or "$rows" cross-entropy)} -- --precision "${PRECISION:-$(real_or tf32 fp32)}"
}

part_cifar10() {
  local data=${CIFAR10:-/dev/shm/cifar10} cats common rare loss
  cats=$(images "$data/train/cat") common=$(real_or 5000 12)
  [ "$cats" -ge "$common" ] || skip "$data has too few images: unpack cifar10.tar.xz"
  # Of all ten classes, if they are there, the two.
  local two class
  two=$(mktemp -d)
  trap 'rm -rf "$two"' EXIT
  for class in train/cat train/dog validation/cat validation/dog; do
    mkdir -p "$two/$(dirname $class)"
    ln -s "$(realpath "$data/$class")" "$two/$class"
  done
  data=$two
  for rare in $(real_or "500 50" 4); do
    for loss in bce focal; do
      experiment 45 "$rare-to-$common-$loss" --data "$data" --image-size 32 --count "cat=$rare,dog=$common" --loss $loss
    done
  done
  experiment 95 balanced --data "$data" --image-size 32 --count "cat=$common,dog=$common" --loss bce
}

"part_$part"
exit $status
