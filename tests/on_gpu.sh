#!/usr/bin/env bash
# Everything that only a GPU can show, for a machine that is lent for minutes and has no compiler, packages or network:
#
#   tests/on_gpu.sh pack FOLDER [--photographs DIR] [--cifar10 DIR] [--emulated]
#       Builds for compute capability 9.0 and packs what has to travel, in files under 60 MiB: program.tar.xz, which
#       holds this script, too, and photographs-*.tar, cifar10.tar.xz (folders as in data/README.md).
#   tests/on_gpu.sh unpack FILE... --to DIR
#   tests/on_gpu.sh list
#       The parts, their time limits and what they show.
#   tests/on_gpu.sh run PART... --results DIR [--limit SECONDS] [--archive FILE] [--photographs DIR] [--cifar10 DIR]
#       Runs parts one after the other, and those of PART+PART at once, where nothing is timed; `call-1` stands for
#       those that need no photographs, within nine minutes in all: first whether it is correct, then how fast it is.
#       Each has a time limit and writes DIR/PART.log; DIR/summary.txt has a line for each. Every 20 seconds and after
#       each part all results are saved in one file, FILE (DIR/results.tar.gz), which is under 16 MiB: a run that is
#       killed leaves it, too. A part does not begin if too little of --limit, the seconds for all parts, is left.
#       Images are in /dev/shm/photographs and /dev/shm/cifar10, unless the options name other folders.
#   tests/on_gpu.sh report RESULTS
#       Tables in Markdown from a folder or an archive of results. Parts that are missing are named as missing.
#
# On that machine, where python3 unpacks what `tar` cannot if xz is missing:
#
#   python3 -m tarfile -e program.tar.xz /dev/shm && cd /dev/shm/counterpoise &&
#   tests/on_gpu.sh run call-1 --results /tmp/results --archive OUT/results.tar.gz
#   tests/on_gpu.sh unpack photographs-*.tar --to /dev/shm/photographs &&      # after the last of them has arrived
#   tests/on_gpu.sh run experiments --results /tmp/results --archive OUT/results.tar.gz
#
# Environment: BUILD is the folder to build in (build/on_gpu), and for `run` from a checkout the one with run_tests and
# apps/. ON_GPU_TRY=1 makes everything tiny, to try it on the tests' emulated GPU: the times mean nothing then.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)

fail() { echo "on_gpu.sh: $*" >&2; exit 2; }

# -- run --

say() { echo "$*" | tee -a "$results/summary.txt"; }

# Saves all results in one file, written beside it and renamed. Long files lose their middle; weights stay out.
save() {
  local most stage file
  for most in 1048576 131072 16384; do
    stage=$(mktemp -d) || return
    (
      cd "$results" || exit
      mkdir "$stage/results"
      find . -type f ! -name '*.safetensors' ! -name '*.tar.gz*' -printf '%s %P\n' | while read -r size file; do
        mkdir -p "$stage/results/$(dirname "$file")"
        if [ "$size" -le "$most" ]; then cp "$file" "$stage/results/$file"
        else
          { head -c $((most / 2)) "$file"; echo; echo "[... $((size - most)) bytes ...]"; tail -c $((most / 2)) "$file"
          } >"$stage/results/$file"
        fi
      done
    ) 2>/dev/null
    file=$archive.new-$BASHPID
    tar -C "$stage" -czf "$file" results && size=$(stat -c %s "$file") || size=0
    rm -rf "$stage"
    if [ "$size" -gt 0 ] && [ "$size" -lt 16000000 ]; then mv "$file" "$archive"; return; fi
    rm -f "$file"
  done
}

# Why a part failed: the line before the first "-- ended", which helpers of parts.sh write, or else its last line.
reason() {
  local line
  line=$(grep -a -m 1 -B 1 '^-- ended' "$1" | tr '\n' ' ')
  echo "${line:-$(tail -n 1 "$1")}" | cut -c1-300
}

run_part() {
  local name=$1 limit least what left start=$SECONDS status ended sleeper took
  IFS='|' read -r _ limit least what < <(bash "$here/on_gpu/parts.sh" list | grep "^$name|")
  left=$((deadline - SECONDS - reserve))
  [ -n "${ON_GPU_TRY:-}" ] && least=1
  if [ "$left" -lt "$least" ]; then
    say "$name: NOT BEGUN, it needs $least s, and $((left > 0 ? left : 0)) s are left"
    return
  fi
  [ "$left" -lt "$limit" ] && limit=$left
  LIMIT=$limit timeout -k 5 "$limit" bash "$here/on_gpu/parts.sh" "$name" >"$results/$name.log" 2>&1 </dev/null &
  running=$!
  while :; do
    sleep "$pause" & sleeper=$!
    wait -n -p ended "$running" "$sleeper"
    status=$?
    [ "$ended" = "$running" ] && break
    save
  done
  kill "$sleeper" 2>/dev/null
  running=""
  took=$((SECONDS - start))
  case $status in
    0) say "$name: done in $took s" ;;
    77) say "$name: SKIPPED, $(tail -n 1 "$results/$name.log" | cut -c1-300)" ;;
    124 | 137) say "$name: ENDED after its limit of $limit s" ;;
    *) say "$name: FAILED with $status after $took s: $(reason "$results/$name.log")" ;;
  esac
  save
}

