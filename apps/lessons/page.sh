#!/usr/bin/env bash
# make lessons: all texts of the lessons in order, as one page that needs no network: page.sh FOLDER, where their images
# are. Markdown and formulas become HTML and MathML by pandoc.
set -euo pipefail
folder=$(realpath "$1")
cd "$(dirname "$0")"

# Lessons are sections of this page, images lie beside it, and everything else is in the repository. (pandoc would hide
# what follows `<!-- ... -->` directly.)
repository=$(realpath --relative-to="$folder" ../..)
links() {
  sed -E -e '1s|^(# Lesson ([0-9]+): .*)|\1 {#lesson-\2}|' -e '/^<!-- not compiled/d' \
    -e 's|\]\(0?([0-9]+)_[a-z0-9_]+\.md(#[^)]*)?\)|](#lesson-\1)|g' -e 's|\]\(images/|](|g' \
    -e 's@\]\(([a-z0-9][^):]*\.(cpp|h|md))\)@](apps/lessons/\1)@g' \
    -e 's|\]\(\.\./\.\./|](|g' -e 's|\]\(\.\./|](apps/|g' \
    -e "s@\]\(((kernels|core|layers|losses|optim|data|apps|tests)/)@]($repository/\1@g" "$1"
}
{
  links README.md
  for text in [0-9][0-9]_*.md; do echo; links "$text"; done
} >"$folder/lessons.md"
pandoc --from markdown --to html5 --standalone --self-contained --mathml --table-of-contents --toc-depth=1 --columns 200 --no-highlight --css page.css \
  --metadata pagetitle="Counterpoise: lessons" --metadata lang=en --resource-path "$folder" "$folder/lessons.md" \
  --output "$folder/lessons.new" 2>"$folder/pandoc.log" || { cat "$folder/pandoc.log" >&2; exit 1; }
mv "$folder/lessons.new" "$folder/lessons.html"
rm "$folder/lessons.md" "$folder/pandoc.log"
echo "Open $folder/lessons.html in a browser"
