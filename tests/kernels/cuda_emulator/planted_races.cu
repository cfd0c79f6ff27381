#include "tests/kernels/cuda_emulator/planted_races.h"

#include "kernels/cuda/check.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/sums.h"
#include "kernels/cuda/tensor_core.h"

namespace counterpoise {

using namespace detail;

namespace {

__device__ int me() { return static_cast<int>(threadIdx.x); }
__device__ int neighbor() { return (me() + 1) % block_threads; }

// -- shared memory --

// A thread reads what its neighbor writes.
template <bool barrier>
__global__ void read_neighbor(int* y) {
  CP_SHARED(int, numbers, block_threads);
  numbers[me()] = me();
  if (barrier) __syncthreads();
  y[thread_index()] = numbers[neighbor()];
}

// A thread writes for the next round what its neighbor may still read.
template <bool barrier>
__global__ void rounds(int* y) {
  CP_SHARED(int, numbers, block_threads);
  int sum = 0;
  for (int round = 0; round < 3; ++round) {
    numbers[me()] = me() + round;
    __syncthreads();
    sum += numbers[neighbor()];
    if (barrier) __syncthreads();
  }
  y[thread_index()] = sum;
}

// All threads read a number, and then one writes it.
template <bool barrier>
__global__ void read_by_all(int* y) {
  CP_SHARED(int, number, 1);
  if (me() == 0) number[0] = 7;
  __syncthreads();
  y[thread_index()] = number[0];
  if (barrier) __syncthreads();
  if (me() == block_threads - 1) number[0] = 8;
}

// All threads write the same number to the same place; or only one does.
template <bool one>
__global__ void write_the_same(int* y) {
  CP_SHARED(int, number, 1);
  if (!one || me() == 5) number[0] = 7;
  __syncthreads();
  y[thread_index()] = number[0];
}

// Bytes of the same word, each written by a thread; then the word is read, by another thread than wrote all its bytes.
template <bool barrier>
__global__ void bytes(int* y) {
  CP_SHARED(int, words, block_threads / 4);
  reinterpret_cast<unsigned char*>(words)[me()] = static_cast<unsigned char>(me());
  if (barrier) __syncthreads();
  if (me() % 4 == 0) y[thread_index()] = words[me() / 4];
}
// The other way around: a word is written, and its bytes are read.
template <bool barrier>
__global__ void bytes_of_word(unsigned char* y) {
  CP_SHARED(int, words, block_threads / 4);
  if (me() % 4 == 0) words[me() / 4] = me();
  if (barrier) __syncthreads();
  y[thread_index()] = reinterpret_cast<const unsigned char*>(words)[me()];
}

// The lanes of a warp wait for each other when they load matrices, but that does not order what other warps wrote; nor,
// for all that CUDA promises, what they wrote themselves.
template <bool barrier>
__global__ void matrices(int* y) {
  CP_SHARED(uint4, rows, block_threads);
  rows[me()] = uint4{1, 2, 3, 4};
  if (barrier) __syncthreads();
  unsigned part[4];
  load_matrices<false>(&rows[me()], part);
  y[thread_index()] = static_cast<int>(part[0]);
}

// -- the GPU's memory --

// The blocks write the same numbers, or each its own.
template <bool own>
__global__ void write_of_blocks(int* y) {
  y[own ? thread_index() : threadIdx.x] = 1;
}
// The same, 16 bytes at once, as elementwise kernels store them: y has 256 such packs.
template <bool own>
__global__ void store_of_blocks(int* y) {
  const Pack<int, 4> pack = {{1, 2, 3, 4}};
  if (me() < 128) store(y + (own ? 128 * blockIdx.x + me() : me()) * 4, pack);
}
// The second block reads what the first wrote.
template <bool own>
__global__ void read_of_blocks(int* y) {
  y[thread_index()] = 1;
  if (blockIdx.x == 1) y[thread_index()] = 1 + y[own ? thread_index() : threadIdx.x];
}
// The second block writes what the first read.
template <bool own>
__global__ void write_after_read(const int* x, int* y) {
  if (blockIdx.x == 0) y[threadIdx.x + 2 * block_threads] = x[threadIdx.x];
  else y[own ? thread_index() : threadIdx.x] = 1;
}
// A kernel after a kernel.
__global__ void increment(int* y) { y[threadIdx.x * 2 + blockIdx.x] += 1; }

// The last block reads what the others wrote, as in sums.h, but for what is left out.
enum Left { nothing, first_fence, second_fence, first_barrier, second_barrier, is_last_itself };
template <Left left>
__global__ void last_block(int* y, unsigned* arrived) {
  CP_SHARED(unsigned, before, 1);
  y[thread_index()] = 1;
  if (left == is_last_itself) {
    if (!is_last(arrived, gridDim.x)) return;
  } else {
    if (left != first_barrier) __syncthreads();
    if (me() == 0) {
      if (left != first_fence) __threadfence();
      before[0] = atomicAdd(arrived, 1U);
      if (left != second_fence) __threadfence();
    }
    if (left != second_barrier) __syncthreads();
    if (before[0] != gridDim.x - 1) return;
  }
  y[thread_index() + block_threads] = y[neighbor()];
}

// -- nodes of a graph --

__global__ void write(int* y, unsigned*) { y[me()] = 1; }
__global__ void read(int* y, unsigned*) { y[me() + block_threads] = y[me()]; }
__global__ void add(int*, unsigned* counter) {
  if (me() == 0) atomicAdd(counter, 1U);
}

// A graph of kernels of one block each, and of copies of what `write` writes.
class Nodes {
 public:
  using Kernel = void (*)(int*, unsigned*);
  Nodes(Queue& queue, void* y, unsigned* counter) : queue_(queue), y_(static_cast<int*>(y)), counter_(counter) {
    CP_CUDA_CHECK(cudaGraphCreate(&graph_, 0));
  }
  ~Nodes() { cudaGraphDestroy(graph_); }
  Nodes(const Nodes&) = delete;
  Nodes& operator=(const Nodes&) = delete;

