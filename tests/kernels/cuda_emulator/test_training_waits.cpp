// When the host waits for the GPU during training. The emulated GPU runs enqueued work as late as possible, and counts
// the host's waits.
#include <doctest/doctest.h>

#include "apps/trainer/loop.h"
#include "data/images/image_dataset.h"
#include "layers/models/models.h"
#include "losses/loss.h"
#include "tests/kernels/cuda_emulator/device.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

struct Case {
  const char *model, *loss;
  Index outputs;
  DType dtype;
};

}  // namespace

TEST_CASE("gpu: a training step waits once, for the step before it, when its own update is enqueued" * slow() *
          doctest::skip(emulator_setting("eager", 0) != 0)) {
  Backend& cuda = *cuda_backend();
  cuda.set_mode({false, true});  // without timing convolutions, which waits
  const SyntheticImages images({10, 10}, 32, 1);
  for (const Case& c : {Case{"vgg11", "bce", 1, DType::f32}, Case{"vgg11", "focal", 1, DType::bf16},
                        Case{"vgg16", "cross-entropy", 2, DType::f32}, Case{"vgg16", "bce", 1, DType::bf16},
                        Case{"vgg11_bn", "cross-entropy", 2, DType::bf16}, Case{"vgg11_bn", "focal", 1, DType::f32}}) {
    const std::string what = detail::text(c.model, " with ", c.loss, " in ", name(c.dtype));
    CAPTURE(what);
    ModelConfig config;
    config.name = c.model, config.width = 1. / 32, config.image_size = 32, config.outputs = c.outputs;
    const auto net = make_model(config, cuda, 1);
    Loss loss(c.loss);
    Adam optimizer(net->trainable());
    DataLoaderOptions options;
    options.batch_size = 4, options.workers = 0, options.backend = &cuda, options.dtype = c.dtype;
    options.augment = augment::parse_policy("flip");
    DataLoader loader(images, options);

    int64_t reported = 0;
    uint64_t forward_work = 0;  // the number of the last work that the forward pass of a step enqueued
    long waits = 0;             // at the last report
    TrainingLoop loop;
    loop.epochs = 2;
    loop.lr = [](const Step&) { return 1e-3; };
    loop.forward = [&](const Batch& batch, const Step& step) {
      const long before = emulated_waits();
      const Var y = loss(cast((*net)(batch.x), DType::f32), batch.labels, 0);
      if (step.index > 0) CHECK(emulated_waits() == before);  // before that, plans of convolutions are compared
      forward_work = gpu().queue.last();
      return y;
    };
    loop.after_step = [&](const Step& step) {
      CHECK(step.index == reported++);
      const long now = emulated_waits();
      if (step.index > 0) CHECK(now - waits <= 1);
      waits = now;
      if (step.index_in_epoch == 4) return;  // the last step of an epoch, for whose result nothing else is done
      // The next step's update is enqueued, but nobody has waited for anything after its forward pass.
      CHECK(optimizer.states()[0].steps == step.index + 2);
      CHECK_FALSE(gpu().queue.has_run(forward_work));
    };
    CHECK(loop.run(loader, optimizer, net->trainable()) == 10);
    CHECK(reported == 10);
  }
}
