// The functions of CUDA's runtime that the backend calls, on the program's own memory. Each has CUDA's name and type,
// so that it replaces the real one when the program is linked.
#include <cuda_runtime_api.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "tests/kernels/cuda_emulator/device.h"
#include "tests/kernels/cuda_emulator/races.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

using namespace counterpoise;

namespace {

struct EmulatedEvent {
  bool has_time = true;
  uint64_t number = 0;           // of the work that records it; 0: it was never recorded, which counts as complete
  std::shared_ptr<double> time;  // in ms, known when that has run
};

// All events, under the numbers that are their handles.
std::map<uintptr_t, EmulatedEvent>& events() {
  static auto& events = *new std::map<uintptr_t, EmulatedEvent>;
  return events;
}

EmulatedEvent& event_of(cudaEvent_t handle) {
  const auto it = events().find(reinterpret_cast<uintptr_t>(handle));
  if (it != events().end()) return it->second;
  std::fprintf(stderr, "cuda emulator: there is no such event; was it destroyed?\n");
  std::abort();
}

double now_in_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// A block is between two margins, which nobody may touch: AddressSanitizer tells at once who does, and without it their
// contents are checked at the end.
constexpr size_t margin = 64;
constexpr unsigned char guard = 0xa5;

char* new_block(size_t bytes) {
  char* const memory = static_cast<char*>(std::aligned_alloc(margin, (bytes + 3 * margin - 1) / margin * margin));
  char* const block = memory + margin;
  std::memset(memory, guard, margin);
  std::memset(block, 0xff, bytes);
  std::memset(block + bytes, guard, margin);
#ifdef __SANITIZE_ADDRESS__
  __asan_poison_memory_region(memory, margin);
  __asan_poison_memory_region(block + bytes, margin);
#endif
  return block;
}

void delete_block(char* block, size_t bytes) {
  char* const memory = block - margin;
#ifdef __SANITIZE_ADDRESS__
  __asan_unpoison_memory_region(memory, bytes + 2 * margin);
#endif
  const auto intact = [](char byte) { return static_cast<unsigned char>(byte) == guard; };
  if (!std::all_of(memory, block, intact) || !std::all_of(block + bytes, block + bytes + margin, intact)) {
    std::fprintf(stderr, "cuda emulator: a kernel wrote outside of its %zu bytes\n", bytes);
    std::abort();
  }
  std::free(memory);
}

}  // namespace

namespace counterpoise {

cudaError_t copy_work(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, EmulatedQueue::Work& work) {
  EmulatedGpu& g = gpu();
  const bool to_gpu = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_gpu = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (g.blocks.holds(to, bytes) != to_gpu || g.blocks.holds(from, bytes) != from_gpu) {
    return g.report(cudaErrorInvalidValue);
  }
  work = [to, from, bytes] {
    access_memory(/*writes=*/false, from, bytes);
    access_memory(/*writes=*/true, to, bytes);
    std::memcpy(to, from, bytes);
  };
  return cudaSuccess;
}

}  // namespace counterpoise

extern "C" {

// -- the GPU --

cudaError_t cudaDriverGetVersion(int* version) {
  return *version = static_cast<int>(emulator_setting("driver", CUDART_VERSION)), cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) { return *version = CUDART_VERSION, cudaSuccess; }
cudaError_t cudaGetDeviceCount(int* count) {
  *count = 0;
  if (emulator_setting("driver", CUDART_VERSION) < CUDART_VERSION) return cudaErrorInsufficientDriver;
  *count = static_cast<int>(emulator_setting("gpus", 1));
  return *count ? cudaSuccess : cudaErrorNoDevice;
}
cudaError_t cudaSetDevice(int) { return cudaSuccess; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int) {
  std::memset(p, 0, sizeof *p);
  std::strcpy(p->name, "emulated GPU");
  const int capability = static_cast<int>(emulator_setting("capability", 90));
  p->major = capability / 10, p->minor = capability % 10;
  p->totalGlobalMem = gpu().memory;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int) { return *value = 1, cudaSuccess; }
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes*, const void*) {
  return emulator_setting("no-image", 0) ? cudaErrorNoKernelImageForDevice : cudaSuccess;
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
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorLaunchOutOfResources:
      return "too many resources requested for launch";
    case cudaErrorInvalidResourceHandle:
      return "invalid resource handle";
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated:
      return "operation failed due to a previous error during capture";
    case cudaErrorNotReady:
      return "device not ready";
    default:
      return "an error that the emulator has no words for";
  }
}

