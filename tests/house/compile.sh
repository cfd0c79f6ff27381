#!/usr/bin/env bash
# Compiles what `make` does not, against the headers as they are installed:
#
#   tests/house/compile.sh headers     each public header alone, but those that `make` compiled so: what stands first in
#                                      the .cpp of its name
#   tests/house/compile.sh snippets    the C++ in every README: whole programs as they stand, fragments as the body of a
#                                      function or of a namespace; one that shows something else is preceded by a line
#                                      "<!-- not compiled: REASON -->"
#
# CXX is the compiler, HEADERS the folder that holds counterpoise/ (after `make`: build/release/include).
set -uo pipefail
cd "$(dirname "$0")/../.."
headers=${HEADERS:-build/release/include}
cxx=${CXX:-c++}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ -e "$headers/counterpoise/counterpoise.h" ] || { echo "$headers: no headers; run make first"; exit 1; }
# Headers may define functions that this file does not use.
compile="$cxx -std=c++17 -fsyntax-only -Wall -Wextra -Werror -Wno-unused-function -Wno-unused-variable"
compile="$compile -Wno-unused-but-set-variable -I $work/parsed -I $headers"
export compile

# Compiles every .cpp in $work, or where that fails the .cpp.body beside it; prints the errors of those that fail, and
# returns how many did.
check_all() {
  find "$work" -name '*.cpp' | sort | xargs -P "$(nproc)" -I {} sh -c '
    $compile {} 2> {}.errors && exit
    [ -e {}.body ] && $compile -x c++ {}.body 2> {}.errors && exit
    echo "does not compile: $(head -n 1 {})"; head -n 12 {}.errors; touch {}.failed'
  local failed
  failed=$(find "$work" -name '*.failed' | wc -l)
  echo "$(find "$work" -name '*.cpp' | wc -l) $1 compiled, $failed failed"
  [ "$failed" -eq 0 ]
}

case ${1:-} in
  headers)
    (cd "$headers" && find counterpoise -name '*.h') | while read -r header; do
      name=${header#counterpoise/}
      [ "$(grep -m 1 '^#include' "${name%.h}.cpp" 2>/dev/null)" = "#include \"$name\"" ] && continue
      printf '// %s\n#include <%s>\n#include <%s>\n' "$header" "$header" "$header" > "$work/${header//\//_}.cpp"
    done
    # Other libraries define short macros: ours must neither use nor break on them.
    printf '// beside other macros\n#define CHECK(x) x\n#define ENSURE(x) x\n#define HD\n#include <counterpoise/counterpoise.h>\n' \
      > "$work/macros.cpp"
    check_all headers
    ;;
  snippets)
    # Writes each block of C++ to a file of its own, whose first line is a comment with its page and line.
    git ls-files '*.md' | while read -r page; do
      awk -v page="$page" -v to="$work/$(echo "$page" | tr '/.' '__')" '
        /^```cpp/ && !skip { inside = 1; file = sprintf("%s_%d.block", to, NR); printf "// %s, line %d\n", page, NR > file; next }
        /^```/ { if (inside) close(file); inside = 0 }
        inside { print >> file }
        { skip = /<!-- not compiled:/ }
      ' "$page"
    done
    # (All include the same header: it is parsed once.)
    mkdir -p "$work/parsed/counterpoise"
    echo '#include <counterpoise/counterpoise.h>' > "$work/all.h"
    ${compile/-fsyntax-only/} -x c++-header "$work/all.h" -o "$work/parsed/counterpoise/counterpoise.h.gch" || exit 1
    start='#include <counterpoise/counterpoise.h>
#include <iostream>
namespace counterpoise {'
    for block in "$work"/*.block; do
      to=${block%.block}.cpp
      if grep -q 'int main(' "$block"; then cp "$block" "$to"; continue; fi
      { head -n 1 "$block"; echo "$start"; cat "$block"; echo '}'; } > "$to"
      { head -n 1 "$block"; echo "$start"; echo 'void snippet() {'; grep -v '^#include' "$block"; echo '} }'; } > "$to.body"
    done
    check_all snippets
    ;;
  *) sed -n '2,10p' "$0"; exit 2 ;;
esac
