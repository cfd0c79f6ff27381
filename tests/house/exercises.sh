#!/usr/bin/env bash
# Every exercise of apps/lessons: its stub is unsolved, the library's functions solve it, wrong solutions are noticed
# (tests/lessons/exercises.cpp). With names of lessons, as 01_line, those alone.
set -uo pipefail
cd "$(dirname "$0")/../.."
jobs=$(nproc)
make -s -j"$jobs" build/release/include/counterpoise/counterpoise.h build/release/none/libcounterpoise.a CUDA=0 || exit 1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

one() {
  local name=$1
  "${CXX:-g++}" -std=c++17 -O0 -w -Ibuild/release/include -I. -DSTUB="\"apps/lessons/exercises/$name.h\"" \
    -DCHECK="\"apps/lessons/checks/$name.h\"" -DTWIN="\"tests/lessons/twins/$name.h\"" \
    -DMUTANTS="\"tests/lessons/mutants/$name.h\"" tests/lessons/exercises.cpp build/release/none/libcounterpoise.a \
    -o "$out/$name" -lopenblas -lpthread && "$out/$name"
}
export -f one
export out
names=("$@")
[ $# -gt 0 ] || for file in apps/lessons/[0-9]*.cpp; do names+=("$(basename "${file%.cpp}")"); done
printf '%s\n' "${names[@]}" | xargs -P "$jobs" -I{} bash -c 'one {} || touch "$out/failed"'
[ ! -e "$out/failed" ] && echo "exercises: ${#names[@]} lessons"
