#include "kernels/reference/reference_backend.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "kernels/broadcast.h"
#include "kernels/image_transform.h"
#include "kernels/philox.h"
#include "kernels/updates.h"

namespace counterpoise {

Backend& reference_backend() {
  static ReferenceBackend backend;
  return backend;
}

void ReferenceBackend::set_mode(const ComputeMode& mode) {
  CP_ENSURE_AS(device, !mode.tf32, "tf32 is a mode of NVIDIA GPUs; ", name(), " computes in f32 only");
  CP_ENSURE_AS(device, !mode.compile, "only kernels of NVIDIA GPUs are compiled while a program runs; the ", name(),
               " backend has none");
  CP_ENSURE_AS(device, !mode.graphs, "CUDA graphs are for NVIDIA GPUs; the ", name(), " backend has none");
}

void* ReferenceBackend::allocate(size_t bytes) {
  void* memory = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
  CP_ENSURE_AS(out_of_memory, memory || bytes == 0, "out of memory: ", bytes, " bytes could not be allocated");
  return memory;
}
void ReferenceBackend::release(void* memory, size_t) noexcept { std::free(memory); }

static void move_bytes(const void* from, void* to, const ConstView& like) {
  const size_t bytes = like.size() * size_of(like.dtype);
  if (bytes) std::memcpy(to, from, bytes);
}
void ReferenceBackend::upload(const void* host, const View& y) { move_bytes(host, y.data, y); }
void ReferenceBackend::download(const ConstView& x, void* host) { move_bytes(x.data, host, x); }
void ReferenceBackend::copy(const ConstView& x, const View& y) { move_bytes(x.data, y.data, y); }

std::unique_ptr<Readback> ReferenceBackend::make_readback(size_t bytes) {
  class HostReadback final : public Readback {
   public:
    explicit HostReadback(size_t bytes) : copy_(bytes) {}
    void start(const ConstView& x) override { move_bytes(x.data, copy_.data(), x); }
    const void* wait() override { return copy_.data(); }

   private:
    std::vector<char> copy_;  // aligned for every type, as all memory of `new` is
  };
  return std::make_unique<HostReadback>(bytes);
}

// -- elementwise --

void ReferenceBackend::fill(double value, const View& y) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (Index i = 0; i < y.size(); ++i) y.as<T>()[i] = static_cast<T>(value);
  });
}

void ReferenceBackend::cast(const ConstView& x, const View& y) {
  dispatch_floating(x.dtype, [&](auto zero_x) {
    dispatch_floating(y.dtype, [&](auto zero_y) {
      using X = decltype(zero_x);
      using Y = decltype(zero_y);
      for (Index i = 0; i < y.size(); ++i) y.as<Y>()[i] = static_cast<Y>(static_cast<Compute<X>>(x.as<X>()[i]));
    });
  });
}

void ReferenceBackend::unary(Unary op, double a, double b, const ConstView& x, const View& y) {
  with_formula(op, y.dtype, [&](auto formula, auto zero) {
    using T = decltype(zero);
    using C = Compute<T>;
    for (Index i = 0; i < y.size(); ++i) y.as<T>()[i] = T(formula.f(C(x.as<T>()[i]), C(a), C(b)));
  });
}

void ReferenceBackend::unary_grad(Unary op, double a, double b, const ConstView& x, const ConstView& y,
                                  const ConstView& dy, const View& dx) {
  with_formula(op, y.dtype, [&](auto formula, auto zero) {
    using T = decltype(zero);
    using C = Compute<T>;
    for (Index i = 0; i < y.size(); ++i) {
      dx.as<T>()[i] = T(C(dy.as<T>()[i]) * formula.df(C(x.as<T>()[i]), C(y.as<T>()[i]), C(a), C(b)));
    }
  });
}

