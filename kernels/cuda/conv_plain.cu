// The cuda backend's convolutions as the loops of their definition, the addition of a residual, and the padding of
// channels.
#include "kernels/cuda/conv.h"
#include "kernels/cuda/launch.h"

namespace counterpoise::detail {

namespace {

// y[n,p,q,k]: the sum over r, s, c.
template <class T>
void plain_forward(Queue& queue, const ConvProblem& problem, const ConvData& d) {
  const ConvGeometry g = problem.geometry;
  const Index relu = problem.relu;  // (A bool would leave bytes without a value in the kernel's arguments.)
  const T *x = static_cast<const T*>(d.x), *w = static_cast<const T*>(d.w);
  const T* bias = problem.bias ? static_cast<const T*>(d.bias) : nullptr;
  const T* residual = problem.residual ? static_cast<const T*>(d.residual) : nullptr;
  T* y = static_cast<T*>(d.out);
  for_each(queue, g.pixels() * g.K, [=] __device__(Index i) {
    const Index k = i % g.K, q = i / g.K % g.Q, p = i / g.K / g.Q % g.P, n = i / g.K / g.Q / g.P;
    double sum = bias ? double(Compute<T>(bias[k])) : 0;
    for (Index r = 0; r < g.R; ++r) {
      const Index h = p * g.stride + r - g.pad;
      if (h < 0 || h >= g.H) continue;
      for (Index s = 0; s < g.S; ++s) {
        const Index v = q * g.stride + s - g.pad;
        if (v < 0 || v >= g.W) continue;
        const T *in = x + ((n * g.H + h) * g.W + v) * g.C, *by = w + ((k * g.R + r) * g.S + s) * g.C;
        for (Index c = 0; c < g.C; ++c) sum += double(Compute<T>(in[c])) * double(Compute<T>(by[c]));
      }
    }
    if (residual) sum += double(Compute<T>(residual[i]));
    y[i] = T(relu ? formula::Relu::f(sum) : sum);
  });
}

// dx[n,h,v,c]: the sum over r, s, k of those y that read it.
template <class T>
void plain_grad_input(Queue& queue, const ConvProblem& problem, const ConvData& d) {
  const ConvGeometry g = problem.geometry;
  const T *w = static_cast<const T*>(d.w), *dy = static_cast<const T*>(d.y);
  T* dx = static_cast<T*>(d.out);
  for_each(queue, g.N * g.H * g.W * g.C, [=] __device__(Index i) {
    const Index c = i % g.C, v = i / g.C % g.W, h = i / g.C / g.W % g.H, n = i / g.C / g.W / g.H;
    double sum = 0;
    for (Index r = 0; r < g.R; ++r) {
      const Index down = h + g.pad - r, p = down / g.stride;
      if (down < 0 || down % g.stride != 0 || p >= g.P) continue;
      for (Index s = 0; s < g.S; ++s) {
        const Index across = v + g.pad - s, q = across / g.stride;
        if (across < 0 || across % g.stride != 0 || q >= g.Q) continue;
        const T *out = dy + ((n * g.P + p) * g.Q + q) * g.K, *by = w + (r * g.S + s) * g.C + c;
        for (Index k = 0; k < g.K; ++k) {
          sum += double(Compute<T>(out[k])) * double(Compute<T>(by[k * g.R * g.S * g.C]));
        }
      }
    }
    dx[i] = T(sum);
  });
}

// dw[k,r,s,c]: the sum over n, p, q, by a block.
template <class T>
__global__ void plain_grad_weight_kernel(ConvGeometry g, const T* x, const T* dy, T* dw) {
  for (Index i = blockIdx.x; i < g.K * g.length(); i += gridDim.x) {
    const Index c = i % g.C, s = i / g.C % g.S, r = i / g.C / g.S % g.R, k = i / g.length();
    double sum = 0;
    for (Index pixel = threadIdx.x; pixel < g.pixels(); pixel += blockDim.x) {
      const Index q = pixel % g.Q, p = pixel / g.Q % g.P, n = pixel / g.Q / g.P;
      const Index h = p * g.stride + r - g.pad, v = q * g.stride + s - g.pad;
      if (h < 0 || h >= g.H || v < 0 || v >= g.W) continue;
      sum += double(Compute<T>(dy[pixel * g.K + k])) * double(Compute<T>(x[((n * g.H + h) * g.W + v) * g.C + c]));
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) dw[i] = T(sum);
  }
}

template <class T>
void plain_grad_weight(Queue& queue, const ConvProblem& problem, const ConvData& d) {
  const ConvGeometry& g = problem.geometry;
  launch<Waits::yes>(plain_grad_weight_kernel<T>, a_block_each(g.K * g.length()), queue, g, static_cast<const T*>(d.x),
                     static_cast<const T*>(d.y), static_cast<T*>(d.out));
}

template <class T>
void add(Queue& queue, Index n, const T* residual, Index relu, T* y) {
  using C = Compute<T>;
  map<T, 2>(queue, n, {{y, residual}}, y, [=] __device__(const C* v) {
    const C sum = v[0] + v[1];
    return relu ? formula::Relu::f(sum) : sum;
  });
}

}  // namespace

void add_residual(Queue& queue, DType dtype, Index n, const void* residual, bool relu, void* y) {
  dispatch_floating(dtype, [&](auto zero) {
    using T = decltype(zero);
    add(queue, n, static_cast<const T*>(residual), relu, static_cast<T*>(y));
  });
}

void plain_convolution(Queue& queue, const ConvProblem& problem, const ConvData& data) {
  dispatch_floating(problem.dtype, [&](auto zero) {
    using T = decltype(zero);
    switch (problem.pass) {
      case ConvProblem::forward:
        return plain_forward<T>(queue, problem, data);
      case ConvProblem::grad_input:
        return plain_grad_input<T>(queue, problem, data);
      case ConvProblem::grad_weight:
        return plain_grad_weight<T>(queue, problem, data);
    }
  });
}

// A thread writes eight channels, which a pixel of an image has, at once.
void pad_channels(Queue& queue, Index pixels, Index C, Index padded, const void* x, void* y) {
  constexpr int lanes = 8;
  const auto* in = static_cast<const bf16*>(x);
  auto* out = static_cast<bf16*>(y);
  const Index packs = padded / lanes;
  for_each(queue, pixels * packs, [=] __device__(Index i) {
    const Index pixel = packs == 1 ? i : i / packs, first = (i - pixel * packs) * lanes;
    Pack<bf16, lanes> pack;
    for (int lane = 0; lane < lanes; ++lane) {
      const Index c = first + lane;
      pack.v[lane] = c < C ? in[pixel * C + c] : bf16(0);
    }
    store(out + i * lanes, pack);
  });
}

void take_channels(Queue& queue, Index pixels, Index C, Index padded, const void* x, void* y) {
  const auto* in = static_cast<const bf16*>(x);
  auto* out = static_cast<bf16*>(y);
  for_each(queue, pixels * C, [=] __device__(Index i) { out[i] = in[i / C * padded + i % C]; });
}

}  // namespace counterpoise::detail
