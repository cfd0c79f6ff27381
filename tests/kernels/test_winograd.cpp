// Winograd's algorithm: its algebra, its passes compared with the definition of a convolution, the products on panels.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>

#include "core/random.h"
#include "kernels/cpu/panels.h"
#include "kernels/cpu/winograd.h"
#include "kernels/cpu/winograd_transforms.h"
#include "tests/backends.h"
#include "tests/support.h"

using namespace counterpoise;
using namespace counterpoise::detail;

// -- algebra --

namespace {

using V = Vec<double>;

// The matrix of a transform: its columns are the images of the unit vectors.
template <int In, int Out>
std::vector<std::vector<double>> matrix(void (*f)(const V (&)[In], V (&)[Out])) {
  std::vector<std::vector<double>> rows(Out, std::vector<double>(In));
  for (int j = 0; j < In; ++j) {
    V x[In] = {}, y[Out];
    x[j] = V{} + 1.0;
    f(x, y);
    for (int i = 0; i < Out; ++i) rows[i][j] = y[i][0];
  }
  return rows;
}

template <int m>
void check_algebra() {
  using Algebra = Winograd<m>;
  const auto Bt = matrix<m + 2, m + 2>(Algebra::template input<V>);
  const auto G = matrix<3, m + 2>(Algebra::template kernel<V>), Gt = matrix<m + 2, 3>(Algebra::template kernel_grad<V>);
  const auto At = matrix<m + 2, m>(Algebra::template output<V>), A = matrix<m, m + 2>(Algebra::template output_grad<V>);
  // y_j = sum over points i of A^T[j][i] (sum over t of G[i][t] g_t) (sum over k of B^T[i][k] d_k) must be the sum
  // over t of g_t d_(j+t).
  for (int j = 0; j < m; ++j) {
    for (int t = 0; t < 3; ++t) {
      for (int k = 0; k < m + 2; ++k) {
        double sum = 0;
        for (int i = 0; i < m + 2; ++i) sum += At[j][i] * G[i][t] * Bt[i][k];
        INFO("j ", j, ", t ", t, ", k ", k);
        CHECK(sum == doctest::Approx(k == j + t ? 1 : 0).epsilon(1e-15));
      }
    }
  }
  for (int i = 0; i < m + 2; ++i) {
    for (int j = 0; j < m; ++j) CHECK(A[i][j] == At[j][i]);
    for (int t = 0; t < 3; ++t) CHECK(Gt[t][i] == doctest::Approx(G[i][t]).epsilon(1e-15));
  }
}

}  // namespace

TEST_CASE("winograd: the matrices compute three-tap filters, and the gradients' are their transposes") {
  check_algebra<2>();
  check_algebra<4>();
}

// -- products on panels --

namespace {

template <class T>
struct Matrix {
  Index rows;
  std::vector<T> data;
  Matrix(Index rows, Index panels, Random& rng) : rows(rows), data(panels * rows * lanes<T>) {
    for (T& x : data) x = static_cast<T>(rng.uniform(-1, 1));
  }
  Panels<T> panels() { return {data.data(), rows * lanes<T>}; }
  double at(Index row, Index column) { return panels().at(column / lanes<T>, row)[column % lanes<T>]; }
};

template <class T>
void check_products() {
  Random rng(1, Stream::test);
  for (const Index rows : {1, 3, 13, 14, 15, 31}) {
    for (const Index length : {1, 5, 16, 17, 40}) {
      for (const Index count : {1, 2, 3}) {
        Matrix<T> a(rows, panel_count<T>(length), rng), at(length, panel_count<T>(rows), rng), b(length, count, rng);
        Matrix<T> product(rows, count, rng), transposed(rows, count, rng), sum(rows, count, rng), before = sum;
        multiply<T>(rows, length, count, a.panels(), b.panels(), product.panels());
        multiply_transposed<T>(rows, length, count, at.panels(), b.panels(), false, transposed.panels());
        multiply_transposed<T>(rows, length, count, at.panels(), b.panels(), true, sum.panels());
        double worst = 0;
        for (Index i = 0; i < rows; ++i) {
          for (Index j = 0; j < count * lanes<T>; ++j) {
            double ab = 0, atb = 0;
            for (Index l = 0; l < length; ++l) ab += a.at(i, l) * b.at(l, j), atb += at.at(l, i) * b.at(l, j);
            worst = std::max({worst, std::fabs(product.at(i, j) - ab), std::fabs(transposed.at(i, j) - atb),
                              std::fabs(sum.at(i, j) - before.at(i, j) - atb)});
          }
        }
        INFO("rows ", rows, ", length ", length, ", count ", count);
        CHECK(worst < 40 * std::numeric_limits<T>::epsilon());
      }
    }
  }
}

}  // namespace

TEST_CASE("winograd: products on panels, every number of rows, in f32 and f64") {
  check_products<float>();
  check_products<double>();
}

