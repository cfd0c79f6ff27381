// The convolution of a network's first layer, whose images have three channels, padded to eight: 64 filters of 3x3,
// stride 1, in bf16, forward and the gradient of the weights. So few channels leave a library's kernels, which are made
// for products of large matrices, mostly waiting: they take several times as long as memory needs to move the result,
// which is by far the largest tensor here.
//
// A tile of 8x32 pixels of y belongs to a block. The pixels of x that it looks at, 10x34, lie in shared memory, 16
// bytes each. Then the convolution is a product of matrices: y [pixels, 64] = x' [pixels, 9 * 8] w' [9 * 8, 64], where
// row i of x' holds the nine pixels around pixel i, one after the other; and dw' = x'^T dy. Tensor cores read a row of
// x' as pieces of 16 bytes at any address (tensor_core.h), so that x' is nowhere written out. Two of the nine taps are
// one step of 16 products.
//
// Which output channel is which column of a matrix [16, 8] is free: it is chosen so that a thread has neighboring
// channels, which it loads or stores at once.
#include <memory>

#include "kernels/cuda/conv.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/sums.h"
#include "kernels/cuda/tensor_core.h"

namespace counterpoise::detail {

namespace {

constexpr int channels = 8, outputs = 64, taps = 9, steps = (taps + 1) / 2;
constexpr int length = taps * channels;
constexpr int tile_rows = 8, tile_columns = 32, halo_rows = tile_rows + 2, halo_columns = tile_columns + 2;
constexpr int halo = halo_rows * halo_columns, loads = (halo + block_threads - 1) / block_threads;
constexpr int part_pixels = 16, parts_across = tile_columns / part_pixels;

struct Extents {
  int H, W, P, Q, pad, tiles_down, tiles_across, tiles;
  explicit Extents(const ConvGeometry& g)
      : H(static_cast<int>(g.H)),
        W(static_cast<int>(g.W)),
        P(static_cast<int>(g.P)),
        Q(static_cast<int>(g.Q)),
        pad(static_cast<int>(g.pad)),
        tiles_down((P + tile_rows - 1) / tile_rows),
        tiles_across((Q + tile_columns - 1) / tile_columns),
        tiles(static_cast<int>(g.N) * tiles_down * tiles_across) {}
};

struct Tile {
  int n, row, column;  // of its first pixel
  __device__ Tile(const Extents& e, int tile)
      : n(tile / e.tiles_across / e.tiles_down),
        row(tile / e.tiles_across % e.tiles_down * tile_rows),
        column(tile % e.tiles_across * tile_columns) {}
  // The pixel of y at this place of the tile; whether it is there.
  __device__ Index pixel(const Extents& e, int r, int c) const {
    return (static_cast<Index>(n) * e.P + row + r) * e.Q + column + c;
  }
  __device__ bool has(const Extents& e, int r, int c) const { return row + r < e.P && column + c < e.Q; }
};

// The pixels of x that a thread fetches for a tile; zeros where there is no pixel.
__device__ void fetch(const Extents& e, const uint4* x, const Tile& tile, uint4 (&fetched)[loads]) {
  for (int k = 0; k < loads; ++k) {
    const int i = static_cast<int>(threadIdx.x) + k * block_threads;
    const int h = tile.row + i / halo_columns - e.pad, v = tile.column + i % halo_columns - e.pad;
    const bool inside = i < halo && h >= 0 && h < e.H && v >= 0 && v < e.W;
    fetched[k] = inside ? x[(static_cast<Index>(tile.n) * e.H + h) * e.W + v] : uint4{0, 0, 0, 0};
  }
}

// visit(tile, the pixels of x that it looks at, load(tile)) for the block's tiles. Meanwhile the next tile is loaded,
// because memory answers late.
template <class Load, class Visit>
__device__ void walk_tiles(const Extents& e, const uint4* x, const Load& load, const Visit& visit) {
  CP_SHARED(uint4, pixels, halo);
  uint4 fetched[loads];
  Tile next(e, static_cast<int>(blockIdx.x));
  fetch(e, x, next, fetched);
  auto next_loaded = load(next);
  for (int i = static_cast<int>(blockIdx.x); i < e.tiles; i += static_cast<int>(gridDim.x)) {
    const Tile tile = next;
    const auto loaded = next_loaded;
    __syncthreads();  // the tile before is no longer read
    for (int k = 0; k < loads; ++k) {
      const int at = static_cast<int>(threadIdx.x) + k * block_threads;
      if (at < halo) pixels[at] = fetched[k];
    }
    __syncthreads();
    if (i + static_cast<int>(gridDim.x) < e.tiles) {
      next = Tile(e, i + static_cast<int>(gridDim.x));
      fetch(e, x, next, fetched);
      next_loaded = load(next);
    }
    visit(tile, pixels, loaded);
  }
}

// What a thread's warp computes of a tile, in parts of 16 pixels: half of the output channels, in four matrices of
// eight columns, and two rows; and the thread's place in a matrix (tensor_core.h).
constexpr int halves = 2, matrices = outputs / halves / 8,
              warp_rows = tile_rows * halves * warp_threads / block_threads;
constexpr int parts = warp_rows * parts_across;
struct WarpShare {
  const int g = lane_index() / 4, t = lane_index() % 4;
  const int output = static_cast<int>(threadIdx.x) / warp_threads % halves * (outputs / halves);
  const int row = static_cast<int>(threadIdx.x) / warp_threads / halves * warp_rows;
};

// Which pixels a thread addresses for the matrices of each step: those of tap 2 s, or of 2 s + 1 if `second`. (The
// tenth tap is the ninth once more, with weights of zero: an infinite pixel gives NaN.)
struct Seen {
  int at[steps];
  __device__ Seen(int pixel, bool second) {
    for (int s = 0; s < steps; ++s) {
      const int tap = second && 2 * s + 1 < taps ? 2 * s + 1 : 2 * s;
      at[s] = tap / 3 * halo_columns + tap % 3 + pixel;
    }
  }
};

// Column c of matrix j is the warp's output channel c / 2 * 8 + j * 2 + c % 2: so thread t has 8 t to 8 t + 7.
__global__ void CP_RESIDENT(2)
    forward_kernel(Extents e, Index relu, const uint4* x, const bf16* w, const bf16* bias, bf16* y) {
  const WarpShare mine;
  unsigned by[steps][matrices][2];
  for (int s = 0; s < steps; ++s) {
    for (int j = 0; j < matrices; ++j) {
      const bf16* const of = w + (mine.output + mine.g / 2 * 8 + j * 2 + mine.g % 2) * length + mine.t * 2;
      for (int i = 0; i < 2; ++i) {
        const int tap = 2 * s + i;
        by[s][j][i] = tap < taps ? *reinterpret_cast<const unsigned*>(of + tap * channels) : 0;
      }
    }
  }
  const int output = mine.output + mine.t * 8;
  float first[8] = {};
  if (bias) {
    for (int i = 0; i < 8; ++i) first[i] = bias[output + i];
  }
  const Seen seen(mine.row * halo_columns + lane_index() % 16, lane_index() >= 16);
  const auto nothing = [](const Tile&) { return 0; };
  walk_tiles(e, x, nothing, [&](const Tile& tile, const uint4* pixels, int) {
    for (int part = 0; part < parts; ++part) {
      const int row = part / parts_across, column = part % parts_across * part_pixels;
      float sums[matrices][4];
      for (int j = 0; j < matrices; ++j) {
        for (int i = 0; i < 4; ++i) sums[j][i] = first[j * 2 + i % 2];
      }
      for (int s = 0; s < steps; ++s) {
        unsigned a[4];
        load_matrices<false>(pixels + seen.at[s] + row * halo_columns + column, a);
        for (int j = 0; j < matrices; ++j) multiply_add(a, by[s][j], sums[j]);
      }
      for (int below = 0; below < 2; ++below) {
        const int r = mine.row + row, c = column + mine.g + below * 8;
        if (!tile.has(e, r, c)) continue;
        Pack<bf16, 8> out;
        for (int i = 0; i < 8; ++i) {
          const float sum = sums[i / 2][below * 2 + i % 2];
          out.v[i] = bf16(relu ? formula::Relu::f(sum) : sum);
        }
        store(y + tile.pixel(e, r, c) * outputs + output, out);
      }
    }
  });
}

// Four neighboring channels of the gradient, at the pixels 2t, 2t + 1, 2t + 8 and 2t + 9 of each part.
struct Gradients {
  Pack<bf16, matrices> at[parts][4];
  __device__ Gradients(const Extents& e, const bf16* dy, const WarpShare& mine, const Tile& tile) {
    const Index row = static_cast<Index>(e.Q) * outputs;
    const bf16* const from = dy + tile.pixel(e, mine.row, mine.t * 2) * outputs + mine.output + mine.g * matrices;
    for (int part = 0; part < parts; ++part) {
      for (int i = 0; i < 4; ++i) {
        const int r = part / parts_across, c = part % parts_across * part_pixels + i / 2 * 8 + i % 2;
        at[part][i] = tile.has(e, mine.row + r, mine.t * 2 + c) ? load<matrices>(from + r * row + c * outputs)
                                                                : Pack<bf16, matrices>{};
      }
    }
  }
  // Column g of matrix j, which is the warp's output channel g * matrices + j.
  __device__ void column(int part, int j, unsigned (&b)[2]) const {
    for (int i = 0; i < 2; ++i) {
      b[i] = at[part][2 * i].v[j].bits | static_cast<unsigned>(at[part][2 * i + 1].v[j].bits) << 16;
    }
  }
};

// shares[block][k, tap, c]: a block's share of the gradient of w.
__global__ void CP_RESIDENT(1) grad_weight_kernel(Extents e, const uint4* x, const bf16* dy, float* shares) {
  const WarpShare mine;
  float sums[steps][matrices][4] = {};
  const Seen seen(mine.row * halo_columns + lane_index() / 16 * 8 + lane_index() % 8, lane_index() / 8 % 2 == 1);
  const auto load = [&](const Tile& tile) { return Gradients(e, dy, mine, tile); };
  walk_tiles(e, x, load, [&](const Tile&, const uint4* pixels, const Gradients& gradients) {
    for (int part = 0; part < parts; ++part) {
      unsigned b[matrices][2];
      for (int j = 0; j < matrices; ++j) gradients.column(part, j, b[j]);
      const int first = part / parts_across * halo_columns + part % parts_across * part_pixels;
      for (int s = 0; s < steps; ++s) {
        unsigned a[4];
        load_matrices<true>(pixels + seen.at[s] + first, a);
        for (int j = 0; j < matrices; ++j) multiply_add(a, b[j], sums[s][j]);
      }
    }
  });
  // The warps add what they have one row of warps after the other, so that the sum has one order.
  constexpr int numbers = outputs * length;
  CP_SHARED(float, all, numbers);
  for (int row = 0; row < tile_rows; row += warp_rows) {
    __syncthreads();
    if (mine.row != row) continue;
    for (int s = 0; s < steps; ++s) {
      for (int j = 0; j < matrices; ++j) {
        for (int i = 0; i < 4; ++i) {
          const int tap = 2 * s + i / 2, k = mine.output + (2 * mine.t + i % 2) * matrices + j;
          if (tap >= taps) continue;
          float& sum = all[k * length + tap * channels + mine.g];
          sum = row == 0 ? sums[s][j][i] : sum + sums[s][j][i];
        }
      }
    }
  }
  __syncthreads();
  float* const share = shares + static_cast<Index>(blockIdx.x) * numbers;
  for (int i = static_cast<int>(threadIdx.x); i < numbers; i += block_threads) share[i] = all[i];
}

// As many as run at the same time on a large GPU's 132 multiprocessors: by the shape alone, so that the same shape
// gives the same bits.
unsigned blocks_of(const Extents& e, int resident) { return static_cast<unsigned>(std::min(e.tiles, 132 * resident)); }

class FewChannelsPlan final : public ConvPlan {
 public:
  FewChannelsPlan(CudaBackend& backend, Queue& queue, const ConvProblem& problem)
      : backend_(backend), queue_(queue), problem_(problem) {}
  std::string name() const override { return "few channels"; }
  size_t workspace_bytes() const override {
    if (problem_.pass == ConvProblem::forward) return 0;
    return sizeof(float) * blocks_of(Extents(problem_.geometry), 1) * outputs * length;
  }
  void run(const ConvData& data, void* workspace) const override {
    const Extents e(problem_.geometry);
    const auto* const x = static_cast<const uint4*>(data.x);
    auto* const out = static_cast<bf16*>(data.out);
    if (problem_.pass == ConvProblem::forward) {
      return launch<Waits::yes>(forward_kernel, blocks_of(e, 2), queue_, e, Index(problem_.relu), x,
                                static_cast<const bf16*>(data.w),
                                static_cast<const bf16*>(problem_.bias ? data.bias : nullptr), out);
    }
    auto* const shares = static_cast<float*>(workspace);
    const unsigned blocks = blocks_of(e, 1);
    launch<Waits::yes>(grad_weight_kernel, blocks, queue_, e, x, static_cast<const bf16*>(data.y), shares);
    using Four = Pack<float, 4>;
    const float* const first = shares;
    column_sums<4, 1, double>(
        backend_, queue_, blocks, outputs * length, [=] __device__(Index i) { return load<4>(first + i); },
        [=] __device__(const Four& share, Index, Index, double(&sums)[1][4]) {
          for (int lane = 0; lane < 4; ++lane) sums[0][lane] += double(share.v[lane]);
        },
        [=] __device__(Index i, const double(&sum)[1]) { out[i] = bf16(sum[0]); });
  }

 private:
  CudaBackend& backend_;
  Queue& queue_;
  const ConvProblem problem_;
};

bool computes(const ConvProblem& problem) {
  const ConvGeometry& g = problem.geometry;
  return problem.dtype == DType::bf16 && g.C == channels && g.K == outputs && g.R == 3 && g.S == 3 && g.stride == 1 &&
         !problem.residual && problem.pass != ConvProblem::grad_input && g.pixels() < Index(1) << 31;
}

}  // namespace

std::shared_ptr<ConvPlan> few_channels_plan(CudaBackend& backend, Queue& queue, const ConvProblem& problem) {
  return computes(problem) ? std::make_shared<FewChannelsPlan>(backend, queue, problem) : nullptr;
}

}  // namespace counterpoise::detail
