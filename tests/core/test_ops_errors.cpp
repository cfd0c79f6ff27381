// What the operations refuse, and that they say what they got.
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/backends.h"
#include "tests/core/gradcheck.h"

using namespace counterpoise;

TEST_CASE("ops: errors name the operation and what it got") {
  Backend& b = guarded_cpu();
  const auto make = [&](const Shape& shape) { return Var(random_tensor(b, shape)); };
  const Var m23 = make({2, 3}), m45 = make({4, 5}), v4 = make({4}), v3 = make({3});
  const Var image = make({2, 8, 8, 3}), kernel = make({4, 3, 3, 3}), narrow = make({4, 3, 3, 5});
  Tensor t3 = v3.value();
  const Tensor label = Tensor::from<int32_t>(b, {2}, {0, 3});
  const std::pair<std::vector<std::string>, std::function<void()>> cases[] = {
      {{"add", "[2, 3]", "[4]"}, [&] { m23 + v4; }},
      {{"sub", "[2, 3]", "[4]"}, [&] { m23 - v4; }},
      {{"mul", "[2, 3]", "[4, 5]"}, [&] { m23* m45; }},
      {{"div", "[2, 3]", "[4, 5]"}, [&] { m23 / m45; }},
      {{"maximum", "[4]", "[3]"}, [&] { maximum(v4, v3); }},
      {{"matmul", "[2, 3]", "[4, 5]"}, [&] { matmul(m23, m45); }},
      {{"matmul", "[2, 3]^T", "[4, 5]^T"}, [&] { matmul(m23, m45, true, true); }},
      {{"matmul", "[3]"}, [&] { matmul(m23, v3); }},
      {{"linear", "[2, 3]", "[4, 5]"}, [&] { linear(m23, m45, Var()); }},
      {{"linear", "bias", "[4]"},
       [&] {
         linear(m23, make({5, 3}), v4);
       }},
      {{"linear", "bias", "[2, 5]"},
       [&] {
         linear(m23, make({5, 3}), make({2, 5}));
       }},
      {{"conv2d", "[2, 8, 8, 3]", "[4, 3, 3, 5]"}, [&] { conv2d(image, narrow, Var(), {}); }},
      {{"conv2d", "bias", "[3]", "4"}, [&] { conv2d(image, kernel, v3, {}); }},
      {{"conv2d", "[2, 3]"}, [&] { conv2d(m23, kernel, Var(), {}); }},
      {{"conv2d", "3x3", "2x8"},
       [&] {
         conv2d(make({1, 2, 8, 3}), kernel, Var(), {});
       }},
      {{"conv2d", "stride 0"},
       [&] {
         conv2d(image, kernel, Var(), {0, 1});
       }},
      {{"conv2d", "pad -1"},
       [&] {
         conv2d(image, kernel, Var(), {1, -1});
       }},
      {{"max_pool2d", "9x9", "8x8"},
       [&] {
         max_pool2d(image, {9, 1});
       }},
      {{"max_pool2d", "pad 2"},
       [&] {
         max_pool2d(image, {2, 2, 2});
       }},
      {{"avg_pool2d", "[2, 3]"}, [&] { avg_pool2d(m23, {}); }},
      {{"adaptive_avg_pool2d", "[2, 8, 8, 3]", "0x2"}, [&] { adaptive_avg_pool2d(image, 0, 2); }},
      {{"batch_norm", "[2, 8, 8, 3]", "[4]"}, [&] { batch_norm(image, v4, v4, t3, t3, true); }},
      {{"batch_norm", "[2, 8, 8, 3]", "[4]"}, [&] { batch_norm(image, v3, v4, t3, t3, true); }},
      {{"batch_norm", "[1, 3]", "larger"},
       [&] {
         batch_norm(make({1, 3}), v3, v3, t3, t3, true);
       }},
      {{"batch_norm", "[2, 8, 8, 3]", "residual", "[2, 8, 8]"},
       [&] {
         batch_norm(image, v3, v3, t3, t3, true, 0.1, 1e-5, true, make({2, 8, 8}));
       }},
      {{"conv2d", "residual", "[2, 8, 8]"},
       [&] {
         conv2d(image, make({4, 3, 3, 3}), Var(), {1, 1}, true, make({2, 8, 8}));
       }},
      {{"batch_norm", "[2, 0]"},
       [&] {
         Var none = make({0});
         batch_norm(make({2, 0}), none, none, none.value(), none.value(), true);
       }},
      {{"reshape", "[2, 3]", "[4, 5]"},
       [&] {
         reshape(m23, {4, 5});
       }},
      {{"sum_to", "[2, 3]", "[4]"}, [&] { sum_to(m23, {4}); }},
      {{"sum_to", "[3]", "[2, 3]"},
       [&] {
         sum_to(v3, {2, 3});
       }},
      {{"mean", "[0, 3]"},
       [&] {
         mean(make({0, 3}));
       }},
      {{"row_sum", "[2, 8, 8, 3]"}, [&] { row_sum(image); }},
      {{"log_softmax", "[3]"}, [&] { log_softmax(v3); }},
      {{"log_softmax", "[2, 0]"},
       [&] {
         log_softmax(make({2, 0}));
       }},
      {{"gather", "3", "3 classes"}, [&] { gather(m23, label); }},
      {{"gather", "[4]", "f32"}, [&] { gather(m23, v4.value()); }},
      {{"dropout", "1.5"}, [&] { dropout(m23, 1.5, 0, 0); }},
      {{"dropout", "nan"}, [&] { dropout(m23, std::nan(""), 0, 0); }},
      {{"clamp", "2", "1"}, [&] { clamp(m23, 2, 1); }},
      {{"exp", "i32"}, [&] { exp(label); }},
      {{"add", "i32"}, [&] { label + v3; }},
      {{"cast", "i32"}, [&] { cast(v3, DType::i32); }},
      {{"linear", "i32"}, [&] { linear(m23, label, Var()); }},
      {{"linear", "f64", "f32"}, [&] { linear(m23, cast(m23, DType::f64), Var()); }},
      {{"conv2d", "never given a value"}, [&] { conv2d(Var(), v3, Var(), {}); }},
      {{"conv2d", "never given a value"},
       [&] {
         conv2d(make({1, 2, 2, 1}), Var(), Var(), {});
       }},
      {{"batch_norm", "never given a value"}, [&] { batch_norm(Var(), v3, v3, t3, t3, true); }},
      {{"max_pool2d", "never given a value"}, [&] { max_pool2d(Var(), {}); }},
      {{"reshape", "never given a value"}, [&] { reshape(Var(), {1}); }},
      {{"Tensor::from", "3", "[2]"},
       [&] {
         Tensor::from<float>(b, {2}, {1, 2, 3});
       }},
      {{"item", "[2, 3]"}, [&] { m23.value().item(); }},
      {{"to_vector", "f32"}, [&] { m23.value().to_vector<double>(); }},
      {{"set_value", "[2, 3]", "[3]"}, [&] { Var(v3).set_value(m23.value()); }},
      {{"set_value", "f64", "f32"}, [&] { Var(v3).set_value(v3.value().cast(DType::f64)); }},
      {{"exp", "value"}, [&] { exp(Var()); }},
      {{"shape", "-1"},
       [&] {
         Shape{2, -1};
       }},
      {{"shape", "5"}, [&] { Shape{1, 1, 1, 1, 1, 1}; }},
      {{"shape", "axis 2"}, [&] { m23.shape()[2]; }},
      {{"shape", "[4294967296, 4294967296]", "elements"},
       [&] {
         Tensor::zeros(b, {Index(1) << 32, Index(1) << 32});
       }},
      {{"shape", "elements"}, [&] { Tensor::zeros(b, {Index(1) << 61}, DType::f64); }},
      {{"shape", "elements"},
       [&] {
         Shape{0, Index(1) << 32, Index(1) << 32};
       }},
      {{"shape", "elements"},
       [&] {
         matmul(Tensor::zeros(b, {Index(1) << 31, 0}), Tensor::zeros(b, {0, Index(1) << 31}));
       }},
  };
  for (const auto& [words, action] : cases) {
    CAPTURE(words[0]);
    CHECK(fails(ErrorKind::failure, words, action));
  }
}

