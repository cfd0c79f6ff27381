// The emulated GPU notices what it should: each thing is shown with a wrong use of CUDA.
#include "tests/kernels/cuda_emulator/emulator.h"  // before all of CUDA's

#include <doctest/doctest.h>

#include <fcntl.h>

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <numeric>
#include <thread>
#include <vector>

#include "kernels/cuda/launch.h"
#include "tests/gpu.h"
#include "tests/kernels/cuda_emulator/planted_races.h"
#include "tests/kernels/cuda_emulator/races.h"
#include "tests/program.h"

using namespace counterpoise;
using namespace counterpoise::detail;

namespace {

// For tests of what waits: not with CUDA_EMULATOR=eager.
struct NeedsLateWork {
  void fill(doctest::detail::TestCase& test) const {
    needs_emulated_gpu().fill(test);
    doctest::skip(emulator_setting("eager", 0) != 0).fill(test);
  }
};
NeedsLateWork needs_late_work() { return {}; }

// Memory of the emulated GPU.
template <class T>
class OnGpu {
 public:
  explicit OnGpu(size_t size) : size_(size) {
    void* memory = nullptr;
    REQUIRE(cudaMallocFromPoolAsync(&memory, size * sizeof(T), nullptr, nullptr) == cudaSuccess);
    data_ = static_cast<T*>(memory);
  }
  ~OnGpu() { cudaFreeAsync(data_, nullptr); }
  OnGpu(const OnGpu&) = delete;
  OnGpu& operator=(const OnGpu&) = delete;
  T* get() const { return data_; }
  size_t bytes() const { return size_ * sizeof(T); }
  std::vector<T> numbers() const {
    std::vector<T> y(size_);
    REQUIRE(cudaMemcpyAsync(y.data(), data_, bytes(), cudaMemcpyDeviceToHost, nullptr) == cudaSuccess);
    return y;
  }

