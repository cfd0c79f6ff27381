// The functions of CUDA's runtime that the backend calls, on the program's own memory. Each has CUDA's name and type,
// so that it replaces the real one when the program is linked.
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>

namespace counterpoise {

// The number after a word in CUDA_EMULATOR: "memory=64" gives 64. A word alone gives 1, a missing one `otherwise`.
long setting(const char* word, long otherwise) {
  const char* all = std::getenv("CUDA_EMULATOR");
  for (std::string rest = all ? all : ""; !rest.empty();) {
    const size_t comma = rest.find(',');
    const std::string item = rest.substr(0, comma);
    const size_t equals = item.find('=');
    if (item.substr(0, equals) == word) return equals == std::string::npos ? 1 : std::atol(item.c_str() + equals + 1);
    rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
  }
  return otherwise;
}

namespace {

struct EmulatedGpu {
  const size_t memory = static_cast<size_t>(setting("memory", 1 << 20)) << 20;
  const long fail_after = setting("fail-after", 0);
  size_t used = 0, peak = 0;
  long kernels = 0;
  bool broken = false;             // as after an illegal access: every call fails from then on
  cudaError_t last = cudaSuccess;  // what cudaGetLastError() will tell
  std::unordered_map<void*, size_t> blocks;

  cudaError_t report(cudaError_t status) {
    if (status != cudaSuccess) last = status;
    return status;
  }
  // For calls that fail on a broken GPU.
  cudaError_t state() { return report(broken ? cudaErrorIllegalAddress : cudaSuccess); }
};

EmulatedGpu& gpu() {
  static EmulatedGpu gpu;
  return gpu;
}

constexpr size_t margin = 64;
constexpr unsigned char guard = 0xa5;

}  // namespace

// Counts a kernel, and breaks the GPU at the one that the settings name.
bool kernel_may_run() {
  if (++gpu().kernels == gpu().fail_after) gpu().broken = true;
  return gpu().state() == cudaSuccess;
}

}  // namespace counterpoise

using namespace counterpoise;

extern "C" {

cudaError_t cudaDriverGetVersion(int* version) { return *version = setting("driver", CUDART_VERSION), cudaSuccess; }
cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  if (setting("driver", CUDART_VERSION) < CUDART_VERSION) return cudaErrorInsufficientDriver;
  *count = static_cast<int>(setting("gpus", 1));
  return *count ? cudaSuccess : cudaErrorNoDevice;
}
cudaError_t cudaSetDevice(int) { return cudaSuccess; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int) {
  std::memset(p, 0, sizeof *p);
  std::strcpy(p->name, "emulated GPU");
  const int capability = static_cast<int>(setting("capability", 90));
  p->major = capability / 10, p->minor = capability % 10;
  p->totalGlobalMem = gpu().memory;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int) { return *value = 1, cudaSuccess; }
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes*, const void*) {
  return setting("no-image", 0) ? cudaErrorNoKernelImageForDevice : cudaSuccess;
}

cudaError_t cudaGetLastError() {
  const cudaError_t status = gpu().last;
  gpu().last = cudaSuccess;
  return status;
}
const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorNoKernelImageForDevice:
      return "no kernel image is available for execution on the device";
    default:
      return "an error that the emulator has no words for";
  }
}

// -- streams and events: everything is done when it is enqueued --

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) { return *stream = nullptr, cudaSuccess; }
cudaError_t cudaStreamSynchronize(cudaStream_t) { return gpu().state(); }
cudaError_t cudaEventCreate(cudaEvent_t* event) { return *event = nullptr, cudaSuccess; }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) { return *event = nullptr, cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t) { return gpu().state(); }
cudaError_t cudaEventSynchronize(cudaEvent_t) { return gpu().state(); }
cudaError_t cudaEventDestroy(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t, cudaEvent_t) {
  static int calls = 0;
  return *ms = static_cast<float>(100 - ++calls % 50), gpu().state();  // so that the later of two plans often wins
}

// -- memory: NaN at first, and between guard words --

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps*) { return *pool = nullptr, cudaSuccess; }
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr attribute, void*) {
  if (attribute == cudaMemPoolAttrUsedMemHigh || attribute == cudaMemPoolAttrReservedMemHigh) gpu().peak = gpu().used;
  return cudaSuccess;
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, size_t) { return cudaSuccess; }
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t, cudaMemPoolAttr attribute, void* value) {
  *static_cast<uint64_t*>(value) = attribute == cudaMemPoolAttrUsedMemCurrent ? gpu().used : gpu().peak;
  return cudaSuccess;
}
cudaError_t cudaMallocFromPoolAsync(void** memory, size_t bytes, cudaMemPool_t, cudaStream_t) {
  EmulatedGpu& c = gpu();
  if (c.state() != cudaSuccess) return cudaErrorIllegalAddress;
  if (c.used + bytes > c.memory) return c.report(cudaErrorMemoryAllocation);
  char* block = static_cast<char*>(std::aligned_alloc(margin, (bytes + 3 * margin - 1) / margin * margin));
  std::memset(block, guard, margin);
  std::memset(block + margin, 0xff, bytes);
  std::memset(block + margin + bytes, guard, margin);
  c.blocks[block + margin] = bytes;
  c.used += bytes;
  c.peak = std::max(c.peak, c.used);
  *memory = block + margin;
  return cudaSuccess;
}
cudaError_t cudaFreeAsync(void* memory, cudaStream_t) {
  EmulatedGpu& c = gpu();
  const auto it = c.blocks.find(memory);
  if (it == c.blocks.end()) return c.report(cudaErrorInvalidValue);
  const unsigned char *before = static_cast<unsigned char*>(memory) - margin,
                      *behind = static_cast<unsigned char*>(memory) + it->second;
  for (size_t i = 0; i < margin; ++i) {
    if (before[i] == guard && behind[i] == guard) continue;
    std::fprintf(stderr, "cuda emulator: a kernel wrote outside of its %zu bytes\n", it->second);
    std::abort();
  }
  c.used -= it->second;
  c.blocks.erase(it);
  std::free(static_cast<char*>(memory) - margin);
  return c.state();
}
cudaError_t cudaMallocHost(void** memory, size_t bytes) { return *memory = std::malloc(bytes), cudaSuccess; }
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind, cudaStream_t) {
  if (gpu().state() != cudaSuccess) return cudaErrorIllegalAddress;
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}

}  // extern "C"
