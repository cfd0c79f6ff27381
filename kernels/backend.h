// The contract between the framework and a device: everything that a device must be able to compute.
//
// There are four implementations. *reference* (reference/) consists of naive loops, is written to be read, and is what
// the tests compare the others with; *cpu* (cpu/) is fast; *cuda* (cuda/) computes on NVIDIA GPUs, if the build and the
// machine have CUDA; *meta* (meta/) has shapes without numbers. Everything above kernels/ works on any of them.
//
// Conventions of every method:
//   - inputs come first, outputs last; an output is completely overwritten unless its comment says otherwise;
//   - shapes and dtypes have been checked by the caller (core/ops_*.cpp), which can name the operation in an error;
//   - an output shares no memory with an input unless the comment says "may be in place";
//   - N, H, W, C, K, R, S, P, Q are as in view.h; `dx` is the gradient of the loss with respect to `x`;
//   - floating dtypes are f32 and f64 throughout, and bf16 where require() allows it; then scales, statistics and the
//     gradients of biases are f32 (parameter_dtype). Sums are accumulated in f32 or a higher precision;
//   - a call may return before its result is computed: operations that are enqueued later see it. Only download(),
//     synchronize() and Readback::wait() wait;
//   - several threads may use the reference and the cpu backend at once, but only one thread at a time may use the cuda
//     backend.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/formulas.h"
#include "kernels/step_graph.h"
#include "kernels/view.h"

namespace counterpoise {

struct Update;  // updates.h

struct Conv2dParams {
  Index stride = 1, pad = 0;  // the same in both directions; zeros are padded
  Index out(Index in, Index kernel) const { return (in + 2 * pad - kernel) / stride + 1; }
};

// As in PyTorch, the stride is the window if none is given.
struct Pool2dParams {
  Pool2dParams(Index window = 2) : Pool2dParams(window, window) {}
  Pool2dParams(Index window, Index stride, Index pad = 0) : window(window), stride(stride), pad(pad) {}
  Index window, stride, pad;
  Index out(Index in) const { return (in + 2 * pad - window) / stride + 1; }
  // Of positions in a window.
  DType position_dtype() const { return window <= 16 ? DType::u8 : DType::i32; }
};

// How a device computes, where it has a choice.
struct ComputeMode {
  bool tf32 = false;           // round the factors of f32 products to TF32's 10 bits of mantissa
  bool deterministic = false;  // the same bits in every run on one machine, even if that is slower
  // Compile kernels for tensor cores while the program runs, where they compute several operations in one and are
  // faster: seconds for each. Nothing in f32 without tf32, nor if deterministic.
  bool compile = false;
  bool graphs = false;  // start repeated steps as CUDA graphs (step_graph.h)
};

// The most memory of a device at once, in bytes: in tensors and workspaces, and with what is kept for later ones.
struct MemoryPeaks {
  size_t allocated = 0, reserved = 0;
};

// A weight, its gradient and its state (as many tensors as the update's `states`), all of one shape and dtype; and, for
// a backend that computes in bf16, where to write the weight's rounding, too, unless that has no data.
struct WeightTensors {
  View w;
  ConstView dw;
  std::vector<View> states;
  View rounded = {};
};

// What an update reads on the backend, so that the program need not wait for it before.
struct StepControl {
  // Absent, or a few f64 numbers: unless all of them are finite, nothing is changed.
  ConstView guard = {};
  // [] f64, the sum of the squares of all gradients, and the norm to which they are clipped before the update, by
  // clip_factor() of updates.h. Not clipped if max_norm is 0; then `squares` may be absent.
  ConstView squares = {};
  double max_norm = 0;
};

// Copies a few numbers to the host while the program enqueues more work: start() requests the copy, and wait() waits
// for it alone, not for what was enqueued after it. Belongs to one thread; the backend outlives it.
class Readback {
 public:
  virtual ~Readback() = default;
  // Enqueues a copy of x, which has at most the bytes that make_readback() was told. The copy of an earlier start() is
  // lost.
  virtual void start(const ConstView& x) = 0;
  // Waits for the copy of the last start(), and returns it; it stays valid until the next one. Throws Error(device) if
  // the work before it failed.
  virtual const void* wait() = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;
  // The hardware and libraries, human-readable: "NVIDIA H100 80GB HBM3, ...".
  virtual std::string description() const = 0;
  // Throws Error(device) with the reason if the device cannot compute in this dtype.
  virtual void require(DType dtype) const = 0;
  // Throws Error(device) with the reason if the device has no such mode.
  virtual void set_mode(const ComputeMode& mode) = 0;
  // True if the CPU cannot access the backend's memory, so that reading a number means a copy and a wait.
  virtual bool is_remote() const { return false; }
  // Operations whose intermediate result is larger than this, in bytes, should compute it in pieces of about this size,
  // which take less memory. 0: at once. `differentiated`: gradients will be computed in the same pieces.
  virtual size_t piece_bytes(bool) const { return 0; }

