// tabular: a rare class in your own table.
//
//   c++ tabular.cpp $(pkg-config --cflags --libs counterpoise) -o tabular
//   ./tabular fraud.csv is_fraud      # a CSV file, and its column of labels
//   ./tabular                         # without arguments: a synthetic table, one positive row in twenty
#include <counterpoise/counterpoise.h>

#include <iostream>

using namespace counterpoise;

// A table of two features; the positive class lies in a ring around the other.
static std::string synthetic_csv() {
  Random rng(1, Stream::test);
  std::string csv = "x,y,is_fraud\n";
  for (int i = 0; i < 2000; ++i) {
    const bool rare = i % 20 == 0;
    const double angle = rng.uniform(0, 6.2831853f), radius = rare ? 2.5 + 0.4 * rng.normal() : 1.2 * rng.uniform();
    csv += std::to_string(radius * std::cos(angle)) + "," + std::to_string(radius * std::sin(angle)) + "," +
           (rare ? "1" : "0") + "\n";
  }
  write_file("synthetic.csv", csv);
  return "synthetic.csv";
}

int main(int argc, char** argv) try {
  manual_seed(1);
  const Table table = read_csv(argc > 1 ? argv[1] : synthetic_csv(), {/*label=*/argc > 2 ? argv[2] : "is_fraud"});
  auto [train, test] = stratified_split(table, 0.2, /*seed=*/1);
  standardize(train, test);

  Sequential net = {Linear(train.columns, 64), ReLU(), Linear(64, 1)};
  Adam optimizer(net.trainable(), /*lr=*/1e-2);
  Loss loss("focal", {{"gamma", 2}});
  DataLoader loader(train, {/*batch_size=*/64});
  for (int epoch = 1; epoch <= 20; ++epoch) {
    for (const Batch& batch : loader) {
      loss(net(batch.x), batch.labels).backward();
      optimizer.step();
    }
  }

  const NoGrad no_grad;
  std::cout << classification_report(test.labels, predict(net(test.tensor())), test.class_names);
} catch (const Error& error) {
  std::cerr << "tabular: " << error.what() << "\n";
  return 1;
}