void ReferenceBackend::binary(Binary op, const ConstView& a, const ConstView& b, const View& y) {
  const BroadcastIndex in_a(a.shape, y.shape), in_b(b.shape, y.shape);
  with_formula(op, y.dtype, [&](auto formula, auto zero) {
    using T = decltype(zero);
    using C = Compute<T>;
    for (Index i = 0; i < y.size(); ++i) y.as<T>()[i] = T(formula.f(C(a.as<T>()[in_a(i)]), C(b.as<T>()[in_b(i)])));
  });
}

void ReferenceBackend::binary_grad(Binary op, bool wrt_a, const ConstView& a, const ConstView& b, const ConstView& dy,
                                   const View& d) {
  const BroadcastIndex in_a(a.shape, dy.shape), in_b(b.shape, dy.shape);
  with_formula(op, dy.dtype, [&](auto formula, auto zero) {
    using T = decltype(zero);
    for (Index i = 0; i < dy.size(); ++i) {
      const Compute<T> va = a.as<T>()[in_a(i)], vb = b.as<T>()[in_b(i)], dyi = dy.as<T>()[i];
      d.as<T>()[i] = T(dyi * (wrt_a ? formula.da(va, vb) : formula.db(va, vb)));
    }
  });
}

void ReferenceBackend::add_scaled(double alpha, const ConstView& x, const View& y) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (Index i = 0; i < y.size(); ++i) y.as<T>()[i] = T(y.as<T>()[i] + Compute<T>(alpha) * x.as<T>()[i]);
  });
}

void ReferenceBackend::relu_mask(const ConstView& y, const ConstView& dy, const View& dz) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (Index i = 0; i < y.size(); ++i) dz.as<T>()[i] = formula::Relu::masked(y.as<T>()[i], dy.as<T>()[i]);
  });
}

void ReferenceBackend::relu_bias_grad(const ConstView& y, const ConstView& dy, const View& dz, const View& db) {
  relu_mask(y, dy, dz);
  sum_to(dz, db);
}

// -- reductions --

void ReferenceBackend::sum_to(const ConstView& x, const View& y) {
  const BroadcastIndex in_y(y.shape, x.shape);
  std::vector<double> sums(y.size());
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (Index i = 0; i < x.size(); ++i) sums[in_y(i)] += x.as<T>()[i];
  });
  dispatch_floating(y.dtype, [&](auto zero) { store_sums<decltype(zero)>(sums, y); });
}

void ReferenceBackend::sum_squares(const std::vector<ConstView>& xs, const View& y) {
  double sum = 0;
  for (const ConstView& x : xs) {
    dispatch_floating(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      for (Index i = 0; i < x.size(); ++i) sum += double(x.as<T>()[i]) * x.as<T>()[i];
    });
  }
  *y.as<double>() = sum;
}

void ReferenceBackend::matmul(const ConstView& a, bool transpose_a, const ConstView& b, bool transpose_b,
                              const View& y) {
  const Index rows = y.shape[0], columns = y.shape[1], length = a.shape[transpose_a ? 0 : 1];
  std::vector<double> sums(rows * columns);
  dispatch_floating(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (Index m = 0; m < rows; ++m) {
      for (Index n = 0; n < columns; ++n) {
        double sum = 0;
        for (Index l = 0; l < length; ++l) {
          sum += double(a.as<T>()[transpose_a ? l * rows + m : m * length + l]) *
                 b.as<T>()[transpose_b ? n * length + l : l * columns + n];
        }
        sums[m * columns + n] = sum;
      }
    }
  });
  dispatch_floating(y.dtype, [&](auto zero) { store_sums<decltype(zero)>(sums, y); });
}

// -- batch normalization --

