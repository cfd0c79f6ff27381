// The cuda backend's augmentation: images stay bytes until a thread transforms and scales one of their pixels.
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launch.h"
#include "kernels/image_transform.h"

namespace counterpoise {

using namespace detail;

namespace {

template <class T>
void transform_images(cudaStream_t stream, const ConstView& bytes, const ConstView& index, const ConstView& transforms,
                      const View& y) {
  const int H = static_cast<int>(y.shape[1]), W = static_cast<int>(y.shape[2]);
  const uint8_t* images = bytes.as<uint8_t>();
  const int32_t* of = index.as<int32_t>();
  const ImageTransform* transform = transforms.as<ImageTransform>();
  T* out = y.as<T>();
  for_each(stream, y.size() / 3, [=] __device__(Index i) {
    const int column = static_cast<int>(i % W), row = static_cast<int>(i / W % H);
    const Index n = i / W / H;
    const uint8_t* image = images + of[n] * static_cast<Index>(H) * W * 3;
    float pixel[3];
    TransformedRow(transform[n], H, W, row).sample(image, column, pixel);
    transform[n].apply_formulas(pixel);
    for (int c = 0; c < 3; ++c) out[3 * i + c] = T(scale_pixel(pixel[c]));
  });
}

}  // namespace

void CudaBackend::images(const ConstView& bytes, const ConstView& index, const ConstView& transforms, const View& y) {
  dispatch_floating(y.dtype,
                    [&](auto zero) { transform_images<decltype(zero)>(stream_, bytes, index, transforms, y); });
}

}  // namespace counterpoise
