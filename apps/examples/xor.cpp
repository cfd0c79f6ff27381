// xor: the smallest problem that needs a hidden layer.
//
// The exclusive or of two bits is 1 where exactly one of them is 1. No straight line separates the two classes, so a
// linear model cannot learn it; one hidden layer can.
//
//   c++ xor.cpp $(pkg-config --cflags --libs counterpoise) && ./a.out
#include <counterpoise/counterpoise.h>

#include <iostream>

using namespace counterpoise;

int main() {
  manual_seed(1);
  const Tensor x = Tensor::from<float>(cpu_backend(), {4, 2}, {0, 0, 0, 1, 1, 0, 1, 1});
  const std::vector<int32_t> y = {0, 1, 1, 0};

  Sequential net = {Linear(2, 8), Tanh(), Linear(8, 1)};
  Adam optimizer(net.trainable(), /*lr=*/0.05);
  Loss loss("bce");
  for (int step = 0; step <= 300; ++step) {
    const Var value = loss(net(x), y);
    if (step % 100 == 0) std::cout << "step " << step << "  loss " << value.value().item() << '\n';
    value.backward();
    optimizer.step();
  }

  const std::vector<int32_t> predicted = predict(net(x));
  for (size_t i = 0; i < y.size(); ++i) std::cout << i / 2 << " xor " << i % 2 << " = " << predicted[i] << '\n';
  return predicted == y ? 0 : 1;
}
