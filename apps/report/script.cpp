#include "apps/report/sections.h"

namespace counterpoise::html_report {

// Without it, the page lacks only the slider, sorting, and the enlarging of images. Texts from files are set as
// textContent or attributes only, never as HTML.
const char* const script = R"js("use strict";
(() => {
  const $ = id => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  document.documentElement.classList.add("js");

  // -- tables that sort --
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
    const value = (row, column) => {
      const number = row.cells[column].querySelector("data");
      return number ? +number.value : row.cells[column].textContent;
    };
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.onclick = () => {
        const up = head.ariaSort ? head.ariaSort !== "ascending" : column === 0;
        for (const other of heads) other.ariaSort = null;
        head.ariaSort = up ? "ascending" : "descending";
        const sign = up ? 1 : -1;
        const rows = [...body.rows].sort((a, b) => {
          const x = value(a, column), y = value(b, column);
          return sign * (typeof x === "number" ? x - y : x.localeCompare(y));
        });
        body.append(...rows);
      };
    });
  }

  // -- images that enlarge --
  const large = $("large");
  for (const thumb of document.querySelectorAll(".thumb")) {
    thumb.onclick = () => {
      const small = thumb.querySelector("img"), [image, text, path] = large.children;
      image.hidden = !small;
      if (small) image.src = small.src, image.alt = small.alt;
      text.textContent = thumb.nextElementSibling.textContent;
      path.textContent = thumb.dataset.path;
      large.showModal();
    };
  }
  large.querySelector("button").onclick = async event => {
    const path = large.querySelector("code");
    try {
      await navigator.clipboard.writeText(path.textContent);
      event.target.textContent = "Copied";
      setTimeout(() => event.target.textContent = "Copy the path", 1500);
    } catch {
      getSelection().selectAllChildren(path);
    }
  };
  large.onclick = event => event.target === large && large.close();

  // -- the decision threshold --
  const two = data.two_classes;
  if (!two || !two.reported) return;
  const {scale, reported} = two, choice = two.choice || reported;
  const probability = z => scale.logistic ? 1 / (1 + Math.exp(-z)) : z + scale.offset;
  const cutOf = p => scale.logistic ? Math.log(p / (1 - p)) : p - scale.offset;

  // The counts where images with a logit of at least `cut` are predicted positive. Steps are in descending order.
  const countsAt = (sweep, cut) => {
    let low = 0, high = sweep.steps.length;
    while (low < high) {
      const middle = low + high >> 1;
      if (sweep.steps[middle][0] >= cut) low = middle + 1; else high = middle;
    }
    const [, tp, fp] = low ? sweep.steps[low - 1] : [0, 0, 0];
    return {tp, fp, fn: sweep.positives - tp, tn: sweep.negatives - fp};
  };

  // The counts among equally many images of which the positive class has the share `share`; null: that of the split.
  let share = null;
  const inUse = (sweep, c) => {
    if (share === null) return c;
    const all = sweep.positives + sweep.negatives;
    const p = share * all / sweep.positives, n = (1 - share) * all / sweep.negatives;
    return {tp: p * c.tp, fn: p * c.fn, fp: n * c.fp, tn: n * c.tn};
  };
  const field = id => Math.max(0, +$(id).value || 0);
  const costOf = c => field("cost-fn") * c.fn + field("cost-fp") * c.fp;
  const precision = c => c.tp / (c.tp + c.fp), recall = c => c.tp / (c.tp + c.fn);
  const f1 = c => 2 * c.tp / (2 * c.tp + c.fp + c.fn);

  // The cut with the lowest loss; of several the lowest. The first, above all scores, predicts nothing positive.
  const lowest = loss => {
    const highest = choice.steps[0][0], above = highest + Math.max(Math.abs(highest) * 2 ** -52, Number.MIN_VALUE);
    let least = Infinity, at = above;
    for (const cut of [above, ...choice.steps.map(step => step[0])]) {
      const here = loss(inUse(choice, countsAt(choice, cut)));
      if (here <= least) least = here, at = cut;
    }
    return at;
  };

  const whole = n => n.toLocaleString("en-US");
  const percent = x => isFinite(x) ? (100 * x).toFixed(1) + "%" : "\u2013";
  const short = p => p < 0.9 || p >= 1 ? +p.toPrecision(2)
      : +p.toFixed(Math.min(12, Math.floor(-Math.log10(1 - p))) + 2);

  // Moves a mark in a chart, whose axes are in its data-x and data-y.
  const inside = (text, value) => {
    const [low, high, from, to] = text.split(" ").map(Number);
    return from + Math.min(1, Math.max(0, (value - low) / (high - low))) * (to - from);
  };
  const moveLine = (chart, style, cut) => {
    const line = chart && chart.querySelector(".mark." + style + " line");
    if (!line) return;
    const x = inside(chart.dataset.x, cut), text = chart.querySelector(".mark." + style + " text");
    line.setAttribute("x1", x), line.setAttribute("x2", x);
    if (!text) return;
    const [, , from, to] = chart.dataset.x.split(" ").map(Number), left = x > from + 0.62 * (to - from);
    text.setAttribute("x", x + (left ? -4 : 4)), text.setAttribute("text-anchor", left ? "end" : "start");
  };
  const movePoint = (chart, x, y) => {
    const point = chart && chart.querySelector(".point.now");
    if (!point) return;
    point.setAttribute("cx", inside(chart.dataset.x, x)), point.setAttribute("cy", inside(chart.dataset.y, y));
    point.querySelector("title").textContent = percent(x) + ", " + percent(y);
  };

  const drawLine = (chart, style, metric) => {
    const points = reported.steps.map(([cut]) => {
      const y = metric(inUse(reported, countsAt(reported, cut)));
      return isFinite(y) ? inside(chart.dataset.x, cut).toFixed(1) + " " + inside(chart.dataset.y, y).toFixed(1) : null;
    });
    chart.querySelector(".line." + style).setAttribute("d", "M" + points.filter(p => p).join("L"));
  };

  const slider = $("slider"), number = $("threshold-number");
  const rows = [...document.querySelectorAll("#threshold .wide tbody tr")];
  const fill = (row, cut) => {
    const c = countsAt(reported, cut), used = inUse(reported, c);
    const texts = [short(probability(cut)), whole(c.tp) + " of " + whole(reported.positives), whole(c.fp),
                   percent(precision(used)), percent(recall(c)), f1(used).toFixed(3), +costOf(used).toPrecision(6)];
    texts.forEach((text, i) => row.cells[i + 1].textContent = text);
  };
  const cuts = {kept: two.kept, best: two.best, cheap: lowest(costOf)};
  const rowOf = name => rows.find(row => row.querySelector(`[data-go=${name}]`));

  const show = (cut, typed) => {
    const c = countsAt(reported, cut), p = probability(cut);
    slider.value = cut;
    slider.setAttribute("aria-valuetext", String(short(p)));
    if (!typed) number.value = short(p);
    for (const [id, row] of [["tp", "tp"], ["fn", "tp"], ["fp", "tn"], ["tn", "tn"]]) {
      const share = c[id] / (row === "tp" ? reported.positives : reported.negatives), cell = $(id);
      cell.style.setProperty("--h", share);
      cell.querySelector("b").textContent = whole(c[id]);
      cell.querySelector("small").textContent = percent(share);
    }
    const now = $("now"), name = two.positive, used = inUse(reported, c);
    now.textContent = `At a threshold of ${short(p)}: finds ${whole(c.tp)} of ${whole(reported.positives)} ${name} images ` +
        `(${percent(recall(c))}) and misses ${whole(c.fn)}; ` +
        (c.tp + c.fp ? `${percent(precision(c))} of the ${whole(c.tp + c.fp)} predicted as ${name} are ${name}, ` +
                       `${whole(c.fp)} are not. ` : `predicts no image as ${name}. `) +
        (share !== null && c.tp + c.fp ? `Where ${percent(share)} of the images are ${name}, ${percent(precision(used))} ` +
                                         `of those predicted as ${name} are. ` : "") +
        `F1 ${f1(used).toFixed(3)}, cost ${+costOf(used).toPrecision(6)}.`;
    fill(rows[0], cut);
    moveLine($("sweep"), "now", cut), moveLine($("histogram"), "now", cut);
    movePoint($("roc"), c.fp / reported.negatives, recall(c));
    movePoint($("pr"), recall(c), c.tp + c.fp ? precision(c) : 1);
  };
  let current = two.kept;
  const go = (cut, typed) => show(current = cut, typed);
  slider.oninput = () => go(+slider.value);
  number.oninput = () => {
    const p = +number.value;
    if (number.value !== "" && p >= 0 && p <= 1) go(cutOf(p), true);
  };
  for (const button of document.querySelectorAll(".go")) button.onclick = () => go(cuts[button.dataset.go]);
  const own = $("share").value;
  const update = () => {
    cuts.cheap = lowest(costOf);
    cuts.best = share === null ? two.best : lowest(c => -f1(c));
    for (const name in cuts) {
      if (!rowOf(name)) continue;
      moveLine($("sweep"), name, cuts[name]);
      fill(rowOf(name), cuts[name]);
    }
    show(current);
  };
  $("cost-fn").oninput = $("cost-fp").oninput = update;
  $("share").oninput = () => {
    const value = +$("share").value / 100;
    share = $("share").value !== own && value > 0 && value < 1 ? value : null;
    drawLine($("sweep"), "c0", precision), drawLine($("sweep"), "c2", f1);
    update();
  };
  go(two.kept);
})();
)js";

}  // namespace counterpoise::html_report
