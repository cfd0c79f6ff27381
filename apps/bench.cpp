// bench: time and memory of a training step or a forward pass of VGG16 or another model, or the time of each of its
// convolutions, of each operation of a step, of each algorithm for a convolution, or of each of a GPU library's plans.
// Prints JSON; apps/scripts/bench.py compares it with PyTorch, or with another build of this program.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "apps/benchmarks/benchmarks.h"
#include "apps/trainer/device.h"
#include "apps/trainer/flags.h"
#include "apps/trainer/program.h"
#include "kernels/cpu/parallel.h"
#include "layers/models/models.h"

using namespace counterpoise;

namespace {

// A program that is killed has printed what it measured.
void print_line(const nlohmann::json& object) {
  std::puts(object.dump().c_str());
  std::fflush(stdout);
}

nlohmann::json measure(const BenchOptions& o, Backend& backend) {
  const Row row = [&](const nlohmann::json& object) {
    if (o.stream || o.mode == "plans") print_line(object);
  };
  if (o.mode == "layers") return layer_times(o, backend);
  if (o.mode == "operations") return operation_times(o, backend, row);
  if (o.mode == "steps") return algorithm_times(o, backend);
  if (o.mode == "plans") return plan_times(o, backend, row);
  if (o.mode == "augment") return augmentation_rate(o);
  return network_times(o, backend);
}

Exit run(int argc, char** argv) {
  BenchOptions options;
  CLI::App app(
      "Time VGG16, or another model, on this machine's CPU or GPU, and print JSON, the result as the last line. "
      "apps/scripts/bench.py "
      "compares the times with PyTorch's.\n\n"
      "Modes:\n"
      "  train         a training step\n"
      "  infer         a forward pass\n"
      "  layers        each convolution, forward and backward\n"
      "  operations    each operation of a training step\n"
      "  steps         one convolution by each algorithm, from plain loops to Winograd\n"
      "  plans         each convolution of a training step by each plan that the GPU's library offers\n"
      "  augment       images per second of random resized crop, flip and color jitter, on the CPU",
      program_command());
  const auto add = [&app](const std::string& flag, auto& value, const std::string& type, const std::string& help) {
    return app.add_option(flag, value, help)->type_name(type)->capture_default_str();
  };
  add("MODE", options.mode, "", "What to time")
      ->required()
      ->check(CLI::IsMember({"train", "infer", "layers", "operations", "steps", "plans", "augment"}));
  const auto device = add("--device", options.device, "NAME", "cpu, or cuda: a GPU");
  device->check(CLI::IsMember({"cpu", "cuda"}))->default_str("cpu; plans: cuda");
  add("--precision", options.precision, "NAME", "fp32; on a GPU also tf32 or bf16")
      ->check(CLI::IsMember({"fp32", "tf32", "bf16"}));
  const auto size = add("--size", options.size, "N", "Images of N x N pixels")->check(CLI::Range(32, 4096));
  const auto batch = add("--batch", options.batch, "N", "Images per step")->check(CLI::Range(1, 4096));
  size->default_str("160; steps: 40; augment: 224"), batch->default_str("16; steps: 1");
  add("--model", options.model, "NAME", "train and infer: the network")->check(CLI::IsMember(model_names()));
  add("--width", options.width, "X", "Factor on the channels of every convolution; not for steps")
      ->check(CLI::Range(0.01, 4.0));
  add("--threads", options.threads, "N", "Threads that compute; 0: one per core")->check(CLI::Range(0, 1024));
  add("--seconds", options.seconds, "X", "How long to repeat a step; a tenth of it for a single operation")
      ->check(CLI::Range(0.0, 3600.0));
  app.add_flag("--stream", options.stream, "Print each operation as a line of its own as soon as it is timed, too");
  app.add_flag("--exact", options.exact, "plans: compare with plain loops, which take seconds for a large batch");
  app.add_flag(
      "--compile", options.compile,
      "On a GPU, in tf32 or bf16: compile kernels that compute several operations in one, where that is faster");
  bool no_graphs = false;
  app.add_flag("--no-cuda-graphs", no_graphs,
               "train and infer, on a GPU: start the operations of a step one by one, not as a CUDA graph");
  app.add_flag("--allow-fallbacks", options.allow_fallbacks,
               "Do not fail where the GPU's library refuses a convolution, which then runs in plain loops");
  parse_command_line(app, argc, argv);
  options.step_graphs = !no_graphs;
  if (options.mode == "steps" && size->empty()) options.size = 40;
  if (options.mode == "steps" && batch->empty()) options.batch = 1;
  if (options.mode == "augment" && size->empty()) options.size = 224;
  if (options.mode == "plans" && device->empty()) options.device = "cuda";
  set_cpu_threads(options.threads);
  CP_ENSURE_AS(invalid_argument, options.mode != "steps" || options.device == "cpu",
               "steps: these algorithms are those of the CPU; use --device cpu");
  CP_ENSURE_AS(invalid_argument, options.step_graphs || options.mode == "train" || options.mode == "infer",
               "--no-cuda-graphs: is for train and infer");
  Backend& backend =
      choose_backend(options.device, options.precision, {false, false, options.compile, options.step_graphs});
  nlohmann::json result = measure(options, backend);
  result.update({{"mode", options.mode},
                 {"model", options.model},
                 {"size", options.size},
                 {"batch", options.batch},
                 {"width", options.width},
                 {"precision", options.precision},
                 {"device", backend.description()},
                 {"threads", cpu_threads()}});
  if (options.compile) result["compile"] = true;
  print_line(result);
  return Exit::ok;
}

}  // namespace

int main(int argc, char** argv) {
  return run_program("bench", [&] { return run(argc, argv); });
}