  // -- memory --
  // At least `bytes` bytes aligned to 64. Throws Error(out_of_memory) if they are not available.
  virtual void* allocate(size_t bytes) = 0;
  virtual void release(void* memory, size_t bytes) noexcept = 0;
  // Copies between this backend's memory and the program's own, of the view's size.
  virtual void upload(const void* host, const View& y) = 0;
  virtual void download(const ConstView& x, void* host) = 0;
  // A Readback for up to `bytes` bytes: a download that need not be waited for at once.
  virtual std::unique_ptr<Readback> make_readback(size_t bytes) = 0;
  virtual void copy(const ConstView& x, const View& y) = 0;
  // Waits until all enqueued work is done, and throws its errors.
  virtual void synchronize() = 0;
  // For a step that will be repeated: without ComputeMode::graphs one that starts its work as it comes.
  virtual std::unique_ptr<StepGraph> make_step_graph() { return std::make_unique<StepGraph>(); }
  // Calls enqueue(). What it enqueues may be computed at the same time as what is enqueued after it, until rejoin():
  // until then nothing else may read or write what it writes, or write what it reads. (All of it may be released.) A
  // second aside() rejoins first. Not for matmul(). A backend that computes one operation at a time need not know of
  // it.
  virtual void aside(const std::function<void()>& enqueue) { enqueue(); }
  virtual void rejoin() {}
  // The total memory of a remote backend in bytes; 0 for others.
  virtual size_t memory_bytes() const { return 0; }
  // The peaks of a remote backend's memory since the last reset; 0 for others.
  virtual MemoryPeaks memory_peaks() const { return {}; }
  // Waits for enqueued work, returns memory that is reserved but not allocated to the system, and begins new peaks.
  virtual void reset_memory_peaks() {}
  // What ran much slower than it should, as a convolution that the device's library refuses: one line for each, with
  // the number of times and the reason. Empty is good.
  virtual std::vector<std::string> fallbacks() const { return {}; }

  // -- elementwise --
  virtual void fill(double value, const View& y) = 0;
  virtual void cast(const ConstView& x, const View& y) = 0;  // between floating dtypes
  // y = f(x; a, b) for a formula of formulas.h; may be in place.
  virtual void unary(Unary op, double a, double b, const ConstView& x, const View& y) = 0;
  // dx = dy f'(x); dx may be dy.
  virtual void unary_grad(Unary op, double a, double b, const ConstView& x, const ConstView& y, const ConstView& dy,
                          const View& dx) = 0;
  // y = f(a, b), a and b broadcast to y's shape; may be in place where the shapes are equal.
  virtual void binary(Binary op, const ConstView& a, const ConstView& b, const View& y) = 0;
  // d = dy df/da (or df/db), in the shape of y: the caller sums over the broadcast axes.
  virtual void binary_grad(Binary op, bool wrt_a, const ConstView& a, const ConstView& b, const ConstView& dy,
                           const View& d) = 0;
  // y += alpha x, elementwise.
  virtual void add_scaled(double alpha, const ConstView& x, const View& y) = 0;
  // dz = dy where y > 0, else 0: the backward pass through y = relu(z), which needs no z. dz may be dy.
  virtual void relu_mask(const ConstView& y, const ConstView& dy, const View& dz) = 0;
  // The same, and db [K] = the sum of dz over all axes but the last: the backward pass through relu(z + bias) in one
  // pass.
  virtual void relu_bias_grad(const ConstView& y, const ConstView& dy, const View& dz, const View& db) = 0;

