#include "apps/trainer/device.h"

#include "kernels/warning.h"

namespace counterpoise {

namespace {
Backend& find_backend(const std::string& device) {
  if (device == "cpu") return cpu_backend();
  if (Backend* cuda = cuda_backend()) return *cuda;
  CP_ENSURE_AS(device, device == "auto", "--device cuda: ", cuda_absence());
  if (cuda_is_broken()) warn("--device auto: the CPU computes, because the GPU cannot be used: " + cuda_absence());
  return cpu_backend();
}
}  // namespace

DType activation_dtype(const std::string& precision) { return precision == "bf16" ? DType::bf16 : DType::f32; }

Backend& choose_backend(const std::string& device, const std::string& precision, ComputeMode mode) {
  CP_ENSURE_AS(invalid_argument, !mode.compile || precision != "fp32",
               "--compile is for tensor cores, which do not compute in fp32: add --precision tf32 or bf16");
  CP_ENSURE_AS(invalid_argument, !mode.compile || !mode.deterministic,
               "--compile takes the faster of two ways, --deterministic always the same one: give one of them");
  Backend& backend = find_backend(device);
  backend.require(activation_dtype(precision));
  mode.tf32 = precision == "tf32";
  mode.graphs = mode.graphs && backend.is_remote();
  backend.set_mode(mode);
  return backend;
}

}  // namespace counterpoise