void ReferenceBackend::batch_norm(const ConstView& x, const ConstView& scale, const ConstView& shift,
                                  const ConstView& residual, double eps, double momentum, bool relu, const View& y,
                                  const View& mean, const View& inv_std, const View& running_mean,
                                  const View& running_var) {
  const Index C = scale.size(), rows = x.size() / C;
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    using P = Compute<T>;  // parameters and statistics
    for (Index c = 0; c < C; ++c) {
      double sum = 0, squares = 0;
      for (Index i = 0; i < rows; ++i) sum += x.as<T>()[i * C + c];
      const double mu = sum / rows;
      for (Index i = 0; i < rows; ++i) squares += std::pow(x.as<T>()[i * C + c] - mu, 2);
      const double var = squares / rows, inverse = 1 / std::sqrt(var + eps);
      mean.as<P>()[c] = P(mu);
      inv_std.as<P>()[c] = P(inverse);
      P& rm = running_mean.as<P>()[c];
      P& rv = running_var.as<P>()[c];
      rm = P((1 - momentum) * rm + momentum * mu);
      rv = P((1 - momentum) * rv + momentum * squares / (rows - 1));
      for (Index i = 0; i < rows; ++i) {
        double z = scale.as<P>()[c] * (x.as<T>()[i * C + c] - mu) * inverse + shift.as<P>()[c];
        if (residual.data) z += residual.as<T>()[i * C + c];
        y.as<T>()[i * C + c] = T(relu ? formula::Relu::f(z) : z);
      }
    }
  });
}

// With xh = (x - mean) inv_std:  dshift = sum dz,  dscale = sum dz xh  and
// dx = scale inv_std (dz - mean of dz - xh mean of (dz xh)).
void ReferenceBackend::batch_norm_grad(const ConstView& x, const ConstView& scale, const ConstView& mean,
                                       const ConstView& inv_std, const ConstView& y, const ConstView& dy,
                                       const View& dx, const View& dscale, const View& dshift, const View& dz) {
  const Index C = scale.size(), rows = x.size() / C;
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    using P = Compute<T>;  // parameters and statistics
    const auto masked = [&](Index i) {
      return y.data ? formula::Relu::masked(double(y.as<T>()[i]), double(dy.as<T>()[i])) : double(dy.as<T>()[i]);
    };
    for (Index i = 0; dz.data && i < x.size(); ++i) dz.as<T>()[i] = T(masked(i));
    for (Index c = 0; c < C; ++c) {
      const double mu = mean.as<P>()[c], inverse = inv_std.as<P>()[c];
      double sum = 0, dot = 0;
      for (Index i = 0; i < rows; ++i) {
        sum += masked(i * C + c);
        dot += masked(i * C + c) * (x.as<T>()[i * C + c] - mu) * inverse;
      }
      dshift.as<P>()[c] = P(sum);
      dscale.as<P>()[c] = P(dot);
      for (Index i = 0; i < rows; ++i) {
        const double xh = (x.as<T>()[i * C + c] - mu) * inverse;
        dx.as<T>()[i * C + c] = T(scale.as<P>()[c] * inverse * (masked(i * C + c) - sum / rows - xh * dot / rows));
      }
    }
  });
}

// -- classification --

void ReferenceBackend::log_softmax(const ConstView& x, const View& y) {
  const Index K = x.shape[-1], rows = x.size() / K;
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (Index n = 0; n < rows; ++n) {
      const T* z = x.as<T>() + n * K;
      double largest = z[0], sum = 0;
      for (Index k = 1; k < K; ++k) largest = z[k] > largest ? z[k] : largest;
      for (Index k = 0; k < K; ++k) sum += std::exp(z[k] - largest);
      for (Index k = 0; k < K; ++k) y.as<T>()[n * K + k] = T(z[k] - largest - std::log(sum));
    }
  });
}

// dx = dy - softmax(x) sum of dy
void ReferenceBackend::log_softmax_grad(const ConstView& y, const ConstView& dy, const View& dx) {
  const Index K = y.shape[-1], rows = y.size() / K;
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (Index n = 0; n < rows; ++n) {
      double sum = 0;
      for (Index k = 0; k < K; ++k) sum += dy.as<T>()[n * K + k];
      for (Index i = n * K; i < (n + 1) * K; ++i) {
        dx.as<T>()[i] = T(dy.as<T>()[i] - std::exp(double(y.as<T>()[i])) * sum);
      }
    }
  });
}

