// The transforms of Winograd's minimal filtering, F(m, 3): m outputs of a filter of three taps with m + 2 products
// instead of 3 m (Lavin and Gray 2016, arXiv:1509.09308, section 4).
//
// Derivation. Two polynomials, g of 3 coefficients and h of m, have a product s of m + 2 coefficients.
// Multiply by values instead: evaluate both at m + 2 points, multiply point by point, and interpolate,
//
//   s = B [(G g) . (A h)]          G and A evaluate: their row for the point a is 1, a, a^2, ...;  B interpolates.
//
// The value "at infinity" is the leading coefficient. For a fixed g this is a matrix that takes h to s, and its entries
// are g's, shifted: s_k = sum over j of g_(k-j) h_j. Transposed, it takes d of m + 2 numbers to y of m numbers, and
// transposing the right-hand side reverses the order of its three factors:
//
//   y_j = sum over k of g_(k-j) d_k = sum over t of g_t d_(j+t)     is     y = A^T [(G g) . (B^T d)].
//
// That is the filter of deep learning. The divisors of the interpolation have been moved from B to G, whose work is
// done once for all images. In two directions each matrix is applied to the columns and then to the rows:
//
//   Y = A^T [(G g G^T) . (B^T d B)] A,      m x m outputs with (m + 2)^2 products instead of 9 m^2:
//                                           F(2,3) 16 for 36, F(4,3) 36 for 144.
//
// Y is linear in g, so that the gradient of the weights uses the same matrices, transposed:
//
//   dg = G^T [(A dY A^T) . (B^T d B)] G.
//
// Larger m save more products, but their matrices hold larger powers of the points and lose digits: summed in f32 over
// 256 channels, the error of F(4,3) is 3.6 times that of the direct sum with the usual points and 1.7 times with those
// below, that of F(6,3) seven times.
#pragma once

#include <type_traits>
#include <utility>

namespace counterpoise::detail {

template <int m>
struct Winograd;

// p / q in the precision of the vector V's lanes.
template <class V>
constexpr auto ratio(int p, int q) {
  using T = std::decay_t<decltype(std::declval<V>()[0])>;
  return T(p) / T(q);
}

// Points 0, 1, -1, infinity.
//
//         [ 1  0 -1  0 ]        [  1    0    0  ]
//   B^T = [ 0  1  1  0 ]   G =  [ 1/2  1/2  1/2 ]   A^T = [ 1  1  1  0 ]
//         [ 0 -1  1  0 ]        [ 1/2 -1/2  1/2 ]         [ 0  1 -1  1 ]
//         [ 0 -1  0  1 ]        [  0    0    1  ]
template <>
struct Winograd<2> {
  template <class V>
  static void input(const V (&d)[4], V (&v)[4]) {  // B^T d
    v[0] = d[0] - d[2];
    v[1] = d[2] + d[1];
    v[2] = d[2] - d[1];
    v[3] = d[3] - d[1];
  }
  template <class V>
  static void kernel(const V (&g)[3], V (&u)[4]) {  // G g
    const V even = ratio<V>(1, 2) * (g[0] + g[2]), odd = ratio<V>(1, 2) * g[1];
    u[0] = g[0];
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = g[2];
  }
  template <class V>
  static void output(const V (&m)[4], V (&y)[2]) {  // A^T m
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] + m[3];
  }
  template <class V>
  static void output_grad(const V (&dy)[2], V (&dm)[4]) {  // A dy
    dm[0] = dy[0];
    dm[1] = dy[0] + dy[1];
    dm[2] = dy[0] - dy[1];
    dm[3] = dy[1];
  }
  template <class V>
  static void kernel_grad(const V (&du)[4], V (&dg)[3]) {  // G^T du
    const V sum = ratio<V>(1, 2) * (du[1] + du[2]);
    dg[0] = du[0] + sum;
    dg[1] = ratio<V>(1, 2) * (du[1] - du[2]);
    dg[2] = du[3] + sum;
  }
};

