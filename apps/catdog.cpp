// catdog: trains a classifier of cats and dogs on imbalanced data, and evaluates it.
//
//   ./apps/catdog --loss focal --gamma 2
//   ./apps/catdog eval --weights runs/a/best.safetensors
//   ./apps/catdog export --weights runs/a/best.safetensors --output model.onnx
//   ./apps/catdog metrics runs/a/predictions.csv
#include <iostream>

#include "apps/compare/compare_command.h"
#include "apps/trainer/eval_command.h"
#include "apps/trainer/export_command.h"
#include "apps/trainer/metrics_command.h"
#include "apps/trainer/options.h"
#include "apps/trainer/program.h"
#include "apps/trainer/stop_signal.h"
#include "apps/trainer/train.h"
#include "layers/summary.h"

namespace counterpoise {

static Exit run(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "export") return export_weights(argc - 1, argv + 1);
  if (argc > 1 && std::string(argv[1]) == "compare") return compare_command(argc - 1, argv + 1);
  if (argc > 1 && std::string(argv[1]) == "metrics") {
    metrics(argc - 1, argv + 1);
    return Exit::ok;
  }
  const Options options = parse_options(argc, argv);
  const StopSignals caught;
  if (options.summary) {
    const Index S = options.image_size;
    const auto model = make_model(options.model, meta_backend(), options.seed);
    std::cout << summary(*model, options.model.name, {1, S, S, 3});
    return Exit::ok;
  }
  return options.command == Options::train ? train(options) : eval(options);
}

}  // namespace counterpoise

int main(int argc, char** argv) {
  return counterpoise::run_program("catdog", [&] { return counterpoise::run(argc, argv); });
}