TEST_CASE("ops: operands of two dtypes or two backends are an error, in every place") {
  Backend& b = guarded_cpu();
  const auto with = [&](Tensor odd, const std::vector<std::string>& words) {
    const auto make = [&](const Shape& shape) { return Var(random_tensor(b, shape)); };
    const Var v(odd), square = odd.reshape({1, 1}), pixel = odd.reshape({1, 1, 1, 1});
    const Var x = make({2, 1}), image = make({2, 3, 3, 1}), kernel = make({1, 1, 1, 1}), one = make({1});
    Tensor t = one.value();
    const std::function<void()> cases[] = {
        [&] { x + v; },
        [&] { v* x; },
        [&] { minimum(x, v); },
        [&] { matmul(x, square); },
        [&] { linear(x, square, one); },
        [&] { linear(x, square, Var()); },
        [&] {
          linear(x, make({1, 1}), v);
        },
        [&] { conv2d(image, pixel, one, {}); },
        [&] { conv2d(image, kernel, v, {}); },
        [&] { batch_norm(x, v, one, t, t, true); },
        [&] { batch_norm(x, one, v, t, t, true); },
        [&] { batch_norm(x, one, one, odd, t, true); },
        [&] { batch_norm(x, one, one, t, odd, true); },
        [&] { batch_norm(x, one, one, t, odd, false); },
    };
    int which = 0;
    for (const auto& action : cases) {
      CAPTURE(which++);
      CHECK(fails(ErrorKind::failure, words, action));
    }
  };
  with(Tensor::full(b, {1}, 1, DType::f64), {"f32", "f64", "cast()"});
  with(Tensor::full(guarded_reference(), {1}, 1), {"cpu", "reference", "to()"});
  const Tensor index = Tensor::from<int32_t>(guarded_reference(), {2}, {0, 0});
  CHECK(fails(ErrorKind::failure, {"gather", "reference", "cpu"}, [&] { gather(random_tensor(b, {2, 3}), index); }));
}