  cudaGraphNode_t kernel(Kernel kernel, const std::vector<cudaGraphNode_t>& after = {}) {
    launch(kernel, dim3(1), queue_, y_, counter_);  // (The emulator has to know it.)
    void* arguments[] = {&y_, &counter_};
    cudaKernelNodeParams p = {};
    p.func = reinterpret_cast<void*>(kernel), p.gridDim = dim3(1), p.blockDim = dim3(block_threads);
    p.kernelParams = arguments;
    cudaGraphNode_t node = nullptr;
    CP_CUDA_CHECK(cudaGraphAddKernelNode(&node, graph_, after.data(), after.size(), &p));
    return node;
  }
  void copy(const std::vector<cudaGraphNode_t>& after = {}) {
    cudaGraphNode_t node = nullptr;
    CP_CUDA_CHECK(cudaGraphAddMemcpyNode1D(&node, graph_, after.data(), after.size(), y_ + 2 * block_threads, y_,
                                           block_threads * sizeof(int), cudaMemcpyDeviceToDevice));
  }
  void start() {
    cudaGraphExec_t executable = nullptr;
    CP_CUDA_CHECK(cudaGraphInstantiateWithFlags(&executable, graph_, 0));
    CP_CUDA_CHECK(cudaGraphLaunch(executable, nullptr));
    CP_CUDA_CHECK(cudaGraphExecDestroy(executable));
  }

