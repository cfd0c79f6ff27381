#!/usr/bin/env bash
# The library as its users get it: installs into a folder, builds every example with nothing but
#
#   c++ main.cpp $(pkg-config --cflags --libs counterpoise)
#
# runs it, and uninstalls; then nothing may be left.
#
#   tests/house/installed.sh [make's arguments]
set -uo pipefail
cd "$(dirname "$0")/../.."
cxx=${CXX:-c++}
prefix=$(mktemp -d)
work=$(mktemp -d)
trap 'rm -rf "$prefix" "$work"' EXIT
failed=0
fail() { echo "FAILED: $*"; failed=$((failed + 1)); }

make "$@" install PREFIX="$prefix" > "$work/install.log" 2>&1 || { tail "$work/install.log"; exit 1; }
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
for example in apps/examples/*.cpp; do
  name=$(basename "$example" .cpp)
  cp "$example" "$work/main.cpp"
  # Outside the repository, so that none of its headers is found by chance.
  (cd "$work" && $cxx main.cpp $(pkg-config --cflags --libs counterpoise) -o "$name") || { fail "$name does not build"; continue; }
  (cd "$work" && timeout 120 "./$name" > "$name.out" 2>&1) || { fail "$name"; tail -n 3 "$work/$name.out"; }
  echo "$name: $(tail -n 1 "$work/$name.out")"
done
"$prefix/bin/counterpoise-catdog" --version > /dev/null || fail "the installed program does not run"
make "$@" uninstall PREFIX="$prefix" > /dev/null 2>&1 || fail "make uninstall"
left=$(find "$prefix" -type f)
[ -z "$left" ] || fail "make uninstall left $left"
# DESTDIR: a package is staged in a folder other than the one where it will be used.
make "$@" install DESTDIR="$work/package" PREFIX=/usr > /dev/null 2>&1 || fail "make install DESTDIR"
grep -qx 'prefix=/usr' "$work/package/usr/lib/pkgconfig/counterpoise.pc" || fail "DESTDIR got into counterpoise.pc"
echo "installed: $failed failed"
[ "$failed" -eq 0 ]
