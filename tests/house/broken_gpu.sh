#!/usr/bin/env bash
# The emulated GPU's tests notice what they are for: breaks the cuda backend on purpose in a copy of the repository, in
# one place after another, builds the tests and expects one to fail. Only what depends on the broken file is built.
#
#   tests/house/broken_gpu.sh [make's arguments, with which the tests were or will be built]
#
# QUICK=1 breaks seven places only, one of each kind. Prints "noticed: WHAT, by TEST" for each, and at the end how many
# were noticed and how many were not.
set -uo pipefail
cd "$(dirname "$0")/../.."
root=$PWD arguments=("$@") tests=build/release/emulated/run_tests races=build/release/emulated/run_races
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OPENBLAS_VERBOSE=0
unset CUDA_EMULATOR
noticed=0 not=0
# Programs and examples are not built again: no test here runs one.
kept=()
for program in apps/*.cpp apps/examples/*.cpp; do kept+=(-o "build/release/emulated/${program%.cpp}"); done

build() { make CUDA=emulated "${arguments[@]}" "$@" > "$work/log" 2>&1 || { tail -n 20 "$work/log"; return 1; }; }
more() { [ -z "${QUICK:-}" ]; }
missed() { echo "NOT noticed: $*"; not=$((not + 1)); }

# Breaks a file by an expression of sed and runs tests, of which one should fail:
# broken "what is broken" file expression 'patterns of tests' [the program that has the tests]
broken() {
  local what=$1 file=$2 expression=$3 patterns=$4 tests=${5:-$tests} name changed
  "$root/$tests" -tc="$patterns" > "$work/log" 2>&1 && grep -q ' [1-9][0-9]* passed | 0 failed' "$work/log" ||
    { missed "$what: unbroken, the tests $patterns do not pass"; return; }
  cd "$work/tree"
  sed "$expression" "$root/$file" > "$file"
  touch "$work/stamp"
  if cmp -s "$file" "$root/$file"; then missed "$what: $expression changes nothing in $file"
  elif ! build "${kept[@]}" "$tests"; then missed "$what: it does not build"
  elif (timeout 300 "$tests" -tc="$patterns" > "$work/log" 2>&1; exit $?) 2> /dev/null; then missed "$what, by $patterns"
  else
    name=$(sed -n 's/^TEST CASE: *//p' "$work/log" | head -n 1)
    if [ -n "$name" ]; then echo "noticed: $what, by \"$name\""; noticed=$((noticed + 1))
    else missed "$what: the tests end without a result"; tail -n 5 "$work/log"; fi
  fi
  # As it was, with the times that tell make so.
  cp -p "$root/$file" "$file"
  find build -type f -newer "$work/stamp" | while read -r changed; do cp -p "$root/$changed" "$changed"; done
  cd "$root"
}

# Leaves out the first barrier or fence, of those in a file, that follows a line with a pattern, and looks for races:
# unordered "what is no longer ordered" file pattern 'patterns of tests'
unordered() {
  broken "not ordered: $1" "$2" "/$3/,/__\(syncthreads\|threadfence\)()/{/__\(syncthreads\|threadfence\)()/d}" "$4" "$races"
}

build "$tests" "$races" || exit 1
mkdir "$work/tree"
tar -c --exclude=./.git --exclude='./build/sanitize*' --exclude=./build/release/none --exclude=./build/release/cuda . |
  tar -x -C "$work/tree"

broken "memory that is filled again before the GPU has read it" kernels/cuda/cuda_backend.cpp \
  '/cudaEventSynchronize(s.read/d' 'gpu: uploads*'
broken "a grid with more rows of blocks than CUDA launches, in sums" kernels/cuda/columns.h \
  's/std::min(groups, max_grid_y)/groups/' 'gpu: sums*'
more && broken "a grid with more rows of blocks than CUDA launches, in pooling" kernels/cuda/pool.cu \
  's/std::min(rows, 65535)/rows/' 'gpu: sums*'
broken "shared memory that is read where nothing was written" kernels/cuda/sums.h \
  's/ all\[.*\] = sums/ if (sums[q][lane] != A(0))&/' 'ops: every backend*'
more && broken "threads that do not wait for each other" kernels/cuda/sums.h \
  '/ all\[.*\] = sums/,/__syncthreads();/{/__syncthreads();/d}' 'ops: every backend*'
more && broken "a counter of blocks that does not begin at 0 again" kernels/cuda/sums.h \
  '/\*arrived = 0;/d' 'ops: every backend*'
