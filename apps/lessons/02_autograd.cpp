// Lesson 2: numbers that remember how they were made. The chain rule, by a program.
//
// The text beside this program is 02_autograd.md.
#include <counterpoise/counterpoise.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>

#include "apps/lessons/lesson.h"

// A number, what it was made of, and how fast the result grows with it.
struct Node {
  std::string name;
  double value;
  double gradient = 0;
  std::vector<std::shared_ptr<Node>> inputs = {};
  std::function<void(const Node&)> backward = {};  // adds to the gradients of the inputs
};
using Number = std::shared_ptr<Node>;

Number number(const std::string& name, double value) { return std::make_shared<Node>(Node{name, value}); }
Number made(const std::string& name, double value, std::vector<Number> inputs) {
  return std::make_shared<Node>(Node{name, value, 0, std::move(inputs)});
}

// Each operation knows one thing beside its value: its own derivatives.
Number operator+(const Number& a, const Number& b) {
  const Number y = made("+", a->value + b->value, {a, b});
  y->backward = [a, b](const Node& y) { a->gradient += y.gradient, b->gradient += y.gradient; };
  return y;
}
Number operator-(const Number& a, const Number& b) {
  const Number y = made("−", a->value - b->value, {a, b});
  y->backward = [a, b](const Node& y) { a->gradient += y.gradient, b->gradient -= y.gradient; };
  return y;
}
Number operator*(const Number& a, const Number& b) {
  const Number y = made("×", a->value * b->value, {a, b});
  y->backward = [a, b](const Node& y) {
    a->gradient += b->value * y.gradient;
    b->gradient += a->value * y.gradient;
  };
  return y;
}
Number tanh(const Number& a) {
  const Number y = made("tanh", std::tanh(a->value), {a});
  y->backward = [a](const Node& y) { a->gradient += (1 - y.value * y.value) * y.gradient; };
  return y;
}

// All numbers that a result was made of, each after what it was made of.
void collect(const Number& number, std::vector<Number>& order) {
  if (std::find(order.begin(), order.end(), number) != order.end()) return;
  for (const Number& input : number->inputs) collect(input, order);
  order.push_back(number);
}

// From the result back to the beginning: when a number's turn comes, everything that used it has had its own.
std::vector<Number> backward(const Number& result) {
  std::vector<Number> order;
  collect(result, order);
  result->gradient = 1;
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    if ((*it)->backward) (*it)->backward(**it);
  }
  return order;
}

// The loss of one neuron, (tanh(w x + b) - y)², for plain numbers.
double loss_of(double w, double x, double b, double y) { return std::pow(std::tanh(w * x + b) - y, 2); }

int main(int argc, char** argv) {
  const Number w = number("w", 0.5), x = number("x", 2), b = number("b", -0.3), y = number("y", 1);
  const Number z = w * x, s = z + b, p = tanh(s), e = p - y, loss = e * e;
  z->name = "z = w x", s->name = "s = z + b", p->name = "p = tanh s", e->name = "e = p − y", loss->name = "L = e · e";
  const std::vector<Number> order = backward(loss);

  std::printf(" value  gradient\n");
  for (const Number& n : order) std::printf("%6.3f    %6.3f  %s\n", n->value, n->gradient, n->name.c_str());

  const double h = 1e-6;
  std::printf("\nThe gradient of w by moving w a little: %.6f; by the chain rule: %.6f\n",
              (loss_of(0.5 + h, 2, -0.3, 1) - loss_of(0.5 - h, 2, -0.3, 1)) / (2 * h), w->gradient);

  // The library's Var does the same for whole tensors.
  using namespace counterpoise;
  const auto scalar = [](double value) { return Var(Tensor::full(cpu_backend(), {}, value, DType::f64), true); };
  const Var vw = scalar(0.5), vx = scalar(2), vb = scalar(-0.3), vy = scalar(1);
  square(counterpoise::tanh(vw * vx + vb) - vy).backward();
  std::printf("The library's: w %.6f, x %.6f, b %.6f; ours: %.6f, %.6f, %.6f\n", vw.grad().item(), vx.grad().item(),
              vb.grad().item(), w->gradient, x->gradient, b->gradient);

  std::vector<GraphNode> nodes;
  for (const Number& n : order) {
    GraphNode node;
    node.name = n->name;
    node.marked = n->inputs.empty();
    char line[64];
    std::snprintf(line, sizeof line, "value %.3f", n->value), node.lines.emplace_back(line);
    std::snprintf(line, sizeof line, "gradient %.3f", n->gradient), node.lines.emplace_back(line);
    for (const Number& input : n->inputs) {
      const auto at = std::find(order.begin(), order.end(), input) - order.begin();
      node.inputs.push_back(static_cast<size_t>(at));
    }
    nodes.push_back(node);
  }
  Folder(argc, argv).write("02_autograd.svg", graph_svg("(tanh(w x + b) − y)², its values and its gradients", nodes));
}