  // -- reductions --
  // y = the sum of x over the axes along which y would be broadcast to x's shape. y may be in x's parameter_dtype.
  virtual void sum_to(const ConstView& x, const View& y) = 0;
  // y [] f64 = the sum of x^2 over all tensors, which have the same dtype; 0 without tensors. It is finite unless some
  // x is not, or is so large that its square overflows a double.
  virtual void sum_squares(const std::vector<ConstView>& xs, const View& y) = 0;

  // -- products --
  // y [M, N] = op(a) op(b), where op transposes if the flag is set: a is [M, L] or [L, M], b is [L, N] or [N, L].
  // a and b have the same dtype, and y has it, too; or a and b are bf16 and y is f32, so that the sums are not rounded.
  virtual void matmul(const ConstView& a, bool transpose_a, const ConstView& b, bool transpose_b, const View& y) = 0;

  // -- convolution: cross-correlation with zero padding, as usual in deep learning --
  //   y[n,p,q,k] = bias[k] + sum over r, s, c of x[n, p stride + r - pad, q stride + s - pad, c] w[k,r,s,c]
  //              + residual[n,p,q,k]
  // followed by max(y, 0) if `relu`. `bias` [K] and `residual` may have no data: then there is none.
  // Some devices compute faster with more channels. x of conv2d() and conv2d_grad_weight() then has
  // conv2d_channels(dtype, C) of them, zeros after the first C, for weights that have C: whoever needs x in both passes
  // pads it once, and keeps the copy between them.
  virtual Index conv2d_channels(DType, Index C) const { return C; }
  // y = x, followed by channels of zeros up to conv2d_channels(). Called only where those are more than x's.
  virtual void pad_channels(const ConstView&, const View&) {
    throw Error(ErrorKind::failure, "the ", name(), " backend computes with the channels that there are");
  }
  virtual void conv2d(const ConstView& x, const ConstView& w, const ConstView& bias, const ConstView& residual,
                      Conv2dParams params, bool relu, const View& y) = 0;
  virtual void conv2d_grad_input(const ConstView& dy, const ConstView& w, Conv2dParams params, const View& dx) = 0;
  // conv2d_grad_input() and the backward pass through x = relu(z + bias), relu_bias_grad(), in one: dz is the gradient
  // where x > 0, else 0, and db [C] its sum. This one computes first the one and then, in place, the other.
  virtual void conv2d_grad_input_relu(const ConstView& dy, const ConstView& w, Conv2dParams params, const ConstView& x,
                                      const View& dz, const View& db) {
    conv2d_grad_input(dy, w, params, dz);
    relu_bias_grad(x, dz, dz, db);
  }
  virtual void conv2d_grad_weight(const ConstView& x, const ConstView& dy, Conv2dParams params, const View& dw) = 0;

  // -- pooling: x [N, H, W, C], y [N, P, Q, C] --
  // The maximum of each window; padding is never the maximum. `position` [N, P, Q, C], of params.position_dtype(), is
  // where it stands in the window, counted row by row: the first of equal maxima, or the last NaN if there is one. It
  // may have no data where no gradient is needed.
  virtual void max_pool2d(const ConstView& x, Pool2dParams params, const View& y, const View& position) = 0;
  virtual void max_pool2d_grad(const ConstView& dy, const ConstView& position, Pool2dParams params, const View& dx) = 0;
  // The mean of each window, padding counted as zeros (PyTorch's count_include_pad=True).
  virtual void avg_pool2d(const ConstView& x, Pool2dParams params, const View& y) = 0;
  virtual void avg_pool2d_grad(const ConstView& dy, Pool2dParams params, const View& dx) = 0;
  // The mean of window p = rows floor(p H / P) ... ceil((p + 1) H / P) - 1, and columns likewise, as PyTorch's
  // adaptive_avg_pool2d does; P and Q are those of y. P = Q = 1 is global average pooling.
  virtual void adaptive_avg_pool2d(const ConstView& x, const View& y) = 0;
  virtual void adaptive_avg_pool2d_grad(const ConstView& dy, const View& dx) = 0;

