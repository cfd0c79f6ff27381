// catdog: cats, dogs and imbalance, from the command line.
//
//   ./apps/catdog --loss focal --gamma 2
//   ./apps/catdog eval --weights runs/a/best.safetensors
//   ./apps/catdog metrics runs/a/predictions.csv
#include <iostream>
#include <new>

#include "apps/trainer/eval_command.h"
#include "apps/trainer/metrics_command.h"
#include "apps/trainer/options.h"
#include "apps/trainer/stop_signal.h"
#include "apps/trainer/train.h"
#include "layers/summary.h"

namespace counterpoise {

static Exit run(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "metrics") {
    metrics(argc - 1, argv + 1);
    return Exit::ok;
  }
  const Options options = parse_options(argc, argv);
  catch_stop_signals();
  if (options.summary) {
    const Index S = options.image_size;
    const auto model = vgg(options.vgg, cpu_backend(), options.seed);
    std::cout << summary(*model, options.vgg.name, {1, S, S, 3});
    return Exit::ok;
  }
  return options.command == Options::train ? train(options) : eval(options);
}

}  // namespace counterpoise

int main(int argc, char** argv) {
  using namespace counterpoise;
  try {
    const Exit code = run(argc, argv);
    ENSURE(std::cout.flush(), "the result cannot be written to the standard output: is its disk full?");
    return static_cast<int>(code);
  } catch (const Error& error) {
    std::cerr << "catdog: " << error.what() << '\n';
    return static_cast<int>(error.code());
  } catch (const std::bad_alloc&) {
    std::cerr << "catdog: out of memory; try a smaller --batch-size, --image-size or --width\n";
    return static_cast<int>(Exit::no_device);
  } catch (const std::exception& error) {
    std::cerr << "catdog: " << error.what() << '\n';
    return static_cast<int>(Exit::failure);
  }
}
