#include "apps/trainer/version.h"

#include "data/images/image.h"
#include "kernels/backend.h"
#include "kernels/version.h"

namespace counterpoise {

// What the build has and what the machine has.
static std::string cuda_text() {
  const std::string build = cuda_version();
  if (build.empty()) return "no (" + cuda_absence() + ")";
  return build + (cuda_backend() ? "; " + cuda_backend()->description() : " (" + cuda_absence() + ")");
}

std::string version_text() {
  return text("Counterpoise " COUNTERPOISE_VERSION "\n", "compiler:  g++ ", __VERSION__, " ", BUILD_FLAGS, "\n",
              "CUDA:      ", cuda_text(), "\n", "BLAS:      ", cpu_description(), "\n", "stb_image: ", stb_version());
}

}  // namespace counterpoise