# Parts at once. Plans for convolutions that are timed meanwhile are not kept for others.
run_together() {
  local part pids=()
  for part in ${1//+/ }; do
    (
      trap 'kill $running; wait $running; exit 143' TERM INT HUP
      COUNTERPOISE_CACHE=$(mktemp -d)
      export COUNTERPOISE_CACHE
      run_part "$part"
      rm -rf "$COUNTERPOISE_CACHE"
    ) &
    pids+=($!)
  done
  running=${pids[*]}
  wait "${pids[@]}"
  running=""
}

stopped() {
  trap '' TERM INT HUP
  # (A list of processes, of parts at once.)
  [ -n "$running" ] && { kill $running; wait $running; } 2>/dev/null
  say "ENDED by a signal after $SECONDS s${running:+, in the middle of $current}"
  save
  exit 143
}

run() {
  local parts=() part limit="" total=0 longest seconds all
  results="" archive="" running="" current=""
  all=$(bash "$here/on_gpu/parts.sh" list)
  while [ $# -gt 0 ]; do
    case $1 in
      --results | --limit | --archive | --photographs | --cifar10)
        [ $# -ge 2 ] || fail "$1 needs a value"
        case $1 in
          --results) results=$2 ;;
          --limit) limit=$2 ;;
          --archive) archive=$2 ;;
          --photographs) export PHOTOGRAPHS=$2 ;;
          --cifar10) export CIFAR10=$2 ;;
        esac
        shift 2 ;;
      call-1)
        parts+=(machine tables+gpu-tests+sanitizers+compile ours pytorch resnets operations plans)
        limit=${limit:-540}; shift ;;
      *)
        for part in ${1//+/ }; do
          grep -q "^$part|" <<<"$all" || fail "unknown part $part; tests/on_gpu.sh list prints them"
        done
        parts+=("$1"); shift ;;
    esac
  done
  [ ${#parts[@]} -gt 0 ] || fail "run: which parts? tests/on_gpu.sh list prints them"
  [ -n "$results" ] || fail "run: --results is missing"
  [ -z "$limit" ] || [[ $limit =~ ^[0-9]+$ ]] || fail "--limit $limit: not a whole number of seconds"
  mkdir -p "$results" || fail "$results cannot be written"
  results=$(cd "$results" && pwd)
  archive=$(realpath -m "${archive:-$results/results.tar.gz}")
  mkdir -p "$(dirname "$archive")"
  export RESULTS=$results
  # Time for a part to be killed, and for the last archive.
  reserve=8 pause=20
  [ -n "${ON_GPU_TRY:-}" ] && reserve=1 pause=1
  for current in "${parts[@]}"; do
    longest=0
    for part in ${current//+/ }; do
      seconds=$(grep "^$part|" <<<"$all" | cut -d'|' -f2)
      [ "$seconds" -gt "$longest" ] && longest=$seconds
    done
    total=$((total + reserve + longest))
  done
  deadline=$((SECONDS + ${limit:-$total}))
  trap stopped TERM INT HUP
  for current in "${parts[@]}"; do
    case $current in
      *+*) run_together "$current" ;;
      *) run_part "$current" ;;
    esac
  done
  say "all in $SECONDS s"
  save
}

# -- unpack --

unpack() {
  local files=() to="" file
  while [ $# -gt 0 ]; do
    case $1 in
      --to) [ $# -ge 2 ] || fail "--to needs a folder"; to=$2; shift 2 ;;
      *) files+=("$1"); shift ;;
    esac
  done
  [ ${#files[@]} -gt 0 ] && [ -n "$to" ] || fail "unpack FILE... --to DIR"
  mkdir -p "$to" || exit 1
  for file in "${files[@]}"; do
    case $file in
      *.xz) if command -v xz >/dev/null; then tar -C "$to" -xf "$file"; else python3 -m tarfile -e "$file" "$to"; fi ;;
      *) tar -C "$to" -xf "$file" ;;
    esac || { echo "on_gpu.sh: $file could not be unpacked" >&2; exit 1; }
  done
  echo "$to: $(find "$to" -type f | wc -l) files"
}

case ${1:-} in
  pack) shift; exec bash "$here/on_gpu/pack.sh" "$@" ;;
  unpack) shift; unpack "$@" ;;
  list)
    bash "$here/on_gpu/parts.sh" list | while IFS='|' read -r name limit least what; do
      printf '%-12s %4s s  %s\n' "$name" "$limit" "$what"
    done ;;
  run) shift; run "$@" ;;
  report) shift; exec python3 "$here/on_gpu/report.py" "$@" ;;
  *) sed -n '2,/^set /{/^set /!p}' "$0" | sed 's/^# \{0,1\}//'; [ "${1:-}" = --help ] || exit 2 ;;
esac