  // -- normalization: statistics per channel, over all axes but the last --
  // y = scale (x - mean) inv_std + shift + residual, inv_std = 1 / sqrt(var + eps), var the biased variance of the
  // batch; followed by max(y, 0) if `relu`. `residual` may have no data: then there is none. Ioffe and Szegedy 2015
  // (arXiv:1502.03167) algorithm 1. Writes mean [C] and inv_std [C]; running statistics r become (1 - momentum) r +
  // momentum new, where the new variance is the unbiased one, as in PyTorch.
  virtual void batch_norm(const ConstView& x, const ConstView& scale, const ConstView& shift, const ConstView& residual,
                          double eps, double momentum, bool relu, const View& y, const View& mean, const View& inv_std,
                          const View& running_mean, const View& running_var) = 0;
  // The backward pass. `y` is the result if relu followed, and has no data otherwise. dz is the gradient with respect
  // to the residual, dy where y > 0 and else 0; it may have no data where it is not needed. dx may be dy.
  virtual void batch_norm_grad(const ConstView& x, const ConstView& scale, const ConstView& mean,
                               const ConstView& inv_std, const ConstView& y, const ConstView& dy, const View& dx,
                               const View& dscale, const View& dshift, const View& dz) = 0;

  // -- classification: x [N, K] --
  // y = x - log sum_k exp(x_k), row by row.
  virtual void log_softmax(const ConstView& x, const View& y) = 0;
  virtual void log_softmax_grad(const ConstView& y, const ConstView& dy, const View& dx) = 0;
  // y[n] = x[n, index[n]]; index [N] is i32 and within [0, K). For any other index a remote backend writes NaN; for a
  // backend that is not remote the caller checks the indices. The gradient is 0 elsewhere.
  virtual void gather(const ConstView& x, const ConstView& index, const View& y) = 0;
  virtual void gather_grad(const ConstView& dy, const ConstView& index, const View& dx) = 0;

  // -- dropout --
  // y = x / (1 - p) with probability 1 - p, else 0 (Srivastava et al. 2014). Element i uses word i % 4 of Philox
  // counter (i / 4, stream) under `key`, so that the backward pass can generate the same mask again. May be in place.
  virtual void dropout(const ConstView& x, double p, uint64_t key, uint64_t stream, const View& y) = 0;

  // -- images --
  // y[n] [H, W, 3] = image index[n] of bytes [M, H, W, 3] (u8), augmented as transforms[n] says and scaled to
  // x / 127.5 - 1. index [N] is i32 and within [0, M); transforms [N, sizeof(ImageTransform)] is u8 and holds N of the
  // structs of image_transform.h.
  virtual void images(const ConstView& bytes, const ConstView& index, const ConstView& transforms, const View& y) = 0;

  // -- optimizers --
  // Applies an update of updates.h to every element of the weights, in place in w and the states. They are all f32 or
  // all f64.
  virtual void optimizer_step(const Update& update, const std::vector<WeightTensors>& weights,
                              const StepControl& control = {}) = 0;
};

// The backends. Each lives as long as the program. Any thread may call these functions.
Backend& reference_backend();
Backend& cpu_backend();
// Tensors without numbers, as on PyTorch's meta device: operations check and return shapes, compute nothing and take no
// memory. Throws Error(failure) where a number is read.
Backend& meta_backend();
// Null where this build or this machine has no usable GPU; then cuda_absence() says why and what to do, and
// cuda_is_broken() whether there seems to be a GPU that cannot be used: its driver is too old, this program has no
// kernels for it, a library is missing, its memory is taken. It is false where the build has no CUDA, or the machine no
// driver or no GPU. The first call looks for a GPU. cuda_version() names the libraries of a build that has CUDA, and is
// empty otherwise.
Backend* cuda_backend();
std::string cuda_absence();
bool cuda_is_broken();
std::string cuda_version();

// What the cpu backend was built with and found, for --version: "OpenBLAS 0.3.21 (kernels for SkylakeX)".
std::string cpu_description();

}  // namespace counterpoise