// Points 0, a, -a, b, -b, infinity. The rows of a pair of points share their even and their odd powers. With
// h_a = 1 / (2 a^2 (a^2 - b^2)) and h_b = 1 / (2 b^2 (b^2 - a^2)):
//
//         [ a^2 b^2    0    -a^2-b^2     0      1   0 ]       [ 1/(a^2 b^2)    0        0    ]
//         [    0    -a b^2    -b^2       a      1   0 ]       [    h_a       a h_a   a^2 h_a ]
//   B^T = [    0     a b^2    -b^2      -a      1   0 ]   G = [    h_a      -a h_a   a^2 h_a ]
//         [    0    -b a^2    -a^2       b      1   0 ]       [    h_b       b h_b   b^2 h_b ]
//         [    0     b a^2    -a^2      -b      1   0 ]       [    h_b      -b h_b   b^2 h_b ]
//         [    0    a^2 b^2     0    -a^2-b^2   0   1 ]       [     0          0        1    ]
//
//         [ 1   1    1    1    1   0 ]
//   A^T = [ 0   a   -a    b   -b   0 ]
//         [ 0  a^2  a^2  b^2  b^2  0 ]
//         [ 0  a^3 -a^3  b^3 -b^3  1 ]
//
// Lavin and Gray have a = 1 and b = 2. With a = 3/4 and b = 3/2 the powers in A^T and G lie on both sides of 1, and the
// error is half of theirs.
template <>
struct Winograd<4> {
  template <class V>
  static void input(const V (&d)[6], V (&v)[6]) {  // B^T d
    constexpr auto a = ratio<V>(3, 4), b = ratio<V>(3, 2), aa = a * a, bb = b * b;
    const V even_a = d[4] - bb * d[2], odd_a = d[3] - bb * d[1];
    const V even_b = d[4] - aa * d[2], odd_b = d[3] - aa * d[1];
    v[0] = aa * bb * d[0] - (aa + bb) * d[2] + d[4];
    v[1] = even_a + a * odd_a;
    v[2] = even_a - a * odd_a;
    v[3] = even_b + b * odd_b;
    v[4] = even_b - b * odd_b;
    v[5] = aa * bb * d[1] - (aa + bb) * d[3] + d[5];
  }
  template <class V>
  static void kernel(const V (&g)[3], V (&u)[6]) {  // G g
    constexpr auto a = ratio<V>(3, 4), b = ratio<V>(3, 2), aa = a * a, bb = b * b;
    constexpr auto ha = 1 / (2 * aa * (aa - bb)), hb = 1 / (2 * bb * (bb - aa));
    const V even_a = ha * g[0] + aa * ha * g[2], even_b = hb * g[0] + bb * hb * g[2];
    u[0] = 1 / (aa * bb) * g[0];
    u[1] = even_a + a * ha * g[1];
    u[2] = even_a - a * ha * g[1];
    u[3] = even_b + b * hb * g[1];
    u[4] = even_b - b * hb * g[1];
    u[5] = g[2];
  }
  template <class V>
  static void output(const V (&m)[6], V (&y)[4]) {  // A^T m
    constexpr auto a = ratio<V>(3, 4), b = ratio<V>(3, 2), aa = a * a, bb = b * b;
    const V sum_a = m[1] + m[2], difference_a = m[1] - m[2];
    const V sum_b = m[3] + m[4], difference_b = m[3] - m[4];
    y[0] = m[0] + sum_a + sum_b;
    y[1] = a * difference_a + b * difference_b;
    y[2] = aa * sum_a + bb * sum_b;
    y[3] = a * aa * difference_a + b * bb * difference_b + m[5];
  }
  template <class V>
  static void output_grad(const V (&dy)[4], V (&dm)[6]) {  // A dy
    constexpr auto a = ratio<V>(3, 4), b = ratio<V>(3, 2), aa = a * a, bb = b * b;
    const V even_a = dy[0] + aa * dy[2], odd_a = dy[1] + aa * dy[3];
    const V even_b = dy[0] + bb * dy[2], odd_b = dy[1] + bb * dy[3];
    dm[0] = dy[0];
    dm[1] = even_a + a * odd_a;
    dm[2] = even_a - a * odd_a;
    dm[3] = even_b + b * odd_b;
    dm[4] = even_b - b * odd_b;
    dm[5] = dy[3];
  }
  template <class V>
  static void kernel_grad(const V (&du)[6], V (&dg)[3]) {  // G^T du
    constexpr auto a = ratio<V>(3, 4), b = ratio<V>(3, 2), aa = a * a, bb = b * b;
    constexpr auto ha = 1 / (2 * aa * (aa - bb)), hb = 1 / (2 * bb * (bb - aa));
    const V sum_a = ha * (du[1] + du[2]), difference_a = ha * (du[1] - du[2]);
    const V sum_b = hb * (du[3] + du[4]), difference_b = hb * (du[3] - du[4]);
    dg[0] = 1 / (aa * bb) * du[0] + sum_a + sum_b;
    dg[1] = a * difference_a + b * difference_b;
    dg[2] = aa * sum_a + bb * sum_b + du[5];
  }
};

// F X F^T for a transform f: x -> F x. X [In, In] is read by load(i, j), the result is given to store(i, j, value).
template <int In, class V, int Out, class Load, class Store>
inline void transform(void (*f)(const V (&)[In], V (&)[Out]), const Load& load, const Store& store) {
  V half[Out][In];  // F X
  for (int j = 0; j < In; ++j) {
    V column[In], result[Out];
    for (int i = 0; i < In; ++i) column[i] = load(i, j);
    f(column, result);
    for (int i = 0; i < Out; ++i) half[i][j] = result[i];
  }
  for (int i = 0; i < Out; ++i) {
    V result[Out];
    f(half[i], result);
    for (int j = 0; j < Out; ++j) store(i, j, result[j]);
  }
}

}  // namespace counterpoise::detail
