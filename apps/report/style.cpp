#include "apps/report/sections.h"

namespace counterpoise::html_report {

// Colors c0 to c7 begin with Okabe and Ito's. Color-blind people can tell all eight apart, in both schemes, and each is
// clearly seen on the page (tests/apps/test_report_colors.cpp).
const char* const style = R"css(
:root { --paper: #fff; --ink: #1c1f24; --pale: #5c636d; --rule: #d9dde3; --soft: #f4f6f8; --link: #005a9c;
  --right: 0, 114, 178; --wrong: 213, 94, 0;
  --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #b8548f; --c4: #6b4a00; --c5: #1b2a80; --c6: #1c1f24; --c7: #8a4fff; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171b; --ink: #e6e9ed; --pale: #a3abb5; --rule: #363c45; --soft: #1d2127; --link: #7cc0f5;
    --right: 70, 160, 220; --wrong: 240, 130, 50;
    --c0: #56b4e9; --c1: #f08a3c; --c2: #1ea06f; --c3: #e59ac3; --c4: #ffe94a; --c5: #7d86e8; --c6: #f4f4f4; --c7: #c0434f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", "Helvetica Neue", "DejaVu Sans", Arial, sans-serif; }
header, main { max-width: 1100px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 20px; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 0 0 .6rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; overflow-wrap: anywhere; }
header > p { margin: .3rem 0 0; }
nav { display: flex; gap: .2rem 1.1rem; flex-wrap: wrap; padding: .7rem 0; font-size: .9rem; }
a { color: var(--link); }
nav a { text-decoration: none; }
nav a:hover { text-decoration: underline; }
section { border-top: 1px solid var(--rule); padding: 1.4rem 0 1.6rem; }
p { max-width: 46rem; margin: .5rem 0; }
p, li, h2, summary { overflow-wrap: anywhere; }
em { font-style: normal; font-weight: 600; overflow-wrap: anywhere; }
code { font: .9em ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
small { font-size: .82em; }
.pale, .note, small { color: var(--pale); }
.note { font-size: .88rem; }
.headline { font-size: 1.2rem; line-height: 1.45; max-width: 52rem; }
.js-only { display: none; }
.js .js-only { display: revert; }
:root:not(.js) tr:has(#row-now) { display: none; }

.wide { overflow-x: auto; max-width: 100%; }
.wide:focus-visible { outline: 2px solid var(--link); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .5rem 0; }
th, td { padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--rule); }
th { font-weight: 600; }
td { white-space: nowrap; }
tbody th { font-weight: 400; min-width: 5rem; overflow-wrap: break-word; max-width: 26rem; }
.wide tbody th { position: sticky; left: 0; background: var(--paper); }
thead .key { overflow-wrap: break-word; }
thead th { font-size: .85rem; color: var(--pale); vertical-align: bottom; }
td small { display: block; white-space: nowrap; }
th small { display: block; font-weight: 400; }
.sortable thead th { padding: 0; }
.sortable thead button { all: unset; cursor: pointer; padding: .3rem .8rem .3rem 0; font-weight: 600; }
.sortable thead button:focus-visible { outline: 2px solid var(--link); }
[aria-sort=ascending] button::after { content: " \25b2"; }
[aria-sort=descending] button::after { content: " \25bc"; }
.bar { display: block; height: 6px; margin-top: 3px; width: calc(max(1px, var(--w) * 9rem)); background: var(--c0); }

.matrix { margin: .3rem 0; }
.matrix caption { text-align: left; white-space: nowrap; font-weight: 600; padding-bottom: .4rem; }
.matrix th, .matrix td { border: 0; padding: .45rem .6rem; vertical-align: middle; }
.matrix tbody th { min-width: 0; font-size: .9rem; max-width: 11rem; }
.matrix thead th { max-width: 11rem; overflow-wrap: anywhere; }
.matrix td.right, .matrix td.wrong { text-align: center; min-width: 5.5rem; border: 2px solid var(--paper); border-radius: 6px; }
.matrix td.right { background: rgba(var(--right), calc(.06 + .5 * var(--h))); }
.matrix td.wrong { background: rgba(var(--wrong), calc(.04 + .5 * var(--h))); }
.matrix td b { display: block; font-size: 1.35rem; line-height: 1.2; }
.matrix td small { color: inherit; }
.matrix.many tbody th { min-width: 5rem; max-width: 9rem; }
.matrix.many td, .matrix.many th { padding: .25rem .4rem; font-size: .82rem; min-width: 2.2rem; }
.matrix.many thead th:first-child { min-width: 5.5rem; }
.matrix.many thead span { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 9rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.heat { width: 100%; max-width: 560px; background: var(--soft); display: block; }
.heat .right { fill: rgba(var(--right), calc(.15 + .85 * var(--h))); }
.heat .wrong { fill: rgba(var(--wrong), calc(.15 + .85 * var(--h))); }

.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(400px, 100%), 1fr)); gap: 1rem 2rem; align-items: start; }
.pair > div, .figures > figure { min-width: 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(380px, 100%), 1fr)); gap: 1.2rem 2rem; }
.figures:has(> .small) { grid-template-columns: repeat(auto-fill, minmax(min(150px, 100%), 1fr)); }
figure { margin: 0; max-width: 620px; }
figcaption { font-weight: 600; overflow-wrap: anywhere; }
.small figcaption { font-size: .9rem; }
.small .note { margin: 0; font-size: .8rem; }
.chart { width: 100%; height: auto; display: block; overflow: visible; }
.chart text { font-size: 11.5px; fill: var(--pale); }
.chart .label { fill: var(--ink); }
.chart .grid { stroke: var(--rule); }
.chart .line { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; }
.chart .dashed { stroke-dasharray: 5 4; }
.chart .dot { fill: var(--c); }
.chart .area { fill: var(--c); fill-opacity: .8; }
.chart .area.outlined { fill-opacity: .3; stroke: var(--c); stroke-width: 1.5; }
.chart .point { fill: var(--c, var(--ink)); stroke: var(--paper); stroke-width: 2; }
.chart .mark line { stroke: var(--pale); stroke-width: 1.2; stroke-dasharray: 2 3; }
.chart .mark text { fill: var(--ink); paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
.chart .mark.now line { stroke: var(--ink); stroke-width: 1.8; stroke-dasharray: none; }
.legend { margin: .1rem 0 .2rem; font-size: .88rem; }
.key { display: inline-flex; align-items: baseline; gap: .4rem; margin-right: 1rem; overflow-wrap: anywhere; }
.key i { flex: none; width: 1.3rem; border-top: 3px solid var(--c); transform: translateY(-.3em); }
.key.dashed i { border-top-style: dashed; }
.c0 { --c: var(--c0); } .c1 { --c: var(--c1); } .c2 { --c: var(--c2); } .c3 { --c: var(--c3); }
.c4 { --c: var(--c4); } .c5 { --c: var(--c5); } .c6 { --c: var(--c6); } .c7 { --c: var(--c7); } .gray { --c: var(--pale); }

#now:empty { display: none; }
#now { background: var(--soft); padding: .6rem .8rem; border-radius: 6px; max-width: none; }
.js .controls { display: grid; grid-template-columns: repeat(auto-fit, minmax(230px, 1fr)); gap: .5rem 1.5rem; font-size: .9rem; max-width: 620px; }
.controls label { display: flex; gap: .5rem; justify-content: space-between; align-items: center; }
.controls .slide { grid-column: 1 / -1; display: block; }
.controls input { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--pale); border-radius: 4px; padding: .15rem .3rem; }
.controls [type=range] { display: block; accent-color: var(--c0); padding: 0; margin: 0 0 .3rem calc(11.9% - 8px); width: calc(85.4% + 16px); }
.controls [type=number] { width: 6.2rem; flex: none; }
button { font: inherit; color: inherit; }
.go { all: unset; }
.js .go { color: var(--link); cursor: pointer; text-decoration: underline; }
.go:focus-visible { outline: 2px solid var(--link); }

