#include "apps/loss_explorer/loss_plots.h"

#include <cctype>
#include <cmath>
#include <utility>

#include "apps/loss_explorer/loss_at.h"
#include "apps/plots/plot.h"
#include "apps/trainer/format.h"
#include "core/io/file.h"
#include "losses/class_weights.h"
#include "losses/metrics/posthoc.h"

namespace counterpoise {

namespace {

// Training samples of class 0 and class 1, the positive: the lectures' dogs and cats.
const std::vector<int64_t> counts = {11000, 1000};

Plot focal_plot(const std::vector<double>& gammas) {
  Plot plot = {"", "probability of the true class, p\u209c", "loss", {}};
  plot.band = {0.6, 1, "well classified"};
  for (const double gamma : gammas) {
    Loss loss("focal", {{"gamma", gamma}, {"alpha", -1}});
    Plot::Line line;
    // Each gamma has the same color in both plots.
    line.color = gamma == 0 ? 0 : gamma == 0.5 ? 6 : static_cast<int>(gamma);
    line.name = text("\u03b3 = ", gamma, gamma == 0 ? " (cross-entropy)" : "");
    // From where cross-entropy is 5: the pole of the logarithm is left out.
    line.x = spaced(std::exp(-5), 0.9999, 400);
    for (const double p : line.x) line.y.push_back(loss_at(loss, logit(p), true).value);
    plot.lines.push_back(std::move(line));
  }
  return plot;
}

// "Designing a function": the loss of a class against the output y^, the probability of class 1, the factors that
// reduce it where it is right, and their products, the focal loss.
std::vector<Plot> factor_plots(bool positive) {
  const char* x = "output \u0177, the probability of class 1";
  std::vector<Plot> plots = {{positive ? "Loss \u2212log \u0177" : "Loss \u2212log(1 \u2212 \u0177)", x, "loss", {}},
                             {positive ? "Factor (1 \u2212 \u0177)^\u03b3" : "Factor \u0177^\u03b3", x, "factor", {}},
                             {"Product, the focal loss", x, "loss", {}}};
  // From where cross-entropy is 4: the pole of the logarithm is left out.
  const std::vector<double> true_class = spaced(std::exp(-4), 0.9999, 300);
  for (int gamma = 0; gamma <= 4; ++gamma) {
    Loss loss("focal", {{"gamma", double(gamma)}, {"alpha", -1}});
    std::vector<Plot::Line> lines(3, {text("\u03b3 = ", gamma, gamma == 0 ? " (cross-entropy)" : ""), {}, {}});
    for (const double p : true_class) {
      const double y = positive ? p : 1 - p, product = loss_at(loss, logit(y), positive).value;
      for (Plot::Line& line : lines) line.x.push_back(y), line.color = gamma;
      lines[0].y.push_back(-std::log(p)), lines[1].y.push_back(std::pow(1 - p, gamma)), lines[2].y.push_back(product);
    }
    for (size_t i = 0; i < plots.size(); ++i) {
      if (i > 0 || gamma == 0) plots[i].lines.push_back(lines[i]);
    }
  }
  for (Plot& plot : plots) {
    plot.band = {positive ? 0.5 : 0.0001, positive ? 0.9999 : 0.5, "right"};
  }
  return plots;
}

std::vector<Plot> weight_plots() {
  constexpr double frequent = 10000;
  const char* x = "frequent samples for each rare one";
  std::vector<Plot> plots = {{"Weight of the rare class", x, "weight", {}, true, true},
                             {"Weight of the frequent class", x, "weight", {}, true, true},
                             {"Ratio of the two", x, "rare / frequent", {}, true, true}};
  const auto add = [&](const std::string& name, bool dashed, auto&& weights_of) {
    Plot::Line line = {name, {}, {}, dashed};
    std::vector<Plot::Line> lines(3, line);
    for (const double exponent : spaced(0, 3, 60)) {
      const auto rare = std::llround(frequent / std::pow(10, exponent));
      const std::vector<double> w = weights_of({rare, static_cast<int64_t>(frequent)});
      for (Plot::Line& l : lines) l.x.push_back(frequent / static_cast<double>(rare));
      lines[0].y.push_back(w[0]), lines[1].y.push_back(w[1]), lines[2].y.push_back(w[0] / w[1]);
    }
    for (size_t i = 0; i < plots.size(); ++i) plots[i].lines.push_back(lines[i]);
  };
  const auto scheme = [](const char* spec) {
    return [spec](const std::vector<int64_t>& n) { return parse_class_weights(spec, {"rare", "frequent"}, n); };
  };
  add("balanced", false, scheme("balanced"));
  add("inverse", false, scheme("inverse"));
  add("sqrt", false, scheme("sqrt"));
  add("effective=0.999", false, scheme("effective=0.999"));
  add("effective=0.9999", false, scheme("effective=0.9999"));
  add("none", false, [](const std::vector<int64_t>& n) { return std::vector<double>(n.size(), 1); });
  add("median", true, scheme("median"));  // last, in black: it lies on another
  return plots;
}

struct Curves {
  Plot value, gradient;
};

Curves curves_of(const LossInfo& info) {
  LossOptions options;
  options.counts = counts;
  options.class_weights = parse_class_weights(info.defaults.class_weights, {"0", "1"}, counts);
  // A weighted mean over one sample would cancel its weight.
  if (!info.is(LossInfo::batch_level)) options.reduction = to_string(Reduction::mean);
  Loss loss(info.name, {}, options);

  const double half = info.is(LossInfo::cosine_logits) ? 1 : info.defaults.threshold != 0 ? 3 : 6;
  const std::string x = info.is(LossInfo::cosine_logits) ? "cosine of the positive class, z"
                        : info.defaults.threshold != 0   ? "output, z"
                                                         : "logit of the positive class, z";
  Curves y = {{"Value", x, "loss", {}}, {"Gradient", x, "\u2202 loss / \u2202z", {}}};
  for (const bool positive : {true, false}) {
    Plot::Line value, gradient;
    value.name = gradient.name = positive ? "positive sample (1000)" : "negative sample (11000)";
    value.x = gradient.x = spaced(info.defaults.threshold - half, info.defaults.threshold + half, 240);
    for (const double z : value.x) {
      const LossAt at = loss_at(loss, z, positive);
      value.y.push_back(at.value), gradient.y.push_back(at.gradient);
    }
    y.value.lines.push_back(std::move(value)), y.gradient.lines.push_back(std::move(gradient));
  }
  return y;
}

std::string defaults_of(const LossInfo& info) {
  std::string y;
  const LossSpec spec = resolve(info, info.form());
  for (const LossParam& p : info.params) {
    if (!spec.applies(p)) continue;
    const double value = spec[p.name];
    y += (y.empty() ? "" : ", ") + p.name + " " + (p.is_word(value) ? p.word : text(value));
  }
  if (info.defaults.class_weights != "none")
    y += (y.empty() ? "" : ", ") + ("class weights " + info.defaults.class_weights);
  return y;
}

constexpr const char* style = R"(
body { margin: 0; background: #fff; color: #222; font: 16px/1.55 system-ui, "Segoe UI", "Helvetica Neue", "DejaVu Sans", Arial, sans-serif; }
main { max-width: 1128px; margin: 0 auto; padding: 24px 20px 80px; }
h1 { font-size: 30px; margin: 12px 0 8px; }
h2 { font-size: 22px; margin: 52px 0 8px; padding-top: 14px; border-top: 1px solid #ddd; }
h3 { font-size: 18px; margin: 44px 0 2px; }
p { max-width: 46em; margin: 6px 0 14px; }
nav a { margin-right: 18px; }
a { color: #0072B2; }
img { max-width: 100%; height: auto; display: block; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(480px, 100%), 1fr)); gap: 16px; }
.pale { color: #5a5a5a; font-size: 14px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(226px, 1fr)); gap: 14px; margin-top: 18px; }
.tiles a { display: block; padding: 8px 8px 2px; border: 1px solid #e2e2e2; border-radius: 6px; color: inherit; text-decoration: none; }
.tiles a:hover { border-color: #0072B2; }
.tiles svg { width: 100%; height: auto; }
.tiles b { display: block; font-size: 14px; margin-left: 4px; }
.key { display: inline-block; width: 24px; border-top: 3px solid; vertical-align: middle; margin: 0 5px; }
)";

std::string image(const std::string& file, const std::string& what) {
  return "<img src=\"" + file + "\" alt=\"" + escaped(what) + "\"/>\n";
}

std::string page(const std::string& tiles, const std::string& sections) {
  return std::string(R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>Counterpoise: losses</title>
<style>)") +
         style + R"(</style>
</head>
<body>
<main>
<h1>Losses for imbalanced data</h1>
<p>Plotted from the library's own losses, in double precision, by <code>losses curves</code>.</p>
<nav><a href="#factors">Designing a function</a><a href="#focal">Focal loss</a><a href="#weights">Class weights</a><a href="#overview">All losses</a></nav>
<h2 id="factors">Designing a function</h2>
<p>Cross-entropy, −log ŷ for a sample of class 1 and −log(1 − ŷ) for one of class 0, does not vanish where the output is
right, so that many easy samples outweigh a few hard ones. A factor between 0 and 1 reduces it: (1 − ŷ)<sup>γ</sup> for
class 1 and ŷ<sup>γ</sup> for class 0 are near 0 where the output is right and near 1 where it is wrong. The products are
the focal loss. After the lecture “Imbalanced Data” (Quang-Vinh Dinh).</p>
)" + image("factors-class-1.svg", "Loss, factors and products for a sample of class 1") +
         image("factors-class-0.svg", "Loss, factors and products for a sample of class 0") +
         R"(<h2 id="focal">Focal loss</h2>
<p>(1 − pₜ)<sup>γ</sup> · (−log pₜ): the larger γ, the less a well classified sample
counts. First the values of γ in the paper's figure 1 (Lin et al. 2017, arXiv:1708.02002), then the integers from 0
to 5.</p>
<div class="pair">
)" + image("focal-paper.svg", "Focal loss for five values of gamma") +
         image("focal-integers.svg", "Focal loss for gamma from 0 to 5") + R"(</div>
<h2 id="weights">Class weights</h2>
<p>Two classes: the frequent one has 10,000 samples, the rare one 10,000 down to 10. “balanced” keeps the mean
weight of all samples at 1, so that the weight of the rare class grows without bound; “inverse”,
“sqrt” and “effective” add up to 2. Some lines lie on each other: for two classes “median”
equals “balanced”, and “inverse” has the same ratio.</p>
)" + image("class-weights.svg", "Weights of six schemes against the ratio of counts") +
         R"(<h2 id="overview">All losses: the gradient against the logit</h2>
<p>For a <span class="key" style="color:#0072B2"></span>positive and a <span class="key" style="color:#D55E00"></span>
negative sample, with 1000 positive and 11000 negative training samples. Each plot has its own scale and links to its
loss.</p>
<p class="pale">One logit where the loss has that form, otherwise a logit per class, with the negative class's at 0.
Parameters and class weights are the defaults, at the end of training. Every point is a batch of that one sample: losses
that compare samples of a batch or remember earlier batches show only their first step, and those for very rare classes
treat neither class here as rare.</p>
<div class="tiles">
)" + tiles +
         "</div>\n" + sections + "</main>\n</body>\n</html>\n";
}

}  // namespace

