// The cuda backend's GPU, memory and copies.
#include "kernels/cuda/cuda_backend.h"

#include <cstdlib>
#include <cstring>

#include "kernels/cuda/check.h"
#include "kernels/cuda/cuda_step_graph.h"
#include "kernels/cuda/libraries.h"
#include "kernels/cuda/probe.h"

namespace counterpoise {

using namespace detail;

// -- finding a GPU --

namespace {

struct Found {
  Backend* backend = nullptr;
  std::string absence;
  bool broken = false;
};

// There is no GPU, which is no reason for a warning.
struct NoGpu : Error {
  explicit NoGpu(const std::string& reason) : Error(ErrorKind::device, reason + "; see what nvidia-smi says") {}
};

// Never destroyed: when the program ends, CUDA may be shut down before our destructors run.
const Found& found() {
  static const Found found = [] {
    Found f;
    try {
      f.backend = new CudaBackend();
    } catch (const NoGpu& error) {
      f.absence = error.what();
    } catch (const Error& error) {
      f.absence = error.what();
      f.broken = true;
    }
    return f;
  }();
  return found;
}

// 13020 as "13.2", of a number in which a major version counts `unit`, and a minor one a hundredth of that.
std::string version(size_t number, size_t unit) {
  return detail::text(number / unit, ".", number % unit / (unit / 100));
}

constexpr size_t mebibyte = size_t(1) << 20;

}  // namespace

Backend* cuda_backend() { return found().backend; }
std::string cuda_absence() { return found().absence; }
bool cuda_is_broken() { return found().broken; }

std::string cuda_version() {
  return detail::text("CUDA ", version(CUDART_VERSION, 1000), ", cuDNN ", CUDNN_MAJOR, ".", CUDNN_MINOR, ", for ",
                      CUDA_ARCHS_TEXT);
}

CudaBackend::CudaBackend() {
  find_device();
  queue_.open(device_text_);
  for (int i = 0; i < Staging::parts; ++i) {
    void* part = nullptr;
    CP_CUDA_CHECK(cudaMallocHost(&part, Staging::bytes));
    staging_.memory[i] = static_cast<char*>(part);
    CP_CUDA_CHECK(cudaEventCreateWithFlags(&staging_.read[i], cudaEventDisableTiming));
    CP_CUDA_CHECK(cudaEventRecord(staging_.read[i], queue_.stream()));
  }
  arrivals_ = static_cast<unsigned*>(allocate(2 * max_arrivals * sizeof(unsigned)));
  fill(0, {arrivals_, {2 * max_arrivals}, DType::f32});  // whose zero has the bits of an integer's
  open_libraries();
}

// Chooses the GPU. Throws Error(device), which says what to do, if none can be used.
void CudaBackend::find_device() {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  const auto check = [](cudaError_t status) {
    CP_ENSURE_AS(device, status == cudaSuccess, "CUDA cannot start: ", cudaGetErrorString(status),
                 "; see what nvidia-smi says");
  };
  if (status == cudaErrorInsufficientDriver) {
    int driver = 0;
    cudaDriverGetVersion(&driver);
    if (driver == 0) throw NoGpu("there is no NVIDIA driver on this machine");
    throw Error(ErrorKind::device, "the NVIDIA driver is for CUDA ", version(driver, 1000), ", but this program needs ",
                version(CUDART_VERSION, 1000), "; update it; see what nvidia-smi says");
  }
  if (status == cudaErrorNoDevice || (status == cudaSuccess && devices == 0)) {
    const char* visible = std::getenv("CUDA_VISIBLE_DEVICES");
    throw NoGpu(detail::text("there is no NVIDIA GPU on this machine",
                             visible ? detail::text(" that CUDA_VISIBLE_DEVICES=", visible, " shows") : ""));
  }
  check(status);

  cudaDeviceProp device;
  check(cudaSetDevice(0));
  CP_CUDA_CHECK(cudaGetDeviceProperties(&device, 0));
  compute_capability_ = 10 * device.major + device.minor;
  memory_ = device.totalGlobalMem;
  device_text_ = detail::text(device.name, ", ", memory_ / mebibyte, " MiB");
  description_ = detail::text(device_text_, ", compute capability ", device.major, ".", device.minor);
  const cudaError_t usable = probe_kernels();
  if (usable == cudaErrorMemoryAllocation || usable == cudaErrorDevicesUnavailable) check(usable);
  CP_ENSURE_AS(device, usable != cudaErrorInvalidResourceHandle,
               "CUDA is not ready before main() begins: a variable outside of functions must not use the GPU");
  CP_ENSURE_AS(device, usable == cudaSuccess, "this program has kernels for ", CUDA_ARCHS_TEXT, ", but the ",
               device.name, " has compute capability ", device.major, ".", device.minor, " (",
               cudaGetErrorString(usable), "); build it with make CUDA_ARCHS=", compute_capability_);
}

void CudaBackend::open_libraries() {
  if (cublas().create(&cublas_) != CUBLAS_STATUS_SUCCESS || cudnn().create(&cudnn_) != CUDNN_STATUS_SUCCESS ||
      cudnn().create(&cudnn_aside_) != CUDNN_STATUS_SUCCESS) {
    throw Error(ErrorKind::device, device_text_,
                ": cuBLAS or cuDNN cannot start; is the GPU's memory taken by another program?");
  }
  // With a workspace of its own cuBLAS gives the same bits in every run; it recommends 32 MiB for Hopper. (Setting the
  // stream resets the workspace, so that comes first.) Where it cuts a sum into parts, it adds them in f32, also if the
  // result is bf16.
  constexpr size_t workspace = 32 * mebibyte;
  constexpr int exact_sums = CUBLAS_DEFAULT_MATH | CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION;
  cublas_workspace_ = allocate(workspace);
  const bool ready = cublas().set_stream(cublas_, queue_.stream()) == CUBLAS_STATUS_SUCCESS &&
                     cublas().set_workspace(cublas_, cublas_workspace_, workspace) == CUBLAS_STATUS_SUCCESS &&
                     cublas().set_math_mode(cublas_, static_cast<cublasMath_t>(exact_sums)) == CUBLAS_STATUS_SUCCESS &&
                     cudnn().set_stream(cudnn_, queue_.stream()) == CUDNN_STATUS_SUCCESS &&
                     cudnn().set_stream(cudnn_aside_, queue_.stream()) == CUDNN_STATUS_SUCCESS;
  CP_ENSURE_AS(device, ready, device_text_, ": cuBLAS or cuDNN refuses its stream, its workspace or its mode");
  int blas = 0;
  cublas().get_version(cublas_, &blas);
  int driver = 0;
  cudaDriverGetVersion(&driver);
  const std::string gpu = device_text_.substr(0, device_text_.find(','));
  const std::string system = detail::text("driver ", driver, ", cuDNN ", cudnn().get_version());
  conv_choice_ = std::make_unique<ConvChoice>(*this, queue_, cudnn_, cudnn_aside_, memory_,
                                              PlanCache(cache_folder(), gpu, system));
  description_ += detail::text(", cuBLAS ", version(blas, 10000), ", cuDNN ", version(cudnn().get_version(), 10000));
}

void CudaBackend::require(DType dtype) const {
  CP_ENSURE_AS(device, dtype != DType::bf16 || compute_capability_ >= 80,
               "bf16 needs a GPU of compute capability 8.0 or later, ", "but this is ", description_);
}

void CudaBackend::set_mode(const ComputeMode& mode) {
  CP_ENSURE_AS(device, !mode.tf32 || compute_capability_ >= 80, "tf32 needs a GPU of compute capability 8.0 or later, ",
               "but this is ", description_);
  mode_ = mode;
}

// -- memory --

void* CudaBackend::allocate(size_t bytes) { return queue_.allocate(bytes); }
void CudaBackend::release(void* memory, size_t) noexcept { queue_.release(memory); }
MemoryPeaks CudaBackend::memory_peaks() const { return queue_.memory_peaks(); }
void CudaBackend::reset_memory_peaks() { queue_.reset_memory_peaks(); }

// -- copies --

// Copies through pinned memory, which the GPU reads asynchronously, so that the caller may reuse `host` at once. The
// program waits for the GPU only when the part that it fills next has not been read yet.
void CudaBackend::upload(const void* host, const View& y) {
  const size_t bytes = y.size() * size_of(y.dtype);
  Staging& s = staging_;
  for (size_t done = 0; done < bytes;) {
    if (s.used == Staging::bytes) {
      CP_CUDA_CHECK(cudaEventRecord(s.read[s.part], queue_.stream()));
      s.part = (s.part + 1) % Staging::parts;
      s.used = 0;
      CP_CUDA_CHECK(cudaEventSynchronize(s.read[s.part]));
    }
    const size_t piece = std::min(bytes - done, Staging::bytes - s.used);
    char* const from = s.memory[s.part] + s.used;
    std::memcpy(from, static_cast<const char*>(host) + done, piece);
    queue_.copy(y.as<char>() + done, from, piece, cudaMemcpyHostToDevice);
    done += piece;
    s.used = std::min(Staging::bytes, (s.used + piece + 255) / 256 * 256);
  }
}

void CudaBackend::download(const ConstView& x, void* host) {
  const size_t bytes = x.size() * size_of(x.dtype);
  if (bytes) CP_CUDA_CHECK(cudaMemcpyAsync(host, x.data, bytes, cudaMemcpyDeviceToHost, queue_.stream()));
  synchronize();
}

namespace {

// The copy goes to pinned memory: a copy to other memory would make the program wait.
class CudaReadback final : public Readback {
 public:
  CudaReadback(Queue& queue, size_t bytes) : queue_(queue) {
    CP_CUDA_CHECK(cudaEventCreateWithFlags(&copied_, cudaEventDisableTiming));
    CP_CUDA_CHECK(cudaMallocHost(&memory_, bytes));
  }
  ~CudaReadback() override {
    cudaEventSynchronize(copied_);  // the GPU may still be writing
    cudaFreeHost(memory_);
    cudaEventDestroy(copied_);
  }
  void start(const ConstView& x) override {
    const size_t bytes = x.size() * size_of(x.dtype);
    CP_CUDA_CHECK(cudaMemcpyAsync(memory_, x.data, bytes, cudaMemcpyDeviceToHost, queue_.stream()));
    CP_CUDA_CHECK(cudaEventRecord(copied_, queue_.stream()));
  }
  const void* wait() override {
    CP_CUDA_CHECK(cudaEventSynchronize(copied_));
    return memory_;
  }

 private:
  Queue& queue_;
  cudaEvent_t copied_ = nullptr;
  void* memory_ = nullptr;
};

}  // namespace

std::unique_ptr<Readback> CudaBackend::make_readback(size_t bytes) {
  return std::make_unique<CudaReadback>(queue_, bytes);
}

void CudaBackend::copy(const ConstView& x, const View& y) {
  queue_.copy(y.data, x.data, x.size() * size_of(x.dtype), cudaMemcpyDeviceToDevice);
}

void CudaBackend::synchronize() { CP_CUDA_CHECK(cudaStreamSynchronize(queue_.stream())); }

// -- repeated steps --

std::unique_ptr<StepGraph> CudaBackend::make_step_graph() {
  if (!mode_.graphs) return Backend::make_step_graph();
  return std::make_unique<CudaStepGraph>(queue_);
}

void CudaBackend::aside(const std::function<void()>& enqueue) {
  if (queue_.is_aside()) return enqueue();
  queue_.begin_aside();
  try {
    enqueue();
  } catch (...) {
    // (If this cannot be started either, the step throws that at its end.)
    try {
      queue_.end_aside();
    } catch (const Error&) {
    }
    throw;
  }
  queue_.end_aside();
}

}  // namespace counterpoise
