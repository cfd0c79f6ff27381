#!/bin/sh
# Makes the images of a report that apps/README.md shows: light, dark and as wide as a phone. Needs chromium and the
# built programs; CI does not run it.
#
#   tests/apps/screenshots.sh DIR [REPORT.html]
#
# Without a report, trains on synthetic images first (some minutes on two cores) and reports that run.
set -eu

out=$1
browser=${BROWSER:-chromium} program=${PROGRAM:-./apps/counterpoise}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$out"

report=${2:-}
if [ -z "$report" ]; then
  "$program" train --data synthetic --count cat=400,dog=4400 --epochs 8 --loss focal --output "$scratch/cats-and-dogs"
  [ -e "$scratch/cats-and-dogs/report.html" ] || "$program" report "$scratch/cats-and-dogs"
  report=$scratch/cats-and-dogs/report.html
fi

# take NAME WIDTH HEIGHT SCHEME '#SECTION': the page from its top or from that section on. The scheme is 0 for dark, 1 for light. A window
# cannot be as narrow as a phone, so the page is in a frame of the wanted width.
take() {
  cat > "$scratch/frame.html" <<EOF
<!DOCTYPE html><meta name="color-scheme" content="light dark"><style>body { margin: 0 } iframe { border: 0; display: block }</style>
<iframe src="report.html$5" width="$2" height="$3"></iframe>
EOF
  cp "$report" "$scratch/report.html"
  "$browser" --headless=new --no-sandbox --disable-gpu --hide-scrollbars --window-size="$2,$3" \
    --blink-settings=preferredColorScheme="$4" --user-data-dir="$scratch/profile" --virtual-time-budget=3000 \
    --screenshot="$out/$1" "file://$scratch/frame.html" 2> "$scratch/log" || { cat "$scratch/log" >&2; exit 1; }
  size=$(wc -c < "$out/$1")
  [ "$size" -lt 250000 ] || { echo "$out/$1 has $size bytes: more than 250,000" >&2; exit 1; }
  echo "$out/$1"
}

take report.png 1000 1100 1 ''
take report-dark.png 1000 352 0 '#images'
take report-phone.png 360 900 1 '#threshold'
