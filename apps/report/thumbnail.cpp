#include "apps/report/thumbnail.h"

#include "apps/report/html.h"
#include "kernels/error.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#include <stb_image_write.h>

namespace counterpoise::html_report {

std::string thumbnail_uri(const Image& image, int size) {
  constexpr int quality = 80;
  const Image small = resize_bilinear(image, size, size);
  std::string jpeg;
  const auto append = [](void* to, void* bytes, int count) {
    static_cast<std::string*>(to)->append(static_cast<const char*>(bytes), static_cast<size_t>(count));
  };
  CP_ENSURE(stbi_write_jpg_to_func(append, &jpeg, size, size, 3, small.rgb.data(), quality) != 0,
            "a thumbnail cannot be encoded");
  return "data:image/jpeg;base64," + base64(jpeg);
}

}  // namespace counterpoise::html_report
