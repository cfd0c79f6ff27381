#include "apps/figures/layers_networks.h"

#include <cmath>
#include <map>

#include "apps/figures/cells.h"
#include "apps/plots/plot.h"
#include "apps/trainer/program.h"
#include "layers/activation.h"
#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/pool.h"
#include "layers/sequential.h"
#include "layers/summary.h"

namespace counterpoise {

using namespace drawing;

namespace {

// White for 0 to the palette's blue for 1.
std::string blue_of(double share) {
  const auto mix = [&](int to) { return static_cast<int>(std::lround(255 + (to - 255) * share)); };
  return formatted("#%02x%02x%02x", mix(0x00), mix(0x72), mix(0xb2));
}

// A convolution of 3x3 whose output is the mean of its window.
Conv2d mean_of_window() {
  Conv2d conv(1, 1, 3, {1, 1}, /*relu=*/false, /*bias=*/false);
  conv.parameters()[0].var.set_value(init::constant({1, 3, 3, 1}, 1. / 9));
  return conv;
}

// The derivatives of the output at (row, column) by each pixel.
std::vector<double> influence(Sequential& net, Index side, Index row, Index column) {
  const Var x(Tensor::full(cpu_backend(), {1, side, side, 1}, 1), /*requires_grad=*/true);
  const Var y = net(x);
  std::vector<float> at(static_cast<size_t>(y.value().size()));
  at[static_cast<size_t>(row * y.shape()[2] + column)] = 1;
  sum(y * Tensor::from(cpu_backend(), y.shape(), at)).backward();
  return numbers(x.grad());
}

double root_mean_square(const Tensor& x) { return std::sqrt(sum_squares({x}) / static_cast<double>(x.size())); }

}  // namespace

std::string receptive_field_figure() {
  constexpr Index side = 14;
  struct Panel {
    std::string title;
    Sequential net;
    Index at;  // row and column of the output
  };
  std::vector<Panel> panels;
  panels.push_back({"1 convolution", {}, 6});
  panels.push_back({"2 convolutions", {}, 6});
  panels.push_back({"2, pooling, 1", {}, 3});
  panels.push_back({"2, pooling, 2", {}, 3});
  for (size_t i = 0; i < panels.size(); ++i) {
    for (int layer = 0; layer < (i == 0 ? 1 : 2); ++layer) panels[i].net.add(mean_of_window());
    if (i >= 2) panels[i].net.add(AvgPool2d(2));
    for (size_t layer = 1; layer < i; ++layer) panels[i].net.add(mean_of_window());
  }
  std::string body;
  double left = 24;
  for (Panel& panel : panels) {
    const std::vector<double> shares = influence(panel.net, side, panel.at, panel.at);
    double most = 0;
    size_t first = side, last = 0;
    for (size_t i = 0; i < shares.size(); ++i) {
      if (shares[i] == 0) continue;
      most = std::max(most, shares[i]);
      first = std::min(first, i / side), last = std::max(last, i / side);
    }
    const Cells cells{left, 92, 14, 14, side, side, {}, [&](size_t row, size_t column) {
                        const double share = shares[row * side + column];
                        return share == 0 ? std::string() : blue_of(0.15 + 0.85 * share / most);
                      }};
    const size_t size = last - first + 1;
    body += words(left, 66, panel.title, {14, "start", ink, " font-weight=\"600\""});
    body += words(left, 84, text("depends on ", size, " × ", size, " pixels"), {12.5, "start", pale_ink});
    body += draw(cells) + frame(cells.part(first, first, size, size), orange);
    left = cells.right() + 26;
  }
  return image(left - 2, 308, "The receptive field of one output grows with each layer, and faster after a pooling",
               body);
}

std::string initialization_figure() {
  constexpr Index width = 256, samples = 64;
  constexpr int layers = 12;
  const InitScope scope(cpu_backend(), /*seed=*/1);
  const Tensor input = init::normal({samples, width}, 1);
  const struct {
    const char* name;
    double deviation;
  } choices[] = {{"deviation 0.01", 0.01}, {"Kaiming: √(2 / 256) = 0.088", 0}, {"deviation 0.2", 0.2}};
  Plot plot{"Size of a layer's outputs", "layer", "root mean square"};
  plot.log_y = true;
  for (const auto& choice : choices) {
    Plot::Line sizes{choice.name, {}, {}};
    Var x = input;
    for (int layer = 1; layer <= layers; ++layer) {
      const Shape shape{width, width};
      const Tensor weight =
          choice.deviation > 0 ? init::normal(shape, choice.deviation) : init::kaiming_normal(shape, width);
      x = relu(linear(x, weight, {}));
      sizes.x.push_back(layer), sizes.y.push_back(root_mean_square(x.value()));
    }
    plot.lines.push_back(sizes);
  }
  return svg("Twelve dense layers with relu, 256 wide, before any training", {plot});
}

namespace {

// He et al. 2016 (arXiv:1512.03385), figure 2; layers/README.md explains it.
class Block : public Module {
 public:
  explicit Block(Index channels)
      : conv1_(add("conv1", Conv2d(channels, channels, 3, {1, 1}))),
        bn1_(add("bn1", BatchNorm2d(channels))),
        conv2_(add("conv2", Conv2d(channels, channels, 3, {1, 1}))),
        bn2_(add("bn2", BatchNorm2d(channels))) {}
  Var forward(const Var& x) override { return relu(bn2_(conv2_(relu(bn1_(conv1_(x))))) + x); }

