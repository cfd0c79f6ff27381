#include "tests/core/op_table.h"

#include "core/random.h"

namespace counterpoise {

std::vector<float> draw(const Input& input, uint64_t index) {
  Random rng(7, Stream::test, index, input.shape.size());
  const Index n = input.shape.size();
  std::vector<float> values(n);
  for (Index i = 0; i < n; ++i) {
    switch (input.draw) {
      case Input::normal:
        values[i] = static_cast<float>(input.scale * rng.normal());
        break;
      case Input::positive:
        values[i] = rng.uniform(0.5f, 2.f);
        break;
      case Input::apart:
        values[i] = (float(i - n / 2) + 0.25f) / 32;
        break;
      case Input::apart_beside:
        values[i] = (float(i - n / 2) + 0.75f) / 32;
        break;
      case Input::odd:
        values[i] = static_cast<float>(input.scale * (2. * double(rng.below(8)) - 7));
        break;
    }
  }
  if (input.draw == Input::apart || input.draw == Input::apart_beside) rng.shuffle(values);
  return values;
}

namespace {

using Rows = std::vector<OpRow>;
using Shapes = std::vector<Shape>;

const Shapes any_shapes = {{}, {1}, {7}, {3, 5}, {0, 4}, {2, 3, 1, 4, 2}, {67}};

// -- pointwise --

struct Pointwise {
  const char* name;
  Input::Draw draw;
  Var (*f)(const Var&);
};

const Pointwise pointwise[] = {
    {"affine", Input::normal, [](const Var& x) { return affine(x, -1.5, 0.25); }},
    {"relu", Input::apart, relu},
    {"sigmoid", Input::normal, sigmoid},
    {"tanh", Input::normal, tanh},
    {"softplus", Input::normal, softplus},
    {"log_sigmoid", Input::normal, log_sigmoid},
    {"exp", Input::normal, exp},
    {"log", Input::positive, log},
    {"log1p", Input::positive, log1p},
    {"expm1", Input::normal, expm1},
    {"sqrt", Input::positive, sqrt},
    {"square", Input::normal, square},
    {"abs", Input::apart, abs},
    {"pow", Input::normal, [](const Var& x) { return pow(x, 3); }},
    {"pow", Input::positive, [](const Var& x) { return pow(x, -0.5); }},
    {"pow", Input::positive, [](const Var& x) { return pow(x, 2.25); }},
    {"pow", Input::normal, [](const Var& x) { return pow(x, 1); }},
    {"pow", Input::normal, [](const Var& x) { return pow(x, 0); }},
    {"clamp", Input::apart, [](const Var& x) { return clamp(x, -0.5, 0.25); }},
    {"clamp", Input::apart, [](const Var& x) { return clamp(x, 0, 100); }},
    {"operator-(Var)", Input::normal, [](const Var& x) { return -x; }},
    {"operator+(Var, double)", Input::normal, [](const Var& x) { return x + 2.5; }},
    {"operator+(double, Var)", Input::normal, [](const Var& x) { return 2.5 + x; }},
    {"operator-(Var, double)", Input::normal, [](const Var& x) { return x - 2.5; }},
    {"operator-(double, Var)", Input::normal, [](const Var& x) { return 2.5 - x; }},
    {"operator*(Var, double)", Input::normal, [](const Var& x) { return x * 2.5; }},
    {"operator*(double, Var)", Input::normal, [](const Var& x) { return 2.5 * x; }},
    {"operator/(Var, double)", Input::normal, [](const Var& x) { return x / 2.5; }},
    {"operator/(double, Var)", Input::positive, [](const Var& x) { return 2.5 / x; }},
};

void add_pointwise(Rows& rows) {
  for (const Pointwise& p : pointwise) {
    const auto f = [p](Inputs in) { return p.f(in[0]); };
    for (const Shape& shape : any_shapes) rows.push_back({p.name, str(shape), {{shape, p.draw}}, f});
  }
  // Far from 0, where formulas that are not written with care overflow or lose digits.
  for (const Pointwise& p : pointwise) {
    const std::string name = p.name;
    if (name == "sigmoid" || name == "tanh" || name == "softplus" || name == "log_sigmoid") {
      rows.push_back({name, "far", {{{50}, Input::normal, 30}}, [p](Inputs in) { return p.f(in[0]); }});
    }
  }
}

struct Binary {
  const char* name;
  Input::Draw draw_a, draw_b;
  Var (*f)(const Var&, const Var&);
};

// clang-format off
const Binary binaries[] = {
    {"operator+(Var, Var)", Input::normal, Input::normal, operator+},
    {"operator-(Var, Var)", Input::normal, Input::normal, operator-},
    {"operator*(Var, Var)", Input::normal, Input::normal, operator*},
    {"operator/(Var, Var)", Input::normal, Input::positive, operator/},
    {"maximum", Input::apart, Input::apart_beside, maximum},
    {"minimum", Input::apart, Input::apart_beside, minimum},
};
// clang-format on

void add_binaries(Rows& rows) {
  const std::pair<Shape, Shape> shapes[] = {
      {{3, 4}, {3, 4}},
      {{}, {}},
      {{1}, {1}},
      {{}, {2, 3}},
      {{2, 3}, {}},
      {{3, 4}, {4}},
      {{3, 4}, {3, 1}},
      {{1, 4}, {3, 4}},
      {{5, 1}, {1, 6}},
      {{1, 6}, {5, 1}},
      {{7, 1}, {7, 1}},
      {{2, 3, 4}, {3, 1}},
      {{2, 1, 4, 1}, {3, 1, 5}},
      {{2, 3, 4, 5}, {5}},
      {{2, 3, 1, 5}, {2, 1, 4, 1}},
      {{2, 2, 1, 3, 2}, {2, 1, 1, 2}},
      {{0, 4}, {4}},
      {{0, 1}, {1, 4}},
      {{1, 1, 1}, {2}},
  };
  for (const Binary& b : binaries) {
    for (const auto& [sa, sb] : shapes) {
      rows.push_back({b.name, detail::text(sa, " with ", sb), {{sa, b.draw_a}, {sb, b.draw_b}}, [b](Inputs in) {
                        return b.f(in[0], in[1]);
                      }});
    }
  }
}

// -- shape and reductions --

void add_reductions(Rows& rows) {
  for (const Shape& s : any_shapes) {  // in f64, where finite differences need it, nothing changes
    rows.push_back({"cast", str(s), {{s}}, [](Inputs in) { return cast(in[0], DType::f64); }});
  }
  const std::pair<Shape, Shape> reshapes[] = {{{2, 3, 4}, {6, 4}}, {{}, {1, 1}}, {{5}, {1, 5, 1}}, {{0, 3}, {3, 0}}};
  for (const auto& [from, to] : reshapes) {
    rows.push_back(
        {"reshape", detail::text(from, " to ", to), {{from}}, [to = to](Inputs in) { return reshape(in[0], to); }});
  }
  for (const Shape& s : Shapes{{2, 3, 4, 5}, {3}, {1, 1, 1, 1}, {0, 2, 2, 3}}) {
    rows.push_back({"flatten", str(s), {{s}}, [](Inputs in) { return flatten(in[0]); }});
  }
  for (const Shape& s : Shapes{{}, {1}, {7}, {64}, {3, 5}, {2, 3, 4, 5}, {0, 4}}) {
    rows.push_back({"sum", str(s), {{s}}, [](Inputs in) { return sum(in[0]); }});
    if (s.size() == 0) continue;
    rows.push_back({"mean", str(s), {{s}}, [](Inputs in) { return mean(in[0]); }});
  }
  for (const Shape& s : Shapes{{7}, {3, 5}, {64, 1}, {0, 4}, {1, 66}}) {
    rows.push_back({"row_sum", str(s), {{s, Input::positive}}, [](Inputs in) { return row_sum(in[0]); }});
  }
  const std::pair<Shape, Shape> sums[] = {
      {{4, 5}, {5}},          {{4, 5}, {4, 1}},       {{4, 5}, {1, 5}},    {{4, 5}, {}},
      {{4, 5}, {1}},          {{4, 5}, {4, 5}},       {{2, 3, 4}, {3, 1}}, {{2, 3, 4}, {2, 1, 4}},
      {{2, 3, 4}, {1, 3, 1}}, {{2, 3, 4}, {3, 4}},    {{0, 5}, {5}},       {{5, 0}, {5, 1}},
      {{1, 1}, {}},           {{2, 3, 2, 5, 3}, {3}}, {{9, 1}, {1}},       {{130, 40}, {40}},
  };
  for (const auto& [from, to] : sums) {
    rows.push_back(
        {"sum_to", detail::text(from, " to ", to), {{from}}, [to = to](Inputs in) { return sum_to(in[0], to); }});
  }
}

void add_classification(Rows& rows) {
  for (const Shape& s : Shapes{{4, 3}, {1, 7}, {5, 1}, {33, 2}, {1, 1}, {0, 3}}) {
    for (const double scale : {1., 20.}) {
      const std::vector<Input> in = {{s, Input::normal, scale}};
      const std::string what = detail::text(str(s), " times ", scale);
      rows.push_back({"log_softmax", what, in, [](Inputs in) { return log_softmax(in[0]); }});
      rows.push_back({"softmax", what, in, [](Inputs in) { return softmax(in[0]); }});
    }
    rows.push_back({"gather", str(s), {{s}}, [](Inputs in) {
                      const Shape& shape = in[0].shape();
                      std::vector<int32_t> index(shape[0]);
                      for (Index n = 0; n < shape[0]; ++n) index[n] = int32_t((5 * n + 1) % shape[1]);
                      return gather(in[0], Tensor::from(in[0].backend(), {shape[0]}, index));
                    }});
  }
  for (const Shape& s : Shapes{{1}, {6}, {3, 5}, {2, 3, 4, 3}, {0, 3}}) {
    for (const double p : {0., 0.25, 0.5, 0.9, 1.}) {
      rows.push_back({"dropout", detail::text(s, " with p=", p), {{s}}, [p](Inputs in) {
                        return dropout(in[0], p, 0x123456789abcdefu, 5);
                      }});
    }
  }
}

// -- products --

void add_products(Rows& rows) {
  const Index sizes[][3] = {{3, 4, 5}, {1, 1, 1}, {7, 1, 2}, {1, 9, 1}, {33, 17, 12}, {0, 3, 4}, {3, 4, 0}, {3, 0, 4}};
  for (const auto& [M, L, N] : sizes) {
    for (const bool ta : {false, true}) {
      for (const bool tb : {false, true}) {
        const Shape a = ta ? Shape{L, M} : Shape{M, L}, b = tb ? Shape{N, L} : Shape{L, N};
        rows.push_back(
            {"matmul", detail::text(a, ta ? "^T" : "", " times ", b, tb ? "^T" : ""), {{a}, {b}}, [=](Inputs in) {
               return matmul(in[0], in[1], ta, tb);
             }});
      }
    }
    rows.push_back(
        {"matmul", detail::text(Shape{M, L}, " times ", Shape{L, N}, " in f32"), {{{M, L}}, {{L, N}}}, [](Inputs in) {
           return matmul(in[0], in[1], false, false, parameter_dtype(in[0].value().dtype()));
         }});
    const Shape x{M, L}, w{N, L};
    rows.push_back({"linear", detail::text(x, " by ", w, " in f32"), {{x}, {w}, {{N}}}, [](Inputs in) {
                      return linear(in[0], in[1], in[2], parameter_dtype(in[0].value().dtype()));
                    }});
    rows.push_back({"linear", detail::text(x, " by ", w), {{x}, {w}, {{N}}}, [](Inputs in) {
                      return linear(in[0], in[1], in[2]);
                    }});
    rows.push_back({"linear", detail::text(x, " by ", w, " without bias"), {{x}, {w}}, [](Inputs in) {
                      return linear(in[0], in[1], Var());
                    }});
  }
}

struct Conv {
  Shape x, w;
  Conv2dParams params;
};

const Conv convolutions[] = {
    {{2, 5, 6, 3}, {4, 3, 3, 3}, {1, 1}},
    {{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 0}},
    {{3, 4, 5, 6}, {2, 1, 1, 6}, {1, 0}},   // a plain product
    {{2, 5, 4, 3}, {4, 1, 1, 3}, {2, 0}},   // 1x1 at stride 2, as in a shortcut of a ResNet
    {{1, 3, 2, 2}, {3, 1, 1, 2}, {1, 1}},   // 1x1 with padding
    {{1, 9, 11, 3}, {4, 7, 7, 3}, {2, 3}},  // the first layer of a ResNet
    {{2, 6, 6, 2}, {3, 3, 3, 2}, {2, 1}},   // stride 2, even: the last row is not read
    {{2, 7, 5, 2}, {3, 3, 3, 2}, {2, 1}},
    {{1, 7, 6, 2}, {2, 5, 5, 2}, {1, 0}},
    {{1, 4, 4, 2}, {2, 3, 3, 2}, {1, 2}},  // pad = kernel - 1
    {{1, 3, 4, 2}, {2, 3, 3, 2}, {1, 3}},  // more padding than kernel: whole windows of zeros
    {{2, 2, 3, 2}, {2, 2, 2, 2}, {2, 4}},
    {{2, 4, 6, 3}, {2, 1, 3, 3}, {1, 0}},  // kernels that are not square
    {{2, 6, 4, 3}, {2, 3, 1, 3}, {1, 1}},
    {{1, 5, 5, 2}, {3, 2, 3, 2}, {1, 1}},
    {{2, 6, 4, 3}, {2, 2, 2, 3}, {2, 0}},
    {{1, 8, 7, 2}, {2, 2, 2, 2}, {3, 0}},  // stride beyond the kernel: inputs that are not read
    {{2, 1, 1, 3}, {4, 3, 3, 3}, {1, 1}},  // one pixel
    {{2, 7, 1, 3}, {4, 3, 3, 3}, {1, 1}},
    {{2, 4, 5, 1}, {1, 3, 3, 1}, {1, 1}},
    {{1, 4, 3, 2}, {3, 4, 3, 2}, {1, 0}},  // one window
    {{1, 9, 13, 8}, {8, 3, 3, 8}, {1, 1}},
    {{1, 5, 4, 11}, {3, 3, 3, 11}, {1, 1}},
    {{0, 4, 4, 2}, {3, 3, 3, 2}, {1, 1}},
    {{0, 4, 4, 2}, {3, 3, 3, 2}, {2, 1}},
};

void add_convolutions(Rows& rows) {
  for (const Conv& c : convolutions) {
    const std::string what = detail::text(c.x, " by ", c.w, " stride ", c.params.stride, " pad ", c.params.pad);
    const Shape k{c.w[0]};
    rows.push_back({"conv2d", what + " without bias", {{c.x}, {c.w}}, [c](Inputs in) {
                      return conv2d(in[0], in[1], Var(), c.params);
                    }});
    rows.push_back({"conv2d", what + " with bias", {{c.x}, {c.w}, {k}}, [c](Inputs in) {
                      return conv2d(in[0], in[1], in[2], c.params);
                    }});
    // The input of relu is a multiple of 1/64, plus an odd multiple of 1/128: never 0.
    rows.push_back({"conv2d",
                    what + " with bias and relu",
                    {{c.x, Input::odd, 1. / 8}, {c.w, Input::odd, 1. / 8}, {k, Input::odd, 1. / 128}},
                    [c](Inputs in) { return conv2d(in[0], in[1], in[2], c.params, true); }});
  }
  for (const bool relu : {false, true}) {  // in bf16 the bias' gradient goes on in the dtype of the bias
    rows.push_back(
        {"conv2d",
         relu ? "an operation below the bias, relu" : "an operation below the bias",
         {{{2, 5, 6, 3}, Input::odd, 1. / 8}, {{4, 3, 3, 3}, Input::odd, 1. / 8}, {{4}, Input::odd, 1. / 128}},
         [relu](Inputs in) {
           return conv2d(in[0], in[1], affine(in[2], -3, 0), {1, 1}, relu);
         }});
  }
  for (const Conv& c : {convolutions[0], convolutions[2], convolutions[3], convolutions[6], convolutions[21]}) {
    const Shape y{c.x[0], c.params.out(c.x[1], c.w[1]), c.params.out(c.x[2], c.w[2]), c.w[0]}, k{c.w[0]};
    const std::string what = detail::text(c.x, " by ", c.w, " stride ", c.params.stride, " with residual");
    rows.push_back({"conv2d", what, {{c.x}, {c.w}, {y}}, [c](Inputs in) {
                      return conv2d(in[0], in[1], Var(), c.params, false, in[2]);
                    }});
    // Multiples of 1/64, but for the bias: never 0.
    rows.push_back(
        {"conv2d",
         what + ", bias and relu",
         {{c.x, Input::odd, 1. / 8}, {c.w, Input::odd, 1. / 8}, {k, Input::odd, 1. / 128}, {y, Input::odd, 1. / 4}},
         [c](Inputs in) { return conv2d(in[0], in[1], in[2], c.params, true, in[3]); }});
  }
  // A convolution hands its input's gradient to the relu below it uncomputed; alone, or with another one.
  const Index channels = 4;
  const std::vector<Input> below = {{{2, 5, 6, 3}, Input::odd, 1. / 8},
                                    {{channels, 3, 3, 3}, Input::odd, 1. / 8},
                                    {{channels}, Input::odd, 1. / 128},
                                    {{3, 3, 3, channels}, Input::normal, 0.2},
                                    {{3, 1, 1, channels}, Input::normal, 0.2}};
  const auto hidden = [](Inputs in) { return conv2d(in[0], in[1], in[2], {1, 1}, true); };
  rows.push_back({"conv2d", "of a convolution with relu", {below[0], below[1], below[2], below[3]}, [=](Inputs in) {
                    return conv2d(hidden(in), in[3], Var(), {1, 1});
                  }});
  rows.push_back({"conv2d", "twice of a convolution with relu", below, [=](Inputs in) {
                    const Var h = hidden(in);
                    return conv2d(h, in[3], Var(), {1, 1}) + conv2d(h, in[4], Var(), {});
                  }});
  for (const Index stride : {1, 2}) {  // 27 odd products each: never 0
    rows.push_back({"conv2d",
                    detail::text("relu without bias, stride ", stride),
                    {{{2, 5, 6, 3}, Input::odd, 1. / 8}, {{4, 3, 3, 3}, Input::odd, 1. / 8}},
                    [=](Inputs in) {
                      return conv2d(in[0], in[1], Var(), {stride, 0}, true);
                    }});
  }
}

// -- images --

void add_images(Rows& rows) {
  const std::pair<Shape, Pool2dParams> pools[] = {
      {{2, 4, 6, 3}, {2, 2, 0}},  {{2, 5, 7, 3}, {2, 2, 0}}, {{1, 7, 6, 2}, {3, 2, 1}}, {{2, 5, 4, 2}, {3, 1, 1}},
      {{1, 7, 8, 2}, {2, 3, 0}},  {{1, 3, 3, 1}, {3, 3, 0}}, {{2, 1, 1, 4}, {1, 1, 0}}, {{1, 5, 5, 1}, {4, 2, 2}},
      {{1, 4, 4, 17}, {3, 3, 1}}, {{0, 4, 4, 2}, {2, 2, 0}}, {{0, 4, 4, 2}, {3, 1, 1}}, {{2, 1, 9, 3}, {2, 2, 1}},
  };
  for (const auto& [s, p] : pools) {
    const std::string what = detail::text(s, " window ", p.window, " stride ", p.stride, " pad ", p.pad);
    rows.push_back({"max_pool2d", what, {{s, Input::apart}}, [p = p](Inputs in) { return max_pool2d(in[0], p); }});
    rows.push_back({"avg_pool2d", what, {{s}}, [p = p](Inputs in) { return avg_pool2d(in[0], p); }});
  }
  rows.push_back({"max_pool2d", "more positions than a byte has", {{{1, 19, 18, 3}, Input::apart}}, [](Inputs in) {
                    return max_pool2d(in[0], {17, 1, 0});
                  }});
  const std::pair<Conv2dParams, Pool2dParams> pooled[] = {
      {{1, 1}, {2, 2, 0}}, {{1, 0}, {2, 2, 0}}, {{2, 1}, {2, 1, 0}}, {{1, 1}, {3, 2, 1}}};
  for (const auto& [c, p] : pooled) {
    const std::string what =
        detail::text("stride ", c.stride, " pad ", c.pad, ", window ", p.window, " stride ", p.stride);
    const Input x{{2, 7, 9, 3}}, w{{5, 3, 3, 3}};
    rows.push_back({"conv2d_relu_max_pool2d", what, {x, w, {{5}}}, [c = c, p = p](Inputs in) {
                      return conv2d_relu_max_pool2d(in[0], in[1], in[2], c, p);
                    }});
    rows.push_back(
        {"conv2d_relu_max_pool2d", what + " below another", {x, w, {{5}}, {{2, 1, 1, 5}}}, [c = c, p = p](Inputs in) {
           return conv2d(conv2d_relu_max_pool2d(in[0], in[1], in[2], c, p), in[3], Var(), {});
         }});
    rows.push_back({"conv2d_relu_max_pool2d", what + " without bias", {x, w}, [c = c, p = p](Inputs in) {
                      return conv2d_relu_max_pool2d(in[0], in[1], Var(), c, p);
                    }});
  }
  rows.push_back(
      {"conv2d_relu_max_pool2d", "an operation below the bias", {{{2, 7, 9, 3}}, {{5, 3, 3, 3}}, {{5}}}, [](Inputs in) {
         return conv2d_relu_max_pool2d(in[0], in[1], affine(in[2], -3, 0), {1, 1}, {2, 2, 0});
       }});
  rows.push_back({"conv2d_relu_max_pool2d", "no images", {{{0, 4, 4, 3}}, {{5, 3, 3, 3}}, {{5}}}, [](Inputs in) {
                    return conv2d_relu_max_pool2d(in[0], in[1], in[2], {1, 1}, {2, 2, 0});
                  }});
  const std::pair<Shape, Shape> adaptive[] = {
      {{2, 7, 5, 3}, {1, 1}}, {{2, 7, 5, 3}, {3, 2}}, {{1, 3, 2, 2}, {7, 7}},  {{2, 5, 6, 1}, {5, 6}},
      {{1, 1, 1, 2}, {3, 2}}, {{1, 6, 4, 2}, {6, 2}}, {{1, 10, 3, 2}, {4, 5}}, {{0, 4, 4, 2}, {2, 2}},
  };
  for (const auto& [s, to] : adaptive) {
    rows.push_back({"adaptive_avg_pool2d", detail::text(s, " to ", to), {{s}}, [to = to](Inputs in) {
                      return adaptive_avg_pool2d(in[0], to[0], to[1]);
                    }});
  }
  for (const Shape& s : Shapes{{4, 3, 2, 5}, {6, 3}, {3, 1, 1, 4}, {3, 2, 2, 1}, {40, 130}}) {
    const Shape c{s[-1]};
    for (const bool training : {true, false}) {
      rows.push_back({"batch_norm",
                      detail::text(s, training ? " training" : " inference"),
                      {{s}, {c}, {c}},
                      [training, c](Inputs in) {
                        const Tensor& x = in[0].value();
                        const DType statistics = parameter_dtype(x.dtype());
                        Tensor mean = Tensor::full(x.backend(), c, 0.3, statistics);
                        Tensor var = Tensor::full(x.backend(), c, 1.7, statistics);
                        return batch_norm(in[0], in[1], in[2], mean, var, training);
                      }});
    }
  }
  // With relu. Its input is not near 0: the residual, or else the shift, is far from it, and the rest is smaller.
  const auto statistics = [](const Var& x, double value) {
    return Tensor::full(x.backend(), {x.shape()[-1]}, value, parameter_dtype(x.value().dtype()));
  };
  for (const Shape& s : Shapes{{4, 3, 2, 5}, {6, 3}, {3, 1, 1, 4}, {3, 2, 2, 1}, {40, 130}}) {
    const Shape c{s[-1]};
    for (const bool training : {true, false}) {
      const std::string what = detail::text(s, training ? " training" : " inference");
      for (const bool relu : {false, true}) {
        rows.push_back({"batch_norm",
                        what + " with residual" + (relu ? " and relu" : ""),
                        {{s}, {c, Input::normal, 0.1}, {c, Input::normal, 0.1}, {s, Input::odd, 4}},
                        [=](Inputs in) {
                          Tensor mean = statistics(in[0], 0.3), var = statistics(in[0], 1.7);
                          return batch_norm(in[0], in[1], in[2], mean, var, training, 0.1, 1e-5, relu, in[3]);
                        }});
      }
      rows.push_back(
          {"batch_norm", what + " with relu", {{s}, {c, Input::normal, 0.1}, {c, Input::odd, 4}}, [=](Inputs in) {
             Tensor mean = statistics(in[0], 0.3), var = statistics(in[0], 1.7);
             return batch_norm(in[0], in[1], in[2], mean, var, training, 0.1, 1e-5, true);
           }});
    }
  }
  rows.push_back({"batch_norm", "inference of nothing", {{{0, 2, 2, 3}}, {{3}}, {{3}}}, [](Inputs in) {
                    Tensor one = Tensor::full(in[0].backend(), {3}, 1, parameter_dtype(in[0].value().dtype()));
                    return batch_norm(in[0], in[1], in[2], one, one, false);
                  }});
}

}  // namespace

const std::vector<OpRow>& op_table() {
  static const Rows table = [] {
    Rows rows;
    add_pointwise(rows);
    add_binaries(rows);
    add_reductions(rows);
    add_classification(rows);
    add_products(rows);
    add_convolutions(rows);
    add_images(rows);
    return rows;
  }();
  return table;
}

}  // namespace counterpoise