 private:
  Queue& queue_;
  int* y_;
  unsigned* counter_;
  cudaGraph_t graph_ = nullptr;
};

using Start = decltype(Planted::start);
constexpr int blocks = 2;

template <class... Parameters>
Start with_y(void (*kernel)(Parameters...)) {
  return [kernel](Queue& queue, void* y, unsigned*) {
    launch<Waits::yes>(kernel, dim3(blocks), queue, static_cast<Parameters>(y)...);
  };
}
Start with_counter(void (*kernel)(int*, unsigned*)) {
  return [kernel](Queue& queue, void* y, unsigned* counter) {
    launch<Waits::yes>(kernel, dim3(blocks), queue, static_cast<int*>(y), counter);
  };
}

Start graph(void (*add_to)(Nodes&)) {
  return [add_to](Queue& queue, void* y, unsigned* counter) {
    Nodes nodes(queue, y, counter);
    add_to(nodes);
    nodes.start();
  };
}

}  // namespace

std::vector<Planted> planted_races() {
  constexpr bool race = true, none = false;
  return {
      {"what the neighbor wrote", none, with_y(read_neighbor<true>)},
      {"what the neighbor wrote, without a barrier", race, with_y(read_neighbor<false>)},
      {"rounds", none, with_y(rounds<true>)},
      {"rounds, with one barrier in each", race, with_y(rounds<false>)},
      {"written after all have read it", none, with_y(read_by_all<true>)},
      {"written after all have read it, without a barrier", race, with_y(read_by_all<false>)},
      {"written by one", none, with_y(write_the_same<true>)},
      {"the same written by all", race, with_y(write_the_same<false>)},
      {"bytes", none, with_y(bytes<true>)},
      {"bytes, without a barrier", race, with_y(bytes<false>)},
      {"bytes of a word", none, with_y(bytes_of_word<true>)},
      {"bytes of a word, without a barrier", race, with_y(bytes_of_word<false>)},
      {"matrices", none, with_y(matrices<true>)},
      {"matrices, without a barrier", race, with_y(matrices<false>)},
      {"blocks write their own", none, with_y(write_of_blocks<true>)},
      {"blocks write the same", race, with_y(write_of_blocks<false>)},
      {"blocks store their own", none, with_y(store_of_blocks<true>)},
      {"blocks store the same", race, with_y(store_of_blocks<false>)},
      {"blocks read their own", none, with_y(read_of_blocks<true>)},
      {"a block reads what another wrote", race, with_y(read_of_blocks<false>)},
      {"blocks read the same", none, with_y(write_after_read<true>)},
      {"a block writes what another read", race, with_y(write_after_read<false>)},
      {"a kernel reads what the one before wrote", none,
       [](Queue& queue, void* y, unsigned*) {
         for (int i = 0; i < 2; ++i) launch(increment, dim3(blocks), queue, static_cast<int*>(y));
       }},
      {"the last block", none, with_counter(last_block<nothing>)},
      {"the last block, of sums.h", none, with_counter(last_block<is_last_itself>)},
      {"the last block, without the first fence", race, with_counter(last_block<first_fence>)},
      {"the last block, without the second fence", race, with_counter(last_block<second_fence>)},
      {"the last block, without the first barrier", race, with_counter(last_block<first_barrier>)},
      {"the last block, without the second barrier", race, with_counter(last_block<second_barrier>)},
      {"nodes in a row", none, graph([](Nodes& g) { g.kernel(read, {g.kernel(add, {g.kernel(write)})}); })},
      {"nodes after two branches", none, graph([](Nodes& g) {
         g.copy({g.kernel(add), g.kernel(read, {g.kernel(write)})});
       })},
      {"nodes that read the same", none, graph([](Nodes& g) {
         const cudaGraphNode_t first = g.kernel(write);
         g.kernel(read, {first}), g.copy({first});
       })},
      {"nodes that write the same", race, graph([](Nodes& g) { g.kernel(write), g.kernel(write); })},
      {"a node that reads what another writes", race, graph([](Nodes& g) { g.kernel(write), g.kernel(read); })},
      {"a node that writes what another reads", race, graph([](Nodes& g) { g.kernel(read), g.kernel(write); })},
      {"a node that copies what another writes", race, graph([](Nodes& g) { g.copy(), g.kernel(write); })},
      {"nodes that add to the same number", race, graph([](Nodes& g) { g.kernel(add), g.kernel(add); })},
  };
}

}  // namespace counterpoise