// -- streams and events: all streams are one queue --

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) { return *stream = nullptr, cudaSuccess; }
cudaError_t cudaStreamSynchronize(cudaStream_t) {
  if (const cudaError_t status = gpu().outside_of_capture()) return status;
  gpu().queue.wait_for(gpu().queue.last());
  return gpu().state();
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  static uintptr_t number = 0;
  *event = reinterpret_cast<cudaEvent_t>(++number);
  events()[number].has_time = !(flags & cudaEventDisableTiming);
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  event_of(event);
  events().erase(reinterpret_cast<uintptr_t>(event));
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
  if (const cudaError_t status = gpu().outside_of_capture()) return status;
  EmulatedEvent& e = event_of(event);
  e.time = std::make_shared<double>(0);
  e.number = gpu().queue.push([time = e.time] { *time = now_in_ms(); });
  return gpu().state();
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (const cudaError_t status = gpu().outside_of_capture()) return status;
  gpu().queue.wait_for(event_of(event).number);
  return gpu().state();
}
// Each question that is answered with no lets the GPU proceed by one piece of work, so that a loop of them ends. As in
// CUDA, cudaGetLastError() then tells this answer, too.
cudaError_t cudaEventQuery(cudaEvent_t event) {
  EmulatedGpu& g = gpu();
  if (g.queue.has_run(event_of(event).number)) return g.state();
  g.queue.run_next();
  return g.report(cudaErrorNotReady);
}
// Unless CUDA_EMULATOR says real-time, made up: each is a tenth of the one before, so that the later of two plans
// usually wins.
cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t from, cudaEvent_t to) {
  EmulatedGpu& g = gpu();
  const EmulatedEvent &start = event_of(from), &stop = event_of(to);
  if (!start.has_time || !stop.has_time || !start.time || !stop.time) return g.report(cudaErrorInvalidResourceHandle);
  if (!g.queue.has_run(start.number) || !g.queue.has_run(stop.number)) return g.report(cudaErrorNotReady);
  const bool real_time = emulator_setting("real-time", 0) != 0;
  static int calls = 0;
  *ms = real_time ? static_cast<float>(*stop.time - *start.time) : static_cast<float>(std::pow(10, 2 - ++calls % 36));
  return g.state();
}

// -- the GPU's memory: NaN at first. It is counted when a call requests or releases it, in the order of the stream --

cudaError_t cudaMemPoolCreate(cudaMemPool_t* pool, const cudaMemPoolProps*) { return *pool = nullptr, cudaSuccess; }
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr attribute, void* value) {
  EmulatedGpu& g = gpu();
  const bool used = attribute == cudaMemPoolAttrUsedMemHigh, reserved = attribute == cudaMemPoolAttrReservedMemHigh;
  if ((used || reserved) && *static_cast<uint64_t*>(value) != 0) return g.report(cudaErrorInvalidValue);
  if (used) g.used_high = g.used;
  if (reserved) g.reserved_high = g.reserved;
  return cudaSuccess;
}
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t, cudaMemPoolAttr attribute, void* value) {
  const EmulatedGpu& g = gpu();
  *static_cast<uint64_t*>(value) = attribute == cudaMemPoolAttrUsedMemCurrent       ? g.used
                                   : attribute == cudaMemPoolAttrUsedMemHigh        ? g.used_high
                                   : attribute == cudaMemPoolAttrReservedMemCurrent ? g.reserved
                                                                                    : g.reserved_high;
  return cudaSuccess;
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, size_t keep) {
  gpu().reserved = std::max(gpu().used, std::min(keep, gpu().reserved));
  return cudaSuccess;
}
cudaError_t cudaMallocFromPoolAsync(void** memory, size_t bytes, cudaMemPool_t, cudaStream_t) {
  EmulatedGpu& g = gpu();
  if (const cudaError_t status = g.outside_of_capture()) return status;
  if (const cudaError_t status = g.state()) return status;
  if (g.used + bytes > g.memory) return g.report(cudaErrorMemoryAllocation);
  *memory = new_block(bytes);
  g.blocks.add(*memory, bytes);
  g.used += bytes;
  g.reserved = std::max(g.reserved, g.used);
  g.used_high = std::max(g.used_high, g.used);
  g.reserved_high = std::max(g.reserved_high, g.reserved);
  return cudaSuccess;
}
cudaError_t cudaFreeAsync(void* memory, cudaStream_t) {
  EmulatedGpu& g = gpu();
  if (const cudaError_t status = g.outside_of_capture()) return status;
  size_t bytes = 0;
  if (!g.blocks.remove(memory, &bytes)) return g.report(cudaErrorInvalidValue);
  g.used -= bytes;
  g.queue.push([memory, bytes] { delete_block(static_cast<char*>(memory), bytes); }, bytes);
  return g.state();
}

// -- the host's memory, and copies --

cudaError_t cudaMallocHost(void** memory, size_t bytes) {
  *memory = std::malloc(bytes);
  if (!*memory) return gpu().report(cudaErrorMemoryAllocation);
  gpu().pinned.add(*memory, bytes);
  return cudaSuccess;
}
// Waits for the GPU, as CUDA does.
cudaError_t cudaFreeHost(void* memory) {
  size_t bytes = 0;
  if (!gpu().pinned.remove(memory, &bytes)) return gpu().report(cudaErrorInvalidValue);
  gpu().queue.wait_for(gpu().queue.last());
  std::free(memory);
  return gpu().state();
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t) {
  EmulatedGpu& g = gpu();
  EmulatedQueue::Work work;
  if (const cudaError_t status = copy_work(to, from, bytes, kind, work)) return status;
  // Memory that is not pinned is read before this returns, and written before this returns.
  if (kind == cudaMemcpyHostToDevice && !g.pinned.holds(from, bytes)) {
    const char* const first = static_cast<const char*>(from);
    return g.enqueue(
        [to, taken = std::vector<char>(first, first + bytes)] {
          std::copy_n(taken.data(), taken.size(), static_cast<char*>(to));
        },
        bytes);
  }
  const cudaError_t status = g.enqueue(std::move(work));
  if (status != cudaSuccess || kind != cudaMemcpyDeviceToHost || g.pinned.holds(to, bytes)) return status;
  g.queue.wait_for(g.queue.last());
  return g.state();
}

}  // extern "C"
