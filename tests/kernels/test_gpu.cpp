// catdog on a GPU: what it prints when the GPU is not there, too small or broken, and that it learns what the
// processor learns. Told to an emulated GPU, which can be broken on purpose (make test CUDA=emulated); the others pass
// on a real one, too.
#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

#include "tests/gpu.h"
#include "tests/program.h"

using namespace counterpoise;

namespace {

// Runs catdog on a GPU; `GPU` is what CUDA_EMULATOR says of it.
Result on_card(const std::string& arguments, const std::string& GPU = "") {
  return shell("unset CUDA_VISIBLE_DEVICES; export CUDA_EMULATOR=" + GPU + "; " + program("catdog") + " " + arguments);
}

const std::string small =
    "--model vgg11 --count cat=12,dog=20 --epochs 2 --image-size 32 --width 0.125 --batch-size 8 --device cuda ";

std::vector<double> losses(const std::string& folder) {
  std::istringstream csv(slurp(folder + "/steps.csv"));
  std::vector<double> values;
  std::string line;
  std::getline(csv, line);
  while (std::getline(csv, line)) values.push_back(std::stod(line.substr(line.find(',', line.find(',') + 1) + 1)));
  return values;
}

double worst_relative(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  REQUIRE(!a.empty());
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::fabs(a[i] - b[i]) / b[i]);
  return worst;
}

}  // namespace

TEST_CASE("gpu: one that is missing, too old or of another kind is told in one line, with 4" * needs_emulated_gpu()) {
  const std::pair<const char*, const char*> cases[] = {
      {"gpus=0", "no NVIDIA GPU on this machine"},
      {"driver=0", "no NVIDIA driver on this machine"},
      {"driver=12040", "the NVIDIA driver is for CUDA 12.4, but this program needs"},
      {"no-image", "make CUDA_ARCHS=90"},
      {"memory=3", "out of memory on the emulated GPU"},
  };
  for (const auto& [GPU, part] : cases) {
    CAPTURE(GPU);
    const Result r = on_card(small, GPU);
    CHECK(r.code == 4);
    CHECK(r.out == "");
    CHECK(contains(last_line(r.err), part));
    CHECK(last_line(r.err).rfind("catdog: ", 0) == 0);
    must_succeed(on_card("--summary", GPU));  // who does not ask for a GPU does not hear of it
  }
  const Result old = on_card(small + "--precision bf16", "capability=75");
  CHECK(old.code == 4);
  CHECK(contains(last_line(old.err), "bf16 needs a GPU of compute capability 8.0"));
  CHECK(contains(last_line(on_card(small + "--precision tf32", "capability=75").err), "tf32 needs"));
}

TEST_CASE("gpu: --device auto takes the processor where no GPU can be used") {
  const Result r =
      must_succeed(shell(program("catdog") + " --count cat=4,dog=4 --epochs 1 --image-size 32 --width 0.0625"));
  CHECK(contains(r.err, "on cpu"));
  CHECK_FALSE(contains(r.err, "warning"));
}

TEST_CASE("gpu: --device auto says why, if there is a GPU that cannot be used" * needs_emulated_gpu()) {
  const std::string run = "--count cat=4,dog=4 --epochs 1 --image-size 32 --width 0.0625";
  const std::pair<const char*, const char*> cases[] = {
      {"gpus=0", ""},
      {"driver=0", ""},
      {"driver=12040", "the NVIDIA driver is for CUDA 12.4, but this program needs"},
      {"no-image", "make CUDA_ARCHS=90"},
      {"memory=3", "out of memory on the emulated GPU"},
  };
  for (const auto& [GPU, reason] : cases) {
    CAPTURE(GPU);
    const Result r = must_succeed(on_card(run, GPU));
    CHECK(contains(r.out, "accuracy"));
    CHECK(contains(r.err, "on cpu"));
    const std::string warning =
        "counterpoise: warning: --device auto: the CPU computes, because the GPU cannot be used: ";
    const size_t at = r.err.find(warning);
    CHECK((at == std::string::npos) == (*reason == 0));
    if (at == std::string::npos) continue;
    const size_t end = r.err.find('\n', at);
    CHECK(contains(r.err.substr(at, end - at), reason));
    CHECK_FALSE(contains(r.err.substr(end), "warning"));
    CHECK_FALSE(contains(on_card("--device cpu " + run, GPU).err, "warning"));
  }
  const Result used = on_card(run);
  CHECK(contains(used.err, "on cuda"));
  CHECK_FALSE(contains(used.err, "warning"));
}

