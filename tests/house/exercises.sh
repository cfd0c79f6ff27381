#!/usr/bin/env bash
# The lessons: each prints what its text quotes and draws the images that stand there, and its exercise can be solved:
# the stub is unsolved, the library's functions solve it, or where it has none the answer that `make reveal` prints, and
# wrong solutions are noticed (tests/lessons/exercises.cpp). With names, as 01_line, those alone; without, the figures of
# the READMEs are those that are drawn, too.
set -uo pipefail
cd "$(dirname "$0")/../.."
names=("$@")
[ $# -gt 0 ] || for file in apps/lessons/[0-9]*.cpp; do names+=("$(basename "${file%.cpp}")"); done
jobs=$(nproc)
make -s -j"$jobs" CUDA=0 "${names[@]/#/build/release/none/apps/lessons/}" || exit 1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export out
compile="${CXX:-g++} -std=c++17 -O0 -w -I$out/parsed -Ibuild/release/include -I."
export compile
# (All include the same header: it is parsed once.)
mkdir -p "$out/parsed/counterpoise"
cp build/release/include/counterpoise/counterpoise.h "$out/parsed/counterpoise/"
$compile -x c++-header "$out/parsed/counterpoise/counterpoise.h" || exit 1

figures() { find . -path ./build -prune -o -path '*/figures/*.svg' -print; }

# The lines of a text's blocks that begin with ``` alone.
quoted() { awk '/^```/ { plain = !open && $0 == "```"; open = !open; next } plain' "$1"; }

one() {
  local name=$1 twin=tests/lessons/twins/$1.h files image
  build/release/none/apps/lessons/"$name" "$out/$name.images" >"$out/$name.printed" || return 1
  quoted "apps/lessons/$name.md" | while IFS= read -r line; do
    grep -qxF -- "$line" "$out/$name.printed" || { echo "$name.md quotes what $name does not print: $line"; touch "$out/failed"; }
  done
  # (What is in 14's images depends on rounding: they show the mistakes of trained networks.)
  [ "$name" = 14_catdog ] || for image in "$out/$name.images"/* "apps/lessons/images/${name%%_*}"_*; do
    tests/house/same_image.sh "apps/lessons/images/${image##*/}" "$out/$name.images/${image##*/}" || touch "$out/failed"
  done
  if [ -e "apps/lessons/answers/$name.txt" ]; then
    [ ! -e "$twin" ] || { echo "$name has an answer, and a twin in the library"; return 1; }
    twin=$out/$name.answer.h
    make -s reveal N="${name%%_*}" >"$twin" || return 1
  fi
  files=(-DSTUB="\"apps/lessons/exercises/$name.h\"" -DCHECK="\"apps/lessons/checks/$name.h\""
    -DTYPES="\"apps/lessons/checks/${name}_types.h\"" -DTWIN="\"$twin\""
    -DMUTANTS="\"tests/lessons/mutants/$name.h\"")
  $compile "${files[@]}" tests/lessons/exercises.cpp \
    build/release/none/libcounterpoise.a -o "$out/$name" -lopenblas -lpthread && "$out/$name"
}
export -f one quoted
printf '%s\n' "${names[@]}" | xargs -P "$jobs" -I{} bash -c 'one {} || touch "$out/failed"'
if [ $# -eq 0 ]; then
  # A lesson has a number, with or without the zero; for another one make says which there are.
  make -s reveal N=1 | grep -q '01_line.md says' || { echo "make reveal N=1 knows no lesson 1"; touch "$out/failed"; }
  answer=$(make -s reveal N=17 2>&1)
  [[ $answer == *"valid are N=01 N=02 "* ]] || { echo "make reveal N=17 names no N"; touch "$out/failed"; }
  draw=build/release/none/apps/figures/draw
  make -s -j"$jobs" CUDA=0 $draw && $draw "$out/drawn" >"$out/figures" || touch "$out/failed"
  for image in $( (figures; cd "$out/drawn" && figures) | sort -u); do
    tests/house/same_image.sh "$image" "$out/drawn/$image" || touch "$out/failed"
  done
fi
[ ! -e "$out/failed" ] && echo "lessons: ${#names[@]}, as they should be"
