// The tables of every technique as a plot of dots with error bars.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <map>
#include <sstream>

#include "apps/figures/losses_figures.h"
#include "apps/plots/drawing.h"
#include "apps/plots/plot.h"
#include "apps/trainer/format.h"
#include "core/io/file.h"

namespace counterpoise {

using namespace drawing;

namespace {

struct Score {
  double mean = 0, deviation = 0;
};
constexpr size_t F1 = 0, average_precision = 3;  // the columns of numbers
using Scores = std::array<Score, 4>;
struct Technique {
  std::string options;
  std::vector<Scores> scores;  // of each table
};
struct Tables {
  std::vector<std::string> titles;
  std::vector<Technique> techniques;  // those of the first table, in its order
};

// Tables whose rows are | `options` | mean ± deviation | ... | under a header line each.
Tables read_tables(const std::string& path) {
  Tables tables;
  std::map<std::string, size_t> place;
  std::istringstream in(read_file(path, size_t(1) << 20));
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("## ", 0) == 0) tables.titles.push_back(line.substr(3));
    if (line.rfind("| `", 0) != 0) continue;
    const size_t end = line.find('`', 3);
    CP_ENSURE(end != std::string::npos && !tables.titles.empty(), path, ": ", line, " is not a row of a table");
    const std::string options = line.substr(3, end - 3);
    if (!place.count(options)) {
      place[options] = tables.techniques.size();
      tables.techniques.push_back({options, {}});
    }
    Scores scores;
    const char* at = line.c_str() + end;
    for (Score& score : scores) {
      const auto number = [&](const char* after) {
        at = std::strstr(at, after);
        CP_ENSURE(at, path, ": ", line, " has too few numbers");
        char* rest = nullptr;
        const double value = std::strtod(at += std::strlen(after), &rest);
        CP_ENSURE(rest != at, path, ": ", line, " has something that is not a number");
        at = rest;
        return value;
      };
      score.mean = number("| "), score.deviation = number("± ");
    }
    tables.techniques[place[options]].scores.push_back(scores);
  }
  CP_ENSURE(!tables.techniques.empty(), path, ": there is no table");
  for (const Technique& technique : tables.techniques) {
    CP_ENSURE(technique.scores.size() == tables.titles.size(), path, ": ", technique.options, " is not in every table");
  }
  return tables;
}

// "--loss focal --alpha none" is "focal --alpha none": the rows are mostly losses.
std::string short_name(const std::string& options) {
  return options.rfind("--loss ", 0) == 0 ? options.substr(7) : options;
}

constexpr double row = 17, header = 92, name_width = 300, panel = 330, space = 40;

// Where numbers are: F1 from 0 to 1, average precisions from lowest[1] to 1.
constexpr double lowest[] = {0, 0.5};
double place(size_t which, double value) {
  const double share = (std::clamp(value, lowest[which], 1.) - lowest[which]) / (1 - lowest[which]);
  return name_width + (panel + space) * static_cast<double>(which) + panel * share;
}

}  // namespace

Figure every_technique_figure() {
  Tables tables = read_tables("losses/every_technique.md");
  std::stable_sort(tables.techniques.begin(), tables.techniques.end(),
                   [](const Technique& a, const Technique& b) { return a.scores[0][F1].mean > b.scores[0][F1].mean; });
  const double bottom = header + row * static_cast<double>(tables.techniques.size());
  const double width = place(1, 1) + 30, height = bottom + 34;
  const std::string title = "Every technique, out of the box: mean and standard deviation over five seeds";
  std::string body = heading(title);
  double x = 18;
  for (size_t t = 0; t < tables.titles.size(); ++t) {
    body += text("<circle cx=\"", px(x + 6), "\" cy=\"52\" r=\"4.5\" fill=\"", color_text(palette[t]), "\"/>\n");
    body += words(x + 18, 56.5, tables.titles[t], {13});
    x += 40 + width_of(tables.titles[t], 13);
  }
  for (size_t i = 0; i < tables.techniques.size(); i += 2) {
    body += rectangle({0, header + row * static_cast<double>(i), width, row}, "fill=\"#f6f6f6\"");
  }
  for (size_t which = 0; which < 2; ++which) {
    body += words((place(which, 0) + place(which, 1)) / 2, header - 12, which ? "average precision" : "F1",
                  {14, "middle", ink, " font-weight=\"600\""});
    for (const double tick : multiples(which ? 0.1 : 0.2, lowest[which], 1)) {
      body += stroke(place(which, tick), header, place(which, tick), bottom, tick == 0 ? zero_line : "#d9d9d9");
      body += words(place(which, tick), bottom + 18, tick_text(tick), {12, "middle", pale_ink});
    }
  }
  for (size_t i = 0; i < tables.techniques.size(); ++i) {
    const bool plain = tables.techniques[i].options == "--loss bce";  // which the others are compared with
    body += words(name_width - 12, header + row * (static_cast<double>(i) + 0.72),
                  short_name(tables.techniques[i].options), {12, "end", ink, plain ? " font-weight=\"700\"" : ""});
  }
  // All bars of a table are one path, and all dots: points of a line with round ends.
  for (size_t t = tables.titles.size(); t-- > 0;) {
    std::string bars, dots;
    for (size_t i = 0; i < tables.techniques.size(); ++i) {
      const double y = header + row * (static_cast<double>(i) + (t ? 0.66 : 0.36));
      for (size_t which = 0; which < 2; ++which) {
        const Score& score = tables.techniques[i].scores[t][which ? average_precision : F1];
        const double low = std::max(0., score.mean - score.deviation),
                     high = std::min(1., score.mean + score.deviation);
        if (high > low) bars += "M" + px(place(which, low)) + " " + px(y) + "H" + px(place(which, high));
        dots += "M" + px(place(which, score.mean)) + " " + px(y) + "h0";
      }
    }
    const std::string color = color_text(palette[t]);
    body += text("<path d=\"", bars, "\" stroke=\"", color, "\" stroke-width=\"1.6\" opacity=\"0.6\"/>\n");
    body += text("<path d=\"", dots, "\" stroke=\"", color, "\" stroke-width=\"7\" stroke-linecap=\"round\"/>\n");
  }
  return {"losses/figures/every_technique.svg", whole_svg(width, height, title, body)};
}

}  // namespace counterpoise
