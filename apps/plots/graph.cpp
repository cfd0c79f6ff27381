#include "apps/plots/graph.h"

#include <algorithm>
#include <map>

#include "apps/plots/drawing.h"
#include "apps/trainer/format.h"
#include "kernels/error.h"

namespace counterpoise {

using namespace drawing;

namespace {

constexpr double box_width = 128, line_height = 17, gap_x = 46, gap_y = 22, left = 18, header = 50;

double height_of(const GraphNode& node) { return 16 + line_height * static_cast<double>(1 + node.lines.size()); }

// The number of steps from a node without inputs.
std::vector<size_t> columns_of(const std::string& title, const std::vector<GraphNode>& nodes) {
  std::vector<size_t> columns;
  for (size_t i = 0; i < nodes.size(); ++i) {
    size_t column = 0;
    for (const size_t input : nodes[i].inputs) {
      CP_ENSURE(input < i, "graph \"", title, "\": node ", i, " has the input ", input, ", which is not before it");
      column = std::max(column, columns[input] + 1);
    }
    columns.push_back(column);
  }
  // A node without inputs stands beside what first uses it.
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!nodes[i].inputs.empty()) continue;
    for (size_t user = nodes.size(); user-- > i + 1;) {
      const auto& inputs = nodes[user].inputs;
      if (std::find(inputs.begin(), inputs.end(), i) != inputs.end()) columns[i] = columns[user] - 1;
    }
  }
  return columns;
}

// `shift` moves it up or down.
std::string arrow(const Box& from, const Box& to, double shift) {
  const double x1 = from.x + from.width, y1 = from.y + from.height / 2 + shift;
  const double x2 = to.x - 2, y2 = to.y + to.height / 2 + shift;
  const double bend = std::max(20., (x2 - x1) / 2);
  return text("<path d=\"M", px(x1), " ", px(y1), "C", px(x1 + bend), " ", px(y1), " ", px(x2 - bend), " ", px(y2), " ",
              px(x2 - 6), " ", px(y2), "\" fill=\"none\" stroke=\"", pale_ink, "\" stroke-width=\"1.5\"/>\n<path d=\"M",
              px(x2), " ", px(y2), "l-8 -4v8z\" fill=\"", pale_ink, "\"/>\n");
}

}  // namespace

std::string graph_svg(const std::string& title, const std::vector<GraphNode>& nodes) {
  CP_ENSURE(!nodes.empty(), "graph \"", title, "\": there is nothing to draw");
  const std::vector<size_t> columns = columns_of(title, nodes);
  std::map<size_t, double> used;  // the height of each column so far
  std::vector<Box> boxes;
  double width = 0, height = 0;
  for (size_t i = 0; i < nodes.size(); ++i) {
    double& y = used.emplace(columns[i], header).first->second;
    boxes.push_back({left + (box_width + gap_x) * static_cast<double>(columns[i]), y, box_width, height_of(nodes[i])});
    y += boxes[i].height + gap_y;
    width = std::max(width, boxes[i].x + box_width + left), height = std::max(height, y);
  }
  width = std::max(width, width_of(title, 17) + 2 * left);
  std::string body = heading(title);
  for (size_t i = 0; i < nodes.size(); ++i) {
    const std::vector<size_t>& inputs = nodes[i].inputs;
    for (size_t n = 0; n < inputs.size(); ++n) {
      // The arrows of an input that is used several times lie beside each other.
      const auto all = std::count(inputs.begin(), inputs.end(), inputs[n]);
      const auto before = std::count(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(n), inputs[n]);
      body += arrow(boxes[inputs[n]], boxes[i], 18 * (static_cast<double>(before) - static_cast<double>(all - 1) / 2));
    }
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    const Box& b = boxes[i];
    body += rectangle(b, text("rx=\"6\" fill=\"#ffffff\" stroke=\"", color_text(palette[nodes[i].marked ? 1 : 0]),
                              "\" stroke-width=\"1.8\""));
    double y = b.y + 21;
    body += words(b.x + b.width / 2, y, nodes[i].name, {14, "middle", ink, " font-weight=\"600\""});
    for (const std::string& line : nodes[i].lines)
      body += words(b.x + b.width / 2, y += line_height, line, {12.5, "middle", pale_ink});
  }
  return whole_svg(width, height, title, body);
}

}  // namespace counterpoise