.gallery { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 1rem .8rem; }
.gallery li { display: flex; flex-direction: column; font-size: .85rem; line-height: 1.35; min-width: 0; }
.gallery span, .gallery code { overflow-wrap: anywhere; }
.gallery code { color: var(--pale); font-size: .78rem; }
.thumb { border: 0; background: none; padding: 0; margin: 0 0 .2rem; width: 96px; height: 96px; cursor: zoom-in; border-radius: 4px; overflow: hidden; }
.thumb:focus-visible { outline: 3px solid var(--link); }
.thumb img { display: block; }
.missing { display: grid; place-items: center; height: 100%; background: var(--soft); color: var(--pale); }
dialog { color: inherit; background: var(--paper); border: 1px solid var(--rule); border-radius: 8px; max-width: min(440px, 92vw); }
dialog img { width: 384px; max-width: 100%; display: block; }
dialog::backdrop { background: rgba(0, 0, 0, .6); }
dialog form { margin-top: .8rem; }

details { margin: .4rem 0; }
summary { cursor: pointer; }
dl { columns: 20rem auto; font-size: .9rem; }
dl div { break-inside: avoid; display: flex; gap: .8rem; justify-content: space-between; border-bottom: 1px solid var(--rule); padding: .15rem 0; }
dt { color: var(--pale); }
dd { margin: 0; text-align: right; overflow-wrap: anywhere; min-width: 0; }
.paths { font-size: .85rem; overflow-wrap: anywhere; padding-left: 1.2rem; }

@media (max-width: 480px) {
  .wide tbody th { max-width: 9rem; }
  .matrix caption { white-space: normal; }
  .gallery { grid-template-columns: repeat(3, 1fr); gap: .8rem .5rem; }
  header, main { padding-left: 14px; padding-right: 14px; }
  .headline { font-size: 1.08rem; }
  .matrix td.right, .matrix td.wrong { min-width: 4.6rem; }
  .matrix th, .matrix td { padding: .4rem .35rem; }
}
@media print {
  nav, .controls, dialog, .js .js-only { display: none; }
  section, figure, tr, li { break-inside: avoid; }
  main, header { max-width: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
)css";

}  // namespace counterpoise::html_report
