#!/usr/bin/env bash
# same_image.sh A B: whether two SVG files show the same: the same elements in the same order, whose numbers (pixels)
# differ by at most 1 and whose colors by 8 of 255 in each channel; texts are equal. Machines round differently, and the eye
# does not see it.
# Other files must be equal. Prints what differs.
set -uo pipefail
export LC_ALL=C
for file in "$1" "$2"; do [ -s "$file" ] || { echo "$file is missing or empty"; exit 1; }; done
case $1 in
  *.svg) ;;
  *) cmp "$1" "$2"; exit ;;
esac
# What stands between tags is one token: a text's numbers are results, not pixels.
tokens() { grep -oE '>[^<]*|#[0-9a-fA-F]{6}|-?[0-9]+(\.[0-9]+)?|[^#0-9>-]+|[#-]' "$1"; }
paste <(tokens "$1") <(tokens "$2") | awk -F '\t' -v a="$1" -v b="$2" '
  function channel(color, i) { return 16 * index(hex, tolower(substr(color, i, 1))) + index(hex, tolower(substr(color, i + 1, 1))) }
  function far(x, y, most) { return x - y > most || y - x > most }
  function differ(x, y,  i) {
    if (x == y) return 0
    if (length(x) == 7 && length(y) == 7 && x ~ /^#/ && y ~ /^#/) {
      for (i = 2; i < 7; i += 2) if (far(channel(x, i), channel(y, i), 8)) return 1
      return 0
    }
    if (x ~ /^-?[0-9]/ && y ~ /^-?[0-9]/) return far(x + 0, y + 0, 1)
    return 1
  }
  BEGIN { hex = "0123456789abcdef" }
  differ($1, $2) { print b ": " $2 " where " a " has " $1; different = 1; exit }
  END { exit different }'