 private:
  Conv2d& conv1_;
  BatchNorm2d& bn1_;
  Conv2d& conv2_;
  BatchNorm2d& bn2_;
};

}  // namespace

std::string residual_block_figure() {
  Block block(16);
  const Shape input{1, 32, 32, 16};
  std::map<const Module*, std::string> names;
  for (const Module::Child& child : block.children()) names[child.module.get()] = child.name;
  const auto shape = [](Shape y) {  // without the samples
    return text(y[1], " × ", y[2], " × ", y[3]);
  };
  struct Node {
    std::string name;
    std::vector<std::string> lines;
  };
  std::vector<Node> nodes = {{"x", {shape(input)}}};
  for (const Module::Call& call : block.trace(input)) {
    if (names.count(call.module) == 0) continue;
    nodes.push_back(
        {names[call.module], {shape(call.output), with_commas(call.module->parameter_count(true)) + " parameters"}});
  }
  nodes[2].lines.emplace_back("then relu");
  nodes.push_back({"+", {shape(block.output_shape(input)), "then relu"}});

  constexpr double width = 124, gap = 26, top = 98, height = 84, left = 18;
  std::string body;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const double x = left + (width + gap) * static_cast<double>(i), middle = x + width / 2;
    const bool end = i == 0 || i + 1 == nodes.size();
    if (i > 0) body += arrow(x - gap + 3, top + height / 2, x - 3, top + height / 2);
    body += node({x, top, width, height}, end ? orange : blue);
    body += words(middle, top + 22, nodes[i].name, {14, "middle", ink, " font-weight=\"600\""});
    double y = top + 41;
    for (const std::string& line : nodes[i].lines) body += words(middle, y, line, {12.5, "middle", pale_ink}), y += 17;
  }
  const double first = left + width / 2, last = first + (width + gap) * static_cast<double>(nodes.size() - 1);
  body += text("<path d=\"M", px(first), " ", px(top - 3), "V64H", px(last), "V", px(top - 12),
               "\" fill=\"none\" stroke=\"", orange, "\" stroke-width=\"1.8\"/>\n");
  body += arrow(last, 64, last, top - 2, orange);
  body += words((first + last) / 2, 58, "the shortcut: x as it is", {12.5, "middle", orange});
  return image(left * 2 + (width + gap) * static_cast<double>(nodes.size()) - gap, 202,
               "A residual block: what it computes is added to its input", body);
}

}  // namespace counterpoise