TEST_CASE("winograd: a block of vectors is transposed") {
  constexpr int n = lanes<float>;
  Vec<float> rows[n];
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) rows[i][j] = static_cast<float>(100 * i + j);
  }
  transpose<float>(rows);
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) CHECK(rows[i][j] == 100 * j + i);
  }
}

// -- the passes --

namespace {

// A convolution of numbers of unit scale, its result by Winograd's algorithm, and its elements by definition.
template <class T>
struct Example {
  ConvGeometry g;
  std::vector<T> x, w, bias, dy, y, dx, dw;

  explicit Example(const ConvGeometry& geometry) : g(geometry) {
    Random rng(1, Stream::test);
    const auto draw = [&](Index size) {
      std::vector<T> values(size);
      for (T& v : values) v = static_cast<T>(rng.uniform(-1.7320508f, 1.7320508f));
      return values;
    };
    x = draw(g.N * g.H * g.W * g.C), w = draw(g.K * 9 * g.C), bias = draw(g.K), dy = draw(g.N * g.P * g.Q * g.K);
  }

  void compute(int tile) {
    const T nan = std::numeric_limits<T>::quiet_NaN();
    y.assign(dy.size(), nan), dx.assign(x.size(), nan), dw.assign(w.size(), nan);
    const ConvGeometry back({g.N, g.P, g.Q, g.K}, {g.C, 3, 3, g.K}, {1, 2 - g.pad});
    const T* no_bias = nullptr;
    winograd_conv(guarded_cpu(), tile, g, x.data(), w.data(), false, bias.data(), false, y.data());
    winograd_conv(guarded_cpu(), tile, back, dy.data(), w.data(), true, no_bias, false, dx.data());
    winograd_grad_weight(guarded_cpu(), tile, g, x.data(), dy.data(), dw.data());
  }

  double exact_y(Index i) const {
    const Index k = i % g.K, q = i / g.K % g.Q, p = i / g.K / g.Q % g.P, n = i / g.K / g.Q / g.P;
    double sum = bias[k];
    for (Index r = 0; r < 3; ++r) {
      for (Index s = 0; s < 3; ++s) {
        const Index h = p + r - g.pad, v = q + s - g.pad;
        if (h < 0 || h >= g.H || v < 0 || v >= g.W) continue;
        for (Index c = 0; c < g.C; ++c) sum += double(x[((n * g.H + h) * g.W + v) * g.C + c]) * at_w(k, r, s, c);
      }
    }
    return sum;
  }
  double exact_dx(Index i) const {
    const Index c = i % g.C, v = i / g.C % g.W, h = i / g.C / g.W % g.H, n = i / g.C / g.W / g.H;
    double sum = 0;
    for (Index r = 0; r < 3; ++r) {
      for (Index s = 0; s < 3; ++s) {
        const Index p = h - r + g.pad, q = v - s + g.pad;
        if (p < 0 || p >= g.P || q < 0 || q >= g.Q) continue;
        for (Index k = 0; k < g.K; ++k) sum += double(dy[((n * g.P + p) * g.Q + q) * g.K + k]) * at_w(k, r, s, c);
      }
    }
    return sum;
  }
  double exact_dw(Index i) const {
    const Index c = i % g.C, s = i / g.C % 3, r = i / g.C / 3 % 3, k = i / g.C / 9;
    double sum = 0;
    for (Index n = 0; n < g.N; ++n) {
      for (Index p = std::max<Index>(0, g.pad - r); p < std::min(g.P, g.H + g.pad - r); ++p) {
        for (Index q = std::max<Index>(0, g.pad - s); q < std::min(g.Q, g.W + g.pad - s); ++q) {
          sum += double(dy[((n * g.P + p) * g.Q + q) * g.K + k]) *
                 x[((n * g.H + p + r - g.pad) * g.W + q + s - g.pad) * g.C + c];
        }
      }
    }
    return sum;
  }

 private:
  double at_w(Index k, Index r, Index s, Index c) const { return w[((k * 3 + r) * 3 + s) * g.C + c]; }
};

// |got - exact| / |exact| in the Euclidean norm, over `samples` elements drawn at random, or all if there are no more.
// An element that happens to be smaller than the unit of the data counts as 1.
template <class T, class Exact>
double relative_error(const std::vector<T>& got, const Exact& exact, Index samples) {
  Random rng(2, Stream::test);
  double error = 0, norm = 0;
  const Index size = static_cast<Index>(got.size());
  for (Index sample = 0; sample < std::min(samples, size); ++sample) {
    const Index i = samples < size ? static_cast<Index>(rng.below(size)) : sample;
    const double want = exact(i);
    error += (got[i] - want) * (got[i] - want), norm += std::max(1.0, want * want);
  }
  return std::sqrt(error / norm);
}

template <class T>
void check_passes(const ConvGeometry& g, int tile, double tolerance, double weight_tolerance, Index samples) {
  Example<T> e(g);
  e.compute(tile);
  INFO("x ", Shape{g.N, g.H, g.W, g.C}, ", K=", g.K, ", padding ", g.pad, ", tile ", tile);
  CHECK(relative_error(
            e.y, [&](Index i) { return e.exact_y(i); }, samples) < tolerance);
  CHECK(relative_error(
            e.dx, [&](Index i) { return e.exact_dx(i); }, samples) < tolerance);
  CHECK(relative_error(
            e.dw, [&](Index i) { return e.exact_dw(i); }, samples / 8) < weight_tolerance);
}

ConvGeometry square(Index N, Index size, Index C, Index K) {
  return ConvGeometry({N, size, size, C}, {K, 3, 3, C}, {1, 1});
}

}  // namespace