TEST_CASE("gpu: a run that diverges ends with 5, at the step where the processor's does" * needs_gpu()) {
  const TemporaryFolder cpu, GPU;
  const std::string run = "--optimizer sgd --lr 1e5 --epochs 4 --schedule constant --deterministic --output ";
  std::string on_cpu = small;
  on_cpu.replace(on_cpu.find("cuda"), 4, "cpu");
  const Result a = shell(program("catdog") + " " + on_cpu + run + cpu.path()), b = on_card(small + run + GPU.path());
  const auto message = [](const Result& r) { return last_line(r.err).substr(0, last_line(r.err).find(';')); };
  CHECK(a.code == 5);
  CHECK(b.code == 5);
  CHECK(contains(message(a), "training diverged"));
  CHECK(message(b) == message(a));
}

TEST_CASE("gpu: out of memory and errors of the GPU in mid-training end with 4 and leave the last weights whole" *
          needs_emulated_gpu()) {
  const TemporaryFolder whole, memory, broken;
  must_succeed(on_card(small + "--epochs 1 --schedule constant --output " + whole.path()));
  const std::string counted = on_card("eval --device cuda --weights " + (whole / "last.safetensors")).out;
  REQUIRE(!counted.empty());

  // A batch that does not fit.
  const Result r = on_card(small + "--batch-size 32", "memory=36");
  CHECK(r.code == 4);
  CHECK(contains(last_line(r.err), "MiB more could not be allocated; try a smaller --batch-size"));
  // CUDA loads a kernel's code when it is first started, and needs memory for it.
  const Result loaded = on_card(small, "no-code=100");
  CHECK(loaded.code == 4);
  CHECK(contains(last_line(loaded.err), "cuda: out of memory in "));
  CHECK(contains(last_line(loaded.err), "; try a smaller --batch-size"));
  CHECK_FALSE(contains(last_line(loaded.err), "CUDA_LAUNCH_BLOCKING"));

  // The GPU breaks in the second epoch: kernels are counted, and an epoch has the same number in every run.
  int fail_after = 0;
  Result last;
  for (const int kernels : {300, 400, 500, 600, 700, 800, 1000, 1500, 2000}) {
    const TemporaryFolder out;
    const Result r = on_card(small + "--epochs 4 --schedule constant --output " + out.path(),
                             "fail-after=" + std::to_string(kernels));
    if (r.code == 0) break;  // it was over by then
    CHECK(r.code == 4);
    CHECK(r.out == "");
    CHECK(contains(last_line(r.err), "an illegal memory access was encountered in "));
    CHECK(contains(last_line(r.err), "CUDA_LAUNCH_BLOCKING=1"));
    const size_t at = last_line(r.err).find("the weights of epoch 1 are in ");
    if (at == std::string::npos) continue;  // too early, or later than epoch 1
    fail_after = kernels;
    std::string path = last_line(r.err).substr(at + std::string("the weights of epoch 1 are in ").size());
    path = path.substr(0, path.find(".safetensors") + std::string(".safetensors").size());
    const Result evaluated = must_succeed(on_card("eval --device cuda --weights " + path));
    CHECK(evaluated.out == counted);
    break;
  }
  CHECK(fail_after > 0);
  for (const int kernels : {300, 700, 1100}) {
    const Result r = on_card(small + "--epochs 8", "fail-after=" + std::to_string(kernels));
    CHECK(r.code == 4);
    CHECK(contains(last_line(r.err), "an illegal memory access was encountered in "));
  }
}

