// The cuda backend's augmentation: images stay bytes until a thread transforms and scales one of their pixels.
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launch.h"
#include "kernels/image_transform.h"
#include "kernels/scratch.h"

namespace counterpoise {

using namespace detail;

namespace {

// The images of a batch on the GPU, and the size of the results.
struct Batch {
  const uint8_t* bytes;
  const int32_t* index;
  const ImageTransform* transforms;
  int height, width;  // of the images
  int H, W;           // of the results

  __device__ void sample(Index n, int row, int column, float* rgb) const {
    const SourceImage image{bytes + index[n] * static_cast<Index>(height) * width * 3, height, width};
    sample_pixel(image, transforms[n], W, row, column, rgb);
  }
};

constexpr int gray_parts = 8;  // blocks that share an image's mean gray

// shares[n gray_parts + part] is a part's share of the mean gray of result n that its contrast looks at. A block for
// each part of each result.
__global__ void mean_gray_kernel(Index results, Batch batch, float* shares) {
  for (Index n = blockIdx.x; n < results; n += gridDim.x) {
    const ImageTransform& transform = batch.transforms[n];
    if (transform.contrast() < 0) continue;  // all threads of the block
    float sum = 0;
    for (int i = static_cast<int>(blockIdx.y * block_threads + threadIdx.x); i < batch.H * batch.W;
         i += gray_parts * block_threads) {
      float rgb[3];
      batch.sample(n, i / batch.W, i % batch.W, rgb);
      sum += gray_before_contrast(transform, rgb);
    }
    const float all = block_sum(sum);
    if (threadIdx.x == 0) {
      shares[n * gray_parts + blockIdx.y] = all / (static_cast<float>(batch.H) * static_cast<float>(batch.W));
    }
  }
}

template <class T>
void transform_images(Queue& queue, const Batch& batch, const float* gray_shares, const View& y) {
  T* out = y.as<T>();
  for_each(queue, y.size() / 3, [=] __device__(Index i) {
    const int pixels = batch.H * batch.W;
    const Index n = quotient(i, pixels);
    const int pixel = static_cast<int>(i - n * pixels), row = pixel / batch.W, column = pixel % batch.W;
    float rgb[3], mean = 0;
    batch.sample(n, row, column, rgb);
    if (batch.transforms[n].contrast() >= 0) {
      for (int part = 0; part < gray_parts; ++part) mean += gray_shares[n * gray_parts + part];
    }
    finish_pixel(batch.transforms[n], mean, row, column, rgb);
    for (int c = 0; c < 3; ++c) out[3 * i + c] = T(scale_pixel(rgb[c]));
  });
}

}  // namespace

void CudaBackend::images(const ConstView& bytes, const ConstView& index, const ConstView& transforms, const View& y) {
  if (y.size() == 0) return;
  const Batch batch{bytes.as<uint8_t>(),
                    index.as<int32_t>(),
                    transforms.as<ImageTransform>(),
                    static_cast<int>(bytes.shape[1]),
                    static_cast<int>(bytes.shape[2]),
                    static_cast<int>(y.shape[1]),
                    static_cast<int>(y.shape[2])};
  const Scratch<float> shares(*this, y.shape[0] * gray_parts);
  dim3 grid = a_block_each(y.shape[0]);
  grid.y = gray_parts;
  launch<Waits::yes>(mean_gray_kernel, grid, queue_, y.shape[0], batch, shares.get());
  dispatch_floating(y.dtype, [&](auto zero) { transform_images<decltype(zero)>(queue_, batch, shares.get(), y); });
}

}  // namespace counterpoise