void ReferenceBackend::gather(const ConstView& x, const ConstView& index, const View& y) {
  const Index K = x.shape[1];
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (Index n = 0; n < y.size(); ++n) y.as<T>()[n] = x.as<T>()[n * K + index.as<int32_t>()[n]];
  });
}

void ReferenceBackend::gather_grad(const ConstView& dy, const ConstView& index, const View& dx) {
  const Index K = dx.shape[1];
  fill(0, dx);
  dispatch_floating(dx.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (Index n = 0; n < dy.size(); ++n) dx.as<T>()[n * K + index.as<int32_t>()[n]] = dy.as<T>()[n];
  });
}

// -- dropout, images and optimizer steps --

void ReferenceBackend::dropout(const ConstView& x, double p, uint64_t key, uint64_t stream, const View& y) {
  dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto scale = Compute<T>(1 / (1 - p));
    for (Index i = 0; i < x.size(); i += 4) {
      const Philox::Words words = Philox::words(key, i / 4, stream);
      for (Index j = i; j < i + 4 && j < x.size(); ++j) {
        y.as<T>()[j] = Philox::uniform(words.v[j - i]) < p ? T(0) : T(x.as<T>()[j] * scale);
      }
    }
  });
}

void ReferenceBackend::images(const ConstView& bytes, const ConstView& index, const ConstView& transforms,
                              const View& y) {
  const int H = static_cast<int>(y.shape[1]), W = static_cast<int>(y.shape[2]);
  const int height = static_cast<int>(bytes.shape[1]), width = static_cast<int>(bytes.shape[2]);
  // Calls fn(row, column, pixel) for all pixels of result n, before the changes of color.
  const auto each_pixel = [&](Index n, const auto& fn) {
    const SourceImage image{bytes.as<uint8_t>() + index.as<int32_t>()[n] * Index(height) * width * 3, height, width};
    for (int row = 0; row < H; ++row) {
      for (int column = 0; column < W; ++column) {
        float pixel[3];
        sample_pixel(image, transforms.as<ImageTransform>()[n], W, row, column, pixel);
        fn(row, column, pixel);
      }
    }
  };
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* out = y.as<T>();
    for (Index n = 0; n < y.shape[0]; ++n) {
      const ImageTransform& transform = transforms.as<ImageTransform>()[n];
      double sum = 0;
      if (transform.contrast() >= 0)
        each_pixel(n, [&](int, int, float* rgb) { sum += gray_before_contrast(transform, rgb); });
      const float mean = static_cast<float>(sum / (double(H) * W));
      each_pixel(n, [&](int row, int column, float* rgb) {
        finish_pixel(transform, mean, row, column, rgb);
        for (int c = 0; c < 3; ++c) *out++ = T(scale_pixel(rgb[c]));
      });
    }
  });
}

void ReferenceBackend::optimizer_step(const Update& update, const std::vector<WeightTensors>& weights,
                                      const StepControl& control) {
  if (control.guard.data && !all_finite(control.guard.as<double>(), control.guard.size())) return;
  const double factor = control.max_norm > 0 ? clip_factor(*control.squares.as<double>(), control.max_norm) : 1;
  for (const WeightTensors& p : weights) {
    dispatch(p.w.dtype, [&](auto zero) {
      using T = decltype(zero);
      with_formula(update, [&](const auto& formula) {
        std::vector<T*> states;
        for (const View& state : p.states) states.push_back(state.as<T>());
        for (Index i = 0; i < p.w.size(); ++i) {
          const T g = p.dw.as<T>()[i];
          const T w = update_weight(formula, p.w.as<T>(), factor == 1 ? g : g * T(factor), states.data(), i);
          if (p.rounded.data) p.rounded.as<bf16>()[i] = bf16(static_cast<float>(w));
        }
      });
    });
  }
}

}  // namespace counterpoise
