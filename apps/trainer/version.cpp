#include "apps/trainer/version.h"

#include "data/images/image.h"
#include "kernels/backend.h"
#include "kernels/version.h"

namespace counterpoise {

// The GPU libraries of this build and the GPU of this machine, or why there is none.
static std::string gpu_text() {
  const std::string build = cuda_version();
  if (build.empty()) return "no (" + cuda_absence() + ")";
  return build + (cuda_backend() ? "; " + cuda_backend()->description() : " (" + cuda_absence() + ")");
}

std::string version_text() {
  return text("Counterpoise " COUNTERPOISE_VERSION "\n", "compiler:  g++ ", __VERSION__, " ", BUILD_FLAGS, "\n",
              "CUDA:      ", gpu_text(), "\n", "BLAS:      ", cpu_description(), "\n", "stb_image: ", stb_version());
}

}  // namespace counterpoise
