// The figures of core/README.md.
#include "apps/figures/cells.h"
#include "apps/figures/figures.h"
#include "apps/plots/graph.h"
#include "apps/trainer/program.h"
#include "core/ops.h"

namespace counterpoise {

using namespace drawing;

namespace {

// x itself, and what the gradient is there, which the graph would free.
Var observed(const Var& x, Tensor& gradient) {
  return Var::from_op("observed", x.value(), {x}, [x, &gradient](Tensor dy) {
    gradient = dy.clone();
    x.add_grad(dy);
  });
}

Var scalar(double value) { return Var(Tensor::full(cpu_backend(), {}, value, DType::f64), /*requires_grad=*/true); }

// Two shapes of one memory, and the memory of a small image.
std::string tensors() {
  const Tensor a = Tensor::from<float>(cpu_backend(), {2, 3}, {1, 2, 3, 4, 5, 6}), b = a.reshape({3, 2});
  const Style label{14, "start", ink, " font-weight=\"600\""}, note{12.5, "start", pale_ink};
  std::string body = words(18, 62, "Two tensors that share memory", label);

  const Cells of_a{40, 104, 34, 28, 2, 3, texts(numbers(a), 3)}, of_b{230, 90, 34, 28, 3, 2, texts(numbers(b), 2)};
  body += words(40, 84, "a " + str(a.shape()), note) + words(230, 84, "a.reshape " + str(b.shape()), note);
  const Cells memory{96, 222, 34, 28, 1, 6, texts(numbers(a), 6), [](size_t, size_t) { return pale_gray; }};
  body += draw(of_a) + draw(of_b) + draw(memory);
  body += arrow(91, of_a.bottom() + 6, 140, 216) + arrow(264, of_b.bottom() + 6, 250, 216);
  body += words(96, 270, "memory: row after row", note);

  // A pixel's red, green and blue are 10, 20, 30 more than the pixel's number.
  std::vector<float> pixels;
  for (int pixel = 1; pixel <= 4; ++pixel) {
    for (const int channel : {10, 20, 30}) pixels.push_back(static_cast<float>(pixel + channel));
  }
  const Tensor image_tensor = Tensor::from(cpu_backend(), {1, 2, 2, 3}, pixels);
  const std::vector<double> values = numbers(image_tensor);
  const auto color = [](size_t, size_t column) -> std::string {
    return column % 3 == 0 ? pale_orange : column % 3 == 1 ? pale_green : pale_blue;
  };
  body += words(400, 62, "An image of 2 × 2 pixels with 3 channels", label);
  body += words(420, 84, str(image_tensor.shape()) + ": image, row, column, channel", note);
  const Cells image_cells{420, 100, 36, 30, 2, 6, texts(values, 6), color};
  const Cells image_memory{400, 222, 32, 28, 1, 12, texts(values, 12), color};
  body += draw(image_cells) + draw(image_memory);
  for (size_t pixel = 0; pixel < 4; ++pixel) {
    body += frame(image_cells.part(pixel / 2, pixel % 2 * 3, 1, 3), ink, 2);
    body += frame(image_memory.part(0, pixel * 3, 1, 3), ink, 2);
  }
  body += arrow(528, image_cells.bottom() + 8, 560, 216);
  body += words(400, 270, "memory: the channels of a pixel are neighbors (red, green, blue)", note);
  return image(830, 288, "A tensor is a shape and a share in some memory", body);
}

// w -> u = 2 w -> L = u²: values from left to right, gradients from right to left.
std::string chain_rule() {
  const Var w = scalar(3);
  Tensor du, dl;
  const Var u = observed(2 * w, du), loss = observed(square(u), dl);
  loss.backward();
  struct Node {
    const char *name, *formula;
    double value, gradient;
  };
  const Node nodes[] = {{"w", "a parameter", w.value().item(), w.grad().item()},
                        {"u", "u = 2 w", u.value().item(), du.item()},
                        {"L", "L = u²", loss.value().item(), dl.item()}};
  constexpr double width = 150, gap = 128, top = 84, height = 96;
  std::string body;
  for (size_t i = 0; i < 3; ++i) {
    const double x = 24 + (width + gap) * static_cast<double>(i), middle = x + width / 2;
    body += node({x, top, width, height}, i == 0 ? orange : blue);
    body += words(middle, top + 24, nodes[i].name, {15, "middle", ink, " font-weight=\"600\""});
    body += words(middle, top + 42, nodes[i].formula, {12.5, "middle", pale_ink});
    body += words(middle, top + 63, "value " + tick_text(nodes[i].value), {13.5, "middle", blue});
    body += words(middle, top + 83, "gradient " + tick_text(nodes[i].gradient), {13.5, "middle", orange});
    if (i == 2) continue;
    const double from = x + width + 5, to = x + width + gap - 5, between = (from + to) / 2;
    // What one more of this node adds to the next.
    const double slope = nodes[i].gradient / nodes[i + 1].gradient;
    body += arrow(from, top + 34, to, top + 34, blue) + arrow(to, top + 66, from, top + 66, orange);
    body += words(between, top + 24, i == 0 ? "multiply by 2" : "square", {12.5, "middle", blue});
    body += words(between, top + 84, text("× ", tick_text(slope)), {13, "middle", orange});
    body += words(between, top + 102, i == 0 ? "du/dw = 2" : "dL/du = 2u", {12.5, "middle", orange});
  }
  body += words(24, 62, "forward: values, from left to right", {12.5, "start", blue});
  body +=
      words(24, 212, "backward: gradients, from right to left; each is the one to its right times the slope between",
            {12.5, "start", orange});
  return image(754, 228, "The chain rule on three nodes: dL/dw = dL/du · du/dw", body);
}

// The same for tensors: shapes instead of values.
std::string shapes() {
  const auto leaf = [](const Shape& shape, bool requires_grad) {
    std::vector<double> values(static_cast<size_t>(shape.size()));
    for (size_t i = 0; i < values.size(); ++i) values[i] = 0.25 * static_cast<double>(i % 5);
    return Var(Tensor::from(cpu_backend(), shape, values), requires_grad);
  };
  const Var x = leaf({4, 3}, false), w = leaf({3, 2}, true), b = leaf({2}, true);
  Tensor dxw, dz, dsquares, dl;
  const Var xw = observed(matmul(x, w), dxw);
  const Var z = observed(xw + b, dz);
  const Var squares = observed(square(z), dsquares);
  const Var loss = observed(mean(squares), dl);
  loss.backward();
  const auto lines = [](const Var& var, const Tensor& gradient, const std::string& what) {
    return std::vector<std::string>{"value " + str(var.shape()),
                                    gradient.defined() ? "gradient " + str(gradient.shape()) : "no gradient", what};
  };
  return graph_svg("Each gradient has the shape of its value",
                   {{"x", lines(x, Tensor(), "a constant"), {}, true},
                    {"w", lines(w, w.grad(), "a parameter"), {}, true},
                    {"x w", lines(xw, dxw, "a matrix product"), {0, 1}},
                    {"b", lines(b, b.grad(), "a parameter"), {}, true},
                    {"+", lines(z, dz, "b to every row"), {2, 3}},
                    {"square", lines(squares, dsquares, "of each number"), {4}},
                    {"mean", lines(loss, dl, "one number"), {5}}});
}

}  // namespace

Figures core_figures() {
  return {{"core/figures/tensor.svg", tensors()},
          {"core/figures/chain_rule.svg", chain_rule()},
          {"core/figures/shapes.svg", shapes()}};
}

}  // namespace counterpoise
