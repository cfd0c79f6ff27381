#!/usr/bin/env bash
# tests/on_gpu.sh pack: builds, and packs what has to travel to a machine with a GPU, in files under 60 MiB. See there.
set -euo pipefail
cd "$(dirname "$0")/../.."

most=$((58 << 20))  # of a file's content
folder="" photographs="" cifar10="" emulated=${EMULATED:-}
while [ $# -gt 0 ]; do
  case $1 in
    --photographs) photographs=$2; shift 2 ;;
    --cifar10) cifar10=$2; shift 2 ;;
    --emulated) emulated=1; shift ;;
    -*) echo "on_gpu.sh: unknown option $1" >&2; exit 2 ;;
    *) folder=$1; shift ;;
  esac
done
[ -n "$folder" ] || { echo "on_gpu.sh: pack FOLDER [--photographs DIR] [--cifar10 DIR] [--emulated]" >&2; exit 2; }
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
build=${BUILD:-build/on_gpu}

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
tar_flags=(--owner=0 --group=0 --numeric-owner --mtime=@0)

program() {
  local device=cuda root=$stage/counterpoise file needed
  local settings=(CUDA=1 CUDA_ARCHS=90)
  [ -z "$emulated" ] || { device=emulated; settings=(CUDA=emulated); }
  make BUILD="$build" ARCH=x86-64-v3 "${settings[@]}" "$build/$device/run_tests"

  mkdir -p "$root/programs/apps" "$root/libraries"
  strip -o "$root/programs/run_tests" "$build/$device/run_tests"
  for file in catdog counterpoise bench losses augment; do
    strip -o "$root/programs/apps/$file" "$build/$device/apps/$file"
  done
  # Of the libraries, a bare machine has those of the C and C++ compilers.
  ldd "$root"/programs/run_tests "$root"/programs/apps/* | sed -n 's/^\t\(\S*\) => \(\S*\) .*/\1 \2/p' | sort -u |
    grep -vE '^(libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s)\.so' |
    while read -r file needed; do cp -L "$needed" "$root/libraries/$file"; done

  # What tests read: golden files, descriptions of GPUs, the list of operations.
  { find tests -path '*/golden/*' -type f -o -name '*.json'; echo core/ops.h; } | tar -cf - -T - | tar -C "$root" -xf -
  mkdir -p "$root/apps/scripts" "$root/tests/on_gpu"
  cp apps/scripts/bench.py apps/scripts/bench_pytorch.py "$root/apps/scripts/"
  cp tests/on_gpu.sh "$root/tests/"
  cp tests/on_gpu/*.sh tests/on_gpu/*.py "$root/tests/on_gpu/"
  # The newest versions of symbols that are needed: the machine's libraries must be as new.
  needed=$(objdump -T "$root"/programs/run_tests "$root"/programs/apps/* "$root"/libraries/* 2>/dev/null |
    grep -oE '\b(GLIBC|GLIBCXX|CXXABI|GCC)_[0-9.]+' | sort -uV | awk -F_ '{last[$1] = $0} END {for (l in last) print last[l]}' |
    sort | tr '\n' ' ')
  { echo "$device, commit $(git describe --always --dirty 2>/dev/null || echo unknown)"
    echo "$("${CXX:-g++}" --version | head -n 1), x86-64-v3; needs $needed"
  } >"$root/BUILT"
  # Without what lies elsewhere on this machine, the tests that read files pass.
  COUNTERPOISE_SOURCE=$root LD_LIBRARY_PATH=$root/libraries CUDA_VISIBLE_DEVICES="" CUDA_EMULATOR=gpus=0 "$root/programs/run_tests" -m \
    -tc='ops: every operation*,golden*,optim*,augment*,losses: values*,image*' | tail -n 4
  # (The programs hold the same code: a dictionary over all of them makes the file a third smaller.)
  tar -C "$stage" "${tar_flags[@]}" --sort=name -cf - counterpoise |
    xz --lzma2=preset=6,dict=64MiB >"$folder/program.tar.xz"
  cat "$root/BUILT"
  (cd "$root/libraries" && ls) | sed 's/^/with /'
}

# images NAME DIR: into NAME-1.tar, NAME-2.tar ... of equal sizes, in the order of the list in $stage/order. tar rounds
# files up to 512 bytes and adds a header of as many.
images() {
  rm -f "$folder/$1"-[0-9]*.tar
  (cd "$2" && tr '\n' '\0' <"$stage/order" | xargs -0 stat -L -c '%s %n') | awk -v most="$most" -v to="$stage/$1" '
    { size[NR] = 512 + 512 * int(($1 + 511) / 512); total += size[NR]; sub(/^[0-9]+ /, ""); name[NR] = $0 }
    END {
      parts = int(total / most) + 1
      for (i = 1; i <= NR; ++i) {
        print name[i] > (to "-" int(done * parts / total) + 1)
        done += size[i]
      }
    }'
  local list
  for list in "$stage/$1"-[0-9]*; do
    tar -C "$2" "${tar_flags[@]}" -h -cf "$folder/$(basename "$list").tar" -T "$list"
  done
}

program
if [ -n "$photographs" ]; then
  # In this order: what the imbalanced experiment needs comes before the other cats, which only the balanced one needs.
  (cd "$photographs" && find -L validation train/dog train/cat -name '*.jpg' | sort -V | awk '
    /^train\/cat/ && ++cats > 1000 { rest[++n] = $0; next }
    { print }
    END { for (i = 1; i <= n; ++i) print rest[i] }') >"$stage/order"
  images photographs "$photographs"
fi
if [ -n "$cifar10" ]; then
  # All ten classes. The tables that begin each of its small files are the same, so that xz saves two thirds.
  (cd "$cifar10" && find -L train validation -name '*.jpg' | sort -V) >"$stage/order"
  tar -C "$cifar10" "${tar_flags[@]}" -h -cf - -T "$stage/order" | xz -T0 -6 >"$folder/cifar10.tar.xz"
fi
status=0
for file in "$folder"/program.tar.xz "$folder"/photographs-*.tar "$folder"/cifar10.tar.xz; do
  [ -e "$file" ] || continue
  size=$(stat -c %s "$file")
  printf '%s  %.1f MiB\n' "$file" "$(echo "$size" | awk '{print $1 / 1048576}')"
  [ "$size" -lt $((60 << 20)) ] || { echo "on_gpu.sh: $file is 60 MiB or more" >&2; status=1; }
done
exit $status