 private:
  size_t size_;
  T* data_;
};

// Pinned memory of the host.
template <class T>
class Pinned {
 public:
  explicit Pinned(size_t size) {
    void* memory = nullptr;
    REQUIRE(cudaMallocHost(&memory, size * sizeof(T)) == cudaSuccess);
    data_ = static_cast<T*>(memory);
  }
  ~Pinned() { CHECK(cudaFreeHost(data_) == cudaSuccess); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  T& operator[](size_t i) { return data_[i]; }
  T* get() const { return data_; }

 private:
  T* data_;
};

class Event {
 public:
  explicit Event(unsigned flags = cudaEventDefault) {
    REQUIRE(cudaEventCreateWithFlags(&event_, flags) == cudaSuccess);
  }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  operator cudaEvent_t() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

cudaError_t copy_from_host(const void* from, const OnGpu<int>& to) {
  return cudaMemcpyAsync(to.get(), from, to.bytes(), cudaMemcpyHostToDevice, nullptr);
}
cudaError_t copy_to_host(const OnGpu<int>& from, void* to) {
  return cudaMemcpyAsync(to, from.get(), from.bytes(), cudaMemcpyDeviceToHost, nullptr);
}
Queue& queue() {
  static Queue queue;  // on the stream of null
  return queue;
}
void synchronize() { REQUIRE(cudaStreamSynchronize(nullptr) == cudaSuccess); }

template <class... Parameters>
std::string launch_error(void (*kernel)(Parameters...), dim3 grid, Parameters... arguments) {
  return error_of([&] { launch<Waits::yes>(kernel, grid, queue(), arguments...); }, ErrorKind::device);
}

// What a copy of this process prints that must end with an error.
template <class Run>
std::string last_words_of(const Run& run) {
  const TemporaryFolder folder;
  CHECK(outcome_of([&] {
          std::signal(SIGABRT, SIG_DFL);
          dup2(open((folder / "err").c_str(), O_CREAT | O_WRONLY, 0600), STDERR_FILENO);
          run();
        }) != 0);
  return slurp(folder / "err");
}

// -- kernels --

__global__ void nothing() {}

__global__ void set_to(int value, int* y) { y[thread_index()] = value; }

// Only the first block writes its shared memory.
__global__ void read_unwritten(double* y) {
  CP_SHARED(double, shared, block_threads);
  if (blockIdx.x == 0) shared[threadIdx.x] = 1;
  __syncthreads();
  y[thread_index()] = shared[threadIdx.x];
}

// Each thread reads what another wrote, in two arrays.
__global__ void rotate(int* y) {
  CP_SHARED(int, one, block_threads);
  CP_SHARED(int, two, block_threads);
  const int i = static_cast<int>(threadIdx.x), next = (i + 1) % block_threads;
  one[i] = i;
  __syncthreads();
  two[i] = one[next];
  __syncthreads();
  y[i] = two[next];
}

__global__ void share_48_kib(char* y) {
  CP_SHARED(char, all, 48 << 10);
  y[threadIdx.x] = all[threadIdx.x] = 1;
}
__global__ void share_more_than_48_kib(char* y) {
  CP_SHARED(double, most, 6143);  // 48 KiB, but for eight bytes
  CP_SHARED(char, rest, 9);
  most[threadIdx.x] = rest[threadIdx.x % 9] = 1;
  y[threadIdx.x] = 1;
}

// (Without AddressSanitizer nobody notices.)
[[maybe_unused]] __global__ void write_after_shared_array() {
  CP_SHARED(int, shared, block_threads);
  shared[threadIdx.x + 1] = 1;
}

__global__ void leave_early() {
  if (threadIdx.x > 0) __syncthreads();
}

struct FourKiB {
  char bytes[4096];
};
__global__ void take_4_kib(FourKiB) {}
__global__ void take_more_than_4_kib(FourKiB, char) {}

}  // namespace

TEST_CASE("gpu: the emulator copies pinned memory when the copy runs, other memory at once" * needs_late_work()) {
  const OnGpu<int> x(3);
  Pinned<int> pinned(3);
  std::vector<int> pageable = {1, 2, 3};
  REQUIRE(copy_from_host(pageable.data(), x) == cudaSuccess);
  pageable[0] = 7;
  CHECK(x.numbers() == std::vector<int>{1, 2, 3});

  for (int i = 0; i < 3; ++i) pinned[i] = 4 + i;
  REQUIRE(copy_from_host(pinned.get(), x) == cudaSuccess);
  pinned[0] = 7;  // too early
  CHECK(x.numbers() == std::vector<int>{7, 5, 6});

  // The other direction: pinned memory is written when the copy runs, other memory before the call returns.
  launch(set_to, dim3(1), queue(), 8, OnGpu<int>(block_threads).get());
  pinned[0] = 0;
  REQUIRE(copy_to_host(x, pinned.get()) == cudaSuccess);
  CHECK(pinned[0] == 0);
  synchronize();
  CHECK(pinned[0] == 7);
}

TEST_CASE("gpu: the emulator works until the event that the host waits for, and counts the waits" * needs_late_work()) {
  synchronize();
  const OnGpu<int> x(1);
  Pinned<int> seen(2);
  seen[0] = seen[1] = 0;
  const Event first, second, never;
  const long before = emulated_waits();
  const int one = 1, two = 2;
  REQUIRE(copy_from_host(&one, x) == cudaSuccess);
  REQUIRE(copy_to_host(x, &seen[0]) == cudaSuccess);
  REQUIRE(cudaEventRecord(first, nullptr) == cudaSuccess);
  REQUIRE(copy_from_host(&two, x) == cudaSuccess);
  REQUIRE(copy_to_host(x, &seen[1]) == cudaSuccess);
  REQUIRE(cudaEventRecord(second, nullptr) == cudaSuccess);
  CHECK(seen[0] == 0);
  CHECK(emulated_waits() == before);

  REQUIRE(cudaEventSynchronize(first) == cudaSuccess);
  CHECK(seen[0] == 1);
  CHECK(seen[1] == 0);
  CHECK(emulated_waits() == before + 1);
  REQUIRE(cudaEventSynchronize(first) == cudaSuccess);  // nothing is left to wait for
  REQUIRE(cudaEventSynchronize(never) == cudaSuccess);
  CHECK(emulated_waits() == before + 1);

  float ms = 0;
  CHECK(cudaEventElapsedTime(&ms, first, second) == cudaErrorNotReady);
  CHECK(cudaGetLastError() == cudaErrorNotReady);
  int questions = 1;
  while (cudaEventQuery(second) == cudaErrorNotReady) ++questions;
  CHECK(questions == 4);  // two copies and the event were left
  CHECK(cudaGetLastError() == cudaErrorNotReady);
  CHECK(seen[1] == 2);
  CHECK(cudaEventElapsedTime(&ms, first, second) == cudaSuccess);
  CHECK(ms > 0);
  CHECK(emulated_waits() == before + 1);

  x.numbers();  // nothing was enqueued before, but this copy itself is waited for
  CHECK(emulated_waits() == before + 2);
  synchronize();
  CHECK(emulated_waits() == before + 2);
  launch(nothing, dim3(1), queue());
  synchronize();
  CHECK(emulated_waits() == before + 3);

  const Event without_time(cudaEventDisableTiming);
  REQUIRE(cudaEventRecord(without_time, nullptr) == cudaSuccess);
  synchronize();
  CHECK(cudaEventElapsedTime(&ms, first, without_time) == cudaErrorInvalidResourceHandle);
  CHECK(cudaEventElapsedTime(&ms, first, never) == cudaErrorInvalidResourceHandle);
  cudaGetLastError();
}

TEST_CASE("gpu: the emulator's queue is not endless, and runs work in order" * needs_late_work()) {
  synchronize();
  std::vector<int> order;
  for (int i = 0; i < 5000; ++i) enqueue([&order, i] { order.push_back(i); });
  CHECK(order.size() == 5000 - 4096);
  synchronize();
  std::vector<int> expected(5000);
  std::iota(expected.begin(), expected.end(), 0);
  CHECK(order == expected);
}

TEST_CASE("gpu: the emulator's events measure the host's clock if they are told to" * needs_emulated_gpu()) {
  const char* const before = std::getenv("CUDA_EMULATOR");
  const std::string kept = before ? before : "";
  const Event start, stop;
  REQUIRE(cudaEventRecord(start, nullptr) == cudaSuccess);
  enqueue([] { std::this_thread::sleep_for(std::chrono::milliseconds(120)); });  // longer than what is made up
  REQUIRE(cudaEventRecord(stop, nullptr) == cudaSuccess);
  synchronize();
  float ms = 0;
  setenv("CUDA_EMULATOR", (kept + ",real-time").c_str(), 1);
  CHECK(cudaEventElapsedTime(&ms, start, stop) == cudaSuccess);
  CHECK(ms >= 120);
  setenv("CUDA_EMULATOR", kept.c_str(), 1);
  if (emulator_setting("real-time", 0) == 0) {
    CHECK(cudaEventElapsedTime(&ms, start, stop) == cudaSuccess);
    CHECK(ms <= 100);
  }
}

TEST_CASE("gpu: the emulator's shared memory is NaN in each block until it is written" * needs_emulated_gpu()) {
  const OnGpu<double> y(2 * block_threads);
  launch<Waits::yes>(read_unwritten, dim3(2), queue(), y.get());
  int wrong = 0;
  const std::vector<double> numbers = y.numbers();
  for (int i = 0; i < 2 * block_threads; ++i) wrong += i < block_threads ? numbers[i] != 1 : !std::isnan(numbers[i]);
  CHECK(wrong == 0);

  const OnGpu<int> rotated(block_threads);
  launch<Waits::yes>(rotate, dim3(1), queue(), rotated.get());
  const std::vector<int> found = rotated.numbers();
  for (int i = 0; i < block_threads; ++i) wrong += found[i] != (i + 2) % block_threads;
  CHECK(wrong == 0);
}

TEST_CASE("gpu: the emulator refuses launches outside of CUDA's limits" * needs_emulated_gpu()) {
  for (const dim3 grid : {dim3(1, 65536), dim3(1, 1, 65536), dim3(2147483648u), dim3(0), dim3(1, 0), dim3(1, 1, 0)}) {
    CAPTURE(grid.x);
    CAPTURE(grid.y);
    CAPTURE(grid.z);
    CHECK(contains(launch_error(nothing, grid), "invalid configuration argument"));
  }
  const OnGpu<int> y(1024);
  int one = 1;
  int* to = y.get();
  void* arguments[] = {&one, &to};
  launch(set_to, dim3(1), queue(), 0, to);
  const auto launch_block_of = [&](unsigned threads) {
    return cudaLaunchKernel(reinterpret_cast<const void*>(set_to), dim3(1), dim3(threads), arguments, 0, nullptr);
  };
  CHECK(launch_block_of(1025) == cudaErrorInvalidConfiguration);
  CHECK(launch_block_of(0) == cudaErrorInvalidConfiguration);
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
  CHECK(contains(launch_error(take_more_than_4_kib, dim3(1), FourKiB(), 'a'), "invalid argument"));

  // The limits themselves are valid.
  launch(nothing, dim3(1, 65535), queue());
  launch(nothing, dim3(1, 1, 65535), queue());
  launch(take_4_kib, dim3(1), queue(), FourKiB());
  CHECK(launch_block_of(1024) == cudaSuccess);
  CHECK(cudaGetLastError() == cudaSuccess);
  std::vector<int> all(1024);
  copy_to_host(y, all.data());
  synchronize();
  CHECK(std::count(all.begin(), all.end(), 1) == 1024);
}

TEST_CASE("gpu: the emulator refuses more than 48 KiB of shared memory" * needs_late_work()) {
  const OnGpu<char> y(block_threads);
  launch<Waits::yes>(share_48_kib, dim3(1), queue(), y.get());
  synchronize();
  // How much it takes is known when it runs, so a later call tells, once.
  launch<Waits::yes>(share_more_than_48_kib, dim3(1), queue(), y.get());
  CHECK(cudaStreamSynchronize(nullptr) == cudaErrorLaunchOutOfResources);
  CHECK(cudaGetLastError() == cudaErrorLaunchOutOfResources);
  synchronize();
}

TEST_CASE("gpu: the emulator ends programs that write outside of their memory, wait in vain or use what was destroyed" *
          needs_emulated_gpu()) {
  synchronize();
  const std::string outside = last_words_of([] {
    const OnGpu<int> x(block_threads - 1);
    launch(set_to, dim3(1), queue(), 1, x.get());
    cudaFreeAsync(x.get(), nullptr);
    cudaStreamSynchronize(nullptr);
  });
  CHECK((contains(outside, "a kernel wrote outside of its 1020 bytes") || contains(outside, "AddressSanitizer")));
#ifdef __SANITIZE_ADDRESS__
  CHECK(contains(last_words_of([] {
                   launch(write_after_shared_array, dim3(1), queue());
                   cudaStreamSynchronize(nullptr);
                 }),
                 "write_after_shared_array"));
#endif
  CHECK(contains(last_words_of([] {
                   cudaEvent_t event = nullptr;
                   cudaEventCreate(&event);
                   cudaEventDestroy(event);
                   cudaEventRecord(event, nullptr);
                 }),
                 "there is no such event"));
  CHECK(contains(last_words_of([] {
                   launch<Waits::yes>(leave_early, dim3(1), queue());
                   cudaStreamSynchronize(nullptr);
                 }),
                 "some threads of a block wait for others that have left the kernel"));
  CHECK(contains(last_words_of([] {
                   launch<Waits::no>(leave_early, dim3(1), queue());
                   cudaStreamSynchronize(nullptr);
                 }),
                 "Waits::no"));
}

// (In `make races`; other programs take no time to look.)
TEST_CASE("gpu: the emulator finds races of threads, of blocks and of nodes, and no others" * needs_emulated_gpu() *
          doctest::skip(!finds_races())) {
  for (const Planted& planted : planted_races()) {
    CAPTURE(planted.name);
    const auto run = [&] {
      const OnGpu<char> y(4096);
      const OnGpu<unsigned> counter(1);
      const unsigned zero = 0;
      cudaMemcpyAsync(counter.get(), &zero, sizeof zero, cudaMemcpyHostToDevice, nullptr);
      planted.start(queue(), y.get(), counter.get());
      synchronize();
    };
    if (planted.is_race) CHECK(contains(last_words_of(run), "nothing orders them"));
    else run();
  }
}

TEST_CASE("gpu: the emulator refuses copies between memory of another kind than they name" * needs_emulated_gpu()) {
  std::vector<int> host(3);
  const OnGpu<int> x(3);
  CHECK(cudaMemcpyAsync(x.get(), host.data(), 12, cudaMemcpyDeviceToDevice, nullptr) == cudaErrorInvalidValue);
  CHECK(cudaMemcpyAsync(x.get(), host.data(), 12, cudaMemcpyDeviceToHost, nullptr) == cudaErrorInvalidValue);
  CHECK(cudaMemcpyAsync(x.get(), host.data(), 13, cudaMemcpyHostToDevice, nullptr) == cudaErrorInvalidValue);
  int* released = OnGpu<int>(3).get();
  CHECK(cudaMemcpyAsync(host.data(), released, 12, cudaMemcpyDeviceToHost, nullptr) == cudaErrorInvalidValue);
  CHECK(cudaFreeAsync(released, nullptr) == cudaErrorInvalidValue);
  CHECK(cudaGetLastError() == cudaErrorInvalidValue);
}

TEST_CASE("gpu: the emulator's pool reports its peaks, which can be reset" * needs_emulated_gpu()) {
  const auto get = [](cudaMemPoolAttr attribute) {
    uint64_t value = 0;
    REQUIRE(cudaMemPoolGetAttribute(nullptr, attribute, &value) == cudaSuccess);
    return value;
  };
  uint64_t zero = 0, one = 1;
  constexpr uint64_t large = uint64_t(1) << 24;
  synchronize();
  cudaMemPoolTrimTo(nullptr, 0);
  const uint64_t used = get(cudaMemPoolAttrUsedMemCurrent);
  for (const cudaMemPoolAttr high : {cudaMemPoolAttrUsedMemHigh, cudaMemPoolAttrReservedMemHigh}) {
    CHECK(cudaMemPoolSetAttribute(nullptr, high, &one) == cudaErrorInvalidValue);
    REQUIRE(cudaMemPoolSetAttribute(nullptr, high, &zero) == cudaSuccess);
    CHECK(get(high) == used);
  }
  cudaGetLastError();
  { const OnGpu<char> x(large); }
  CHECK(get(cudaMemPoolAttrUsedMemCurrent) == used);  // it is counted before the queue gets there
  CHECK(get(cudaMemPoolAttrUsedMemHigh) == used + large);
  REQUIRE(cudaMemPoolSetAttribute(nullptr, cudaMemPoolAttrUsedMemHigh, &zero) == cudaSuccess);
  CHECK(get(cudaMemPoolAttrUsedMemHigh) == used);
  // The pool keeps what was released.
  REQUIRE(cudaMemPoolSetAttribute(nullptr, cudaMemPoolAttrReservedMemHigh, &zero) == cudaSuccess);
  CHECK(get(cudaMemPoolAttrReservedMemHigh) == used + large);
  cudaMemPoolTrimTo(nullptr, 0);
  CHECK(get(cudaMemPoolAttrReservedMemCurrent) == used);
}