TEST_CASE("gpu: what cuDNN refuses is told in a training, and counted at its end" * needs_emulated_gpu()) {
  const std::string few = small + "--count cat=4,dog=4 --epochs 1";
  const Result r = must_succeed(on_card(few, "no-plans"));
  CHECK(contains(r.err, "Warning: cuDNN does not compute the convolution (forward of 32x32x3"));
  CHECK(contains(r.err, "operations without a fast path"));
  CHECK_FALSE(contains(on_card(few).err, "fast path"));
}

TEST_CASE("gpu: the losses of a run are those of the processor, and equal in every run" * needs_gpu()) {
  const TemporaryFolder cpu, GPU, again, graph, rounded;
  const std::string run = "--augment flip,rotate=0.1 --optimizer sgd --lr 0.01 --deterministic --output ";
  std::string on_cpu = small;
  on_cpu.replace(on_cpu.find("cuda"), 4, "cpu");
  must_succeed(shell(program("catdog") + " " + on_cpu + run + cpu.path()));
  must_succeed(on_card(small + "--no-cuda-graphs " + run + GPU.path()));
  must_succeed(on_card(small + "--workers 0 " + run + again.path()));
  must_succeed(on_card(small + "--precision bf16 " + run + rounded.path()));
  CHECK(worst_relative(losses(GPU.path()), losses(cpu.path())) < 1e-4);
  CHECK(slurp(GPU / "steps.csv") == slurp(again / "steps.csv"));
  CHECK(slurp(GPU / "last.safetensors") == slurp(again / "last.safetensors"));
  const Result with_graphs = on_card(small + run + graph.path());
  CHECK(contains(with_graphs.err, "5 of 8 steps as a CUDA graph, of "));
  CHECK(slurp(GPU / "steps.csv") == slurp(graph / "steps.csv"));
  CHECK(slurp(GPU / "last.safetensors") == slurp(graph / "last.safetensors"));
  CHECK(worst_relative(losses(rounded.path()), losses(cpu.path())) < 0.03);
  CHECK(worst_relative(losses(rounded.path()), losses(cpu.path())) > 0);
}

TEST_CASE("gpu: a training whose steps are CUDA graphs gives the bits of one without, in every precision" *
          needs_gpu()) {
  // (After an evaluation of averaged weights, what is kept in bf16 are their roundings, not those of the weights.)
  const std::pair<const char*, const char*> cases[] = {
      {"--model vgg11 --precision bf16 --ema 0.9 --clip-norm 1", "4 of 8 steps as a CUDA graph, of "},
      {"--model vgg11_bn", "5 of 8 steps as a CUDA graph, of "},
      {"--model vgg11_bn --precision tf32", "5 of 8 steps as a CUDA graph, of "},
      {"--model resnet20 --width 0.5 --precision bf16 --mix mixup=0.4", "5 of 8 steps as a CUDA graph, of "}};
  for (const auto& [flags, summary] : cases) {
    CAPTURE(flags);
    const TemporaryFolder without, with;
    const std::string run = small + flags + " --deterministic --augment flip,contrast=0.2 --output ";
    must_succeed(on_card(run + without.path() + " --no-cuda-graphs"));
    const Result graphs = must_succeed(on_card(run + with.path()));
    CAPTURE(graphs.err);
    CHECK(contains(graphs.err, summary));
    CHECK(slurp(without / "steps.csv") == slurp(with / "steps.csv"));
    CHECK(slurp(without / "last.safetensors") == slurp(with / "last.safetensors"));
  }
}

TEST_CASE("gpu: every loss, mixing and every technique runs there in bf16" * needs_gpu()) {
  for (const char* flags : {"--loss influence-balanced", "--loss ldam", "--loss ldam --precision bf16",
                            "--loss cross-entropy --tau-norm 1", "--mix mixup=0.4 --precision bf16",
                            "--mix cutmix=1 --precision bf16", "--crt 1 --temperature --threshold f1 --precision bf16",
                            "--model vgg11_bn --precision bf16", "--optimizer sgd --nesterov --precision tf32",
                            "--compile --precision bf16", "--precision bf16 --mix mixup=0.4 --ema 0.9 --clip-norm 1"}) {
    CAPTURE(flags);
    const Result r = must_succeed(on_card(small + "--epochs 1 " + flags));
    CHECK(contains(r.out, "accuracy"));
  }
}
