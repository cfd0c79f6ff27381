#include <atomic>
#include <thread>
#include <vector>

#include "apps/benchmarks/benchmarks.h"
#include "apps/benchmarks/timing.h"
#include "core/random.h"
#include "data/augment/augmenters.h"
#include "data/augment/pixels.h"
#include "data/augment/training.h"
#include "kernels/cpu/parallel.h"

namespace counterpoise {

namespace {

// An image of the size that photographs in ImageNet have, with colors of all kinds.
Image colorful(int height, int width) {
  Image image{height, width, {}};
  for (int i = 0; i < height; ++i) {
    for (int j = 0; j < width; ++j) {
      image.rgb.push_back(uint8_t(i * 255 / height));
      image.rgb.push_back(uint8_t(j * 255 / width));
      image.rgb.push_back(uint8_t((i * 7 + j * 3) % 256));
    }
  }
  return image;
}

}  // namespace

nlohmann::json augmentation_rate(const BenchOptions& options) {
  using namespace augment;
  const int size = int(options.size), threads = cpu_threads();
  const Annotated source{colorful(375, 500)};
  const Augmenter pipeline = augment::Sequential{{
      RandomResizedCrop{size, size},
      HorizontalFlip{0.5},
      ColorJitter{{0.6, 1.4}, {0.6, 1.4}, {0.6, 1.4}, {-0.1, 0.1}},
  }};
  // Each thread makes whole images; within one there is nothing to share.
  set_cpu_threads(1);
  std::atomic<bool> stop = false;
  std::atomic<int64_t> images = 0;
  std::vector<std::thread> workers;
  const double start = now();
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([&, i] {
      std::vector<float> x(size_t(size) * size_t(size) * 3);
      for (uint64_t sample = 0; !stop; ++sample) {
        Random rng(uint64_t(i), Stream::augment, 0, sample);
        normalize(pipeline(source, rng).image, {0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}, x.data());
        ++images;
      }
    });
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds));
  stop = true;
  for (std::thread& worker : workers) worker.join();
  const double seconds = now() - start;
  set_cpu_threads(threads);
  return {{"images_per_second", double(images) / seconds}};
}

}  // namespace counterpoise