TEST_CASE("winograd: each pass at every shape of VGG16, f32 against f64" * slow()) {
  for (const Index size : {160, 224}) {
    CHECK(winograd_tile(square(16, size, 64, 64)) == 4);
    for (const ConvGeometry& g :
         {square(1, size, 3, 64), square(1, size, 64, 64), square(1, size / 2, 64, 128), square(1, size / 2, 128, 128),
          square(1, size / 4, 128, 256), square(1, size / 4, 256, 256), square(1, size / 8, 256, 512),
          square(1, size / 8, 512, 512), square(2, size / 16, 512, 512)}) {
      for (const int tile : {2, 4}) check_passes<float>(g, tile, 1e-5, 3e-5, 100);
    }
  }
}

TEST_CASE("winograd: odd sizes, one pixel, one channel, every padding, any number of threads") {
  for (const int threads : {1, 3}) {
    const Threads scope(threads);
    for (const Index pad : {0, 1, 2}) {
      for (const auto& [H, W] : {std::pair<Index, Index>{1, 1}, {2, 3}, {5, 7}, {9, 4}, {13, 10}}) {
        if (std::min(H, W) + 2 * pad < 3) continue;
        for (const auto& [N, C, K] :
             {std::array<Index, 3>{1, 1, 1}, {3, 3, 17}, {1, 17, 40}, {2, 33, 5}, {1, 16, 130}}) {
          const ConvGeometry g({N, H, W, C}, {K, 3, 3, C}, {1, pad});
          for (const int tile : {2, 4}) {
            check_passes<float>(g, tile, 1e-5, 3e-5, 2000);
            check_passes<double>(g, tile, 1e-13, 1e-13, 2000);
          }
        }
      }
    }
  }
  CHECK(guarded_cpu().damaged == 0);
}

TEST_CASE("winograd: the same bits again, and forward and input gradient also for any number of threads") {
  // Few tiles and many channels, many tiles and few channels.
  for (const ConvGeometry& g : {square(1, 9, 70, 200), square(2, 40, 20, 40)}) {
    Example<float> first(g), again(g), more(g);
    {
      const Threads scope(2);
      first.compute(4), again.compute(4);
    }
    {
      const Threads scope(16);  // more than there are pairs of panels, blocks of tiles or rows of some images
      more.compute(4);
    }
    CHECK(first.y == again.y);
    CHECK(first.dx == again.dx);
    CHECK(first.dw == again.dw);
    CHECK(first.y == more.y);
    CHECK(first.dx == more.dx);
    CHECK(relative_error(
              more.dw, [&](Index i) { return first.exact_dw(i); }, 2000) < 3e-5);
  }
}

TEST_CASE("winograd: an output larger than the caches, which goes around them") {
  Example<float> e(square(1, 190, 8, 64));
  Backend& backend = guarded_cpu();
  Tensor y = Tensor::empty(backend, {1, 190, 190, 64});
  REQUIRE(beyond_caches(y.size() * Index(sizeof(float))));
  REQUIRE(reinterpret_cast<uintptr_t>(View(y).data) % vector_bytes == 0);  // or nothing goes around them
  winograd_conv(backend, 4, e.g, e.x.data(), e.w.data(), false, e.bias.data(), false, View(y).as<float>());
  CHECK(relative_error(
            y.to_vector<float>(), [&](Index i) { return e.exact_y(i); }, 20000) < 1e-5);
}

TEST_CASE("winograd: a NaN in the image is one in every output that it belongs to, also behind relu") {
  Example<float> e(square(16, 12, 16, 16));
  REQUIRE(winograd_tile(e.g) == 4);
  e.x[(5 * 12 + 7) * 16 + 3] = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> y(e.dy.size());
  winograd_conv(guarded_cpu(), 4, e.g, e.x.data(), e.w.data(), false, e.bias.data(), true, y.data());
  for (Index p = 4; p <= 6; ++p) {
    for (Index q = 6; q <= 8; ++q) {
      for (Index k = 0; k < 16; ++k) CHECK(std::isnan(y[(p * 12 + q) * 16 + k]));
    }
  }
}