more && broken "rows that are left after several at once" kernels/cuda/columns.h \
  's/for (; row < rows; row += step) use/if (false) use/' 'ops: every backend*'
more && broken "a thread that writes after the end of its tensor" kernels/cuda/pool.cu \
  's/if (i >= columns \* packs) return;/if (i > columns * packs) return;/' 'ops: every backend*'
more && broken "an update that does not read its guard" kernels/cuda/optim.cu \
  's/all_finite(guard, n)/all_finite(guard, n * 0)/' 'kernels: a step whose guard*'
more && broken "a readback that is not waited for" kernels/cuda/cuda_backend.cpp \
  '/CP_CUDA_CHECK(cudaEventSynchronize(copied_))/d' 'kernels: a readback*'
broken "a plan with wrong numbers that is used" kernels/cuda/conv_choice.cpp \
  's/row.timing.agrees = agree(problem, d);/row.timing.agrees = true;/' 'gpu: a plan that gives wrong*'
more && broken "a plan with wrong numbers that is used because a file says so" kernels/cuda/conv_choice.cpp \
  's/if (agree(problem, d)) {/if (true) {/' 'gpu: a plan from the file*'
broken "a graph that cuDNN refuses, without a word" kernels/cuda/conv_choice.cpp \
  's/if (!warned_) {/if (false) {/' 'gpu: what cuDNN refuses*'
more && broken "a graph that cuDNN refuses, uncounted" kernels/cuda/conv_choice.cpp \
  's/if (choice.plan || choice.uses == 0) continue;/continue;/' 'gpu: what cuDNN refuses*'
more && broken "a sum that a plan computes, too, and that is not compared" kernels/cuda/conv_choice.cpp \
  's/  if (p.relu_grad) y.push_back.*//' 'gpu: what follows*'
# Every barrier and fence of the kernels.
unordered "what threads write for a reduction" kernels/cuda/launch.h ' values\[threadIdx' 'ops: every backend*'
more && unordered "what a reduction's threads have combined" kernels/cuda/launch.h ' parts\[threadIdx' 'ops: every backend*'
more && unordered "whether a block was last, and whether it is" kernels/cuda/sums.h 'CP_SHARED(unsigned, before' 'gpu: the emulator*'
more && unordered "a block's sums, and that it is done" kernels/cuda/sums.h 'if (threadIdx.x == 0) {' 'ops: every backend*'
more && unordered "that others are done, and their sums" kernels/cuda/sums.h 'atomicAdd' 'ops: every backend*'
more && broken "not ordered: that a block is last, and its threads" kernels/cuda/sums.h \
  '/^  __syncthreads();$/{N;s/.*\n  if (before/  if (before/}' 'ops: every backend*' "$races"
more && unordered "the sums of rows" kernels/cuda/sums.h ' all\[.*\] = sums' 'ops: every backend*'
more && unordered "the sums of the next group" kernels/cuda/sums.h ' shares\[.*= sum;' 'gpu: sums*'
more && unordered "the shares of a column" kernels/cuda/sums.h ' partial\[.*= sum;' 'ops: every backend*'
more && unordered "the next tile of an image" kernels/cuda/conv_few_channels.cu 'const auto loaded =' 'conv few*'
more && unordered "a tile that is loaded" kernels/cuda/conv_few_channels.cu ' pixels\[at\] =' 'conv few*'
more && unordered "the sums of warps" kernels/cuda/conv_few_channels.cu 'row += warp_rows' 'conv few*'
more && unordered "the sum of all warps" kernels/cuda/conv_few_channels.cu 'sum = row == 0' 'conv few*'
# What orders the branches of a graph, and keeps their memory apart.
broken "a branch that does not wait for what is before it" kernels/cuda/work_graph.cpp \
  's/fork_ = after_;/fork_ = std::exchange(after_, {});/' 'gpu: gradients*' "$races"
more && broken "branches that are not waited for" kernels/cuda/work_graph.cpp \
  '/else after_.insert(/d' 'gpu: gradients*' "$races"
more && broken "memory that is used again while a branch may use it" kernels/cuda/cuda_step_graph.cpp \
  's/blocks\[k\].end = /if (i == 0) &/' 'gpu: gradients*' "$races"
more && broken "branches that count their blocks together" kernels/cuda/cuda_backend.h \
  's/ + (queue_.is_aside() ? max_arrivals : 0)//' 'gpu: gradients*' "$races"
# More of them: one call of broken() or unordered() each.

echo "$noticed noticed, $not not"
[ "$not" -eq 0 ]