std::vector<std::string> write_loss_plots(const std::string& folder) {
  make_directories(folder);
  std::vector<std::string> names;
  const auto write = [&](const std::string& name, const std::string& content) {
    write_file(folder + "/" + name, content);
    names.push_back(name);
  };
  write("focal-paper.svg", svg("Focal loss, the paper's values of \u03b3", {focal_plot({0, 0.5, 1, 2, 5})}));
  write("focal-integers.svg", svg("Focal loss, \u03b3 from 0 to 5", {focal_plot({0, 1, 2, 3, 4, 5})}));
  write("factors-class-1.svg", svg("Designing a function, a sample of class 1", factor_plots(true)));
  write("factors-class-0.svg", svg("Designing a function, a sample of class 0", factor_plots(false)));
  write("class-weights.svg", svg("Class weights of each scheme", weight_plots()));
  std::string tiles, sections;
  for (const LossInfo& info : losses()) {
    Curves curves = curves_of(info);
    std::string help = info.help;
    help[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(help[0])));
    const std::string file = info.name + ".svg", name = escaped(info.name), defaults = defaults_of(info);
    write(file, svg(info.name, {curves.value, curves.gradient}));
    curves.gradient.title = info.name + ": gradient";
    tiles += "<a href=\"#" + name + "\"><b>" + name + "</b>\n" + thumbnail(curves.gradient) + "</a>\n";
    sections += "<h3 id=\"" + name + "\">" + name + "</h3>\n<p>" + escaped(help) + ". <span class=\"pale\">" +
                (defaults.empty() ? "" : escaped(defaults) + ". ") + escaped(info.source) + "</span></p>\n" +
                image(file, info.name + ": value and gradient against the logit");
  }
  write("index.html", page(tiles, sections));
  return names;
}

}  // namespace counterpoise
