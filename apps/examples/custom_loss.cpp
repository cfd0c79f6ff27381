// custom_loss: a loss is a function of Vars, and backward() computes its gradients.
//
// The exponential loss of AdaBoost, mean of e^(-s z) with s = +1 for the positive class and -1 for the other (Friedman,
// Hastie and Tibshirani 2000, eq. 7), is not in the registry of losses; it is composed of a few operations.
//
//   c++ custom_loss.cpp $(pkg-config --cflags --libs counterpoise) && ./a.out
#include <counterpoise/counterpoise.h>

#include <iostream>

using namespace counterpoise;

// Logits z [N] or [N, 1] and signs [N], +1 or -1.  ->  [], the mean of e^(-sign z).
static Var exponential_loss(const Var& z, const Tensor& signs) {
  return mean(exp(-(reshape(z, signs.shape()) * signs)));
}

int main() {
  manual_seed(1);
  Random rng(1, Stream::test);
  std::vector<float> numbers, signs;
  for (int i = 0; i < 200; ++i) {  // two clouds in the plane, one sample in ten positive
    signs.push_back(i % 10 == 0 ? 1 : -1);
    for (int axis = 0; axis < 2; ++axis) numbers.push_back(signs.back() + rng.normal());
  }
  const Tensor x = Tensor::from(cpu_backend(), {200, 2}, numbers), sign = Tensor::from(cpu_backend(), {200}, signs);

  Linear model(2, 1);
  Sgd optimizer(model.trainable(), /*lr=*/0.1);
  double value = 0;
  for (int step = 0; step < 200; ++step) {
    const Var loss = exponential_loss(model(x), sign);
    loss.backward();
    optimizer.step();
    value = loss.value().item();
  }

  int right = 0;
  const std::vector<float> z = model(x).value().to_vector<float>();
  for (size_t i = 0; i < z.size(); ++i) right += (z[i] > 0) == (signs[i] > 0);
  std::cout << "loss " << value << ", " << right << " of " << z.size() << " samples right\n";
  return right > 180 ? 0 : 1;
}
