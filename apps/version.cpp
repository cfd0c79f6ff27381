#include "apps/version.h"

#include "data/image.h"
#include "kernels/backend.h"

namespace counterpoise {

std::string version_text() {
  return text("Counterpoise 0.1.0\n", "compiler:  g++ ", __VERSION__, " ", BUILD_FLAGS, "\n",
              "CUDA:      ", cuda_backend() ? "yes" : "no (" + cuda_absence() + ")", "\n",
              "BLAS:      ", cpu_description(), "\n", "stb_image: ", stb_version());
}

}  // namespace counterpoise
