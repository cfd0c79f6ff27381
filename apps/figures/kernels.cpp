// The figures of kernels/README.md.
#include <array>
#include <cmath>

#include "apps/figures/cells.h"
#include "apps/figures/figures.h"
#include "apps/trainer/program.h"
#include "core/ops.h"
#include "kernels/cpu/simd.h"
#include "kernels/cpu/winograd_transforms.h"

namespace counterpoise {

using namespace drawing;

namespace {

using detail::Winograd;
using V = detail::Vec<double>;  // the transforms compute with vectors, of which the figures use the first lane
using Matrix = std::vector<double>;

const Style bold{14, "start", ink, " font-weight=\"600\""}, note{12.5, "start", pale_ink};

// F X F^T for a square X of In rows; the result has Out.
template <size_t In, size_t Out>
Matrix transformed(void (*f)(const V (&)[In], V (&)[Out]), const Matrix& x) {
  Matrix y(Out * Out);
  detail::transform<static_cast<int>(In)>(
      f, [&](int i, int j) { return V{} + x[static_cast<size_t>(i) * In + static_cast<size_t>(j)]; },
      [&](int i, int j, V value) { y[static_cast<size_t>(i) * Out + static_cast<size_t>(j)] = value[0]; });
  return y;
}

Matrix times(const Matrix& a, const Matrix& b) {
  Matrix y;
  for (size_t i = 0; i < a.size(); ++i) y.push_back(a[i] * b[i]);
  return y;
}

void check_equal(const Matrix& a, const Matrix& b) {
  CP_ENSURE(a.size() == b.size(), "figures: ", a.size(), " numbers instead of ", b.size());
  for (size_t i = 0; i < a.size(); ++i)
    CP_ENSURE(std::fabs(a[i] - b[i]) < 1e-9, "figures: an algorithm gives ", a[i], " instead of ", b[i]);
}

Tensor tensor(const Shape& shape, const Matrix& values) { return Tensor::from(cpu_backend(), shape, values); }

// A convolution of one channel with two kernels as a matrix product.
std::string im2col() {
  constexpr size_t side = 4, kernel = 3, out = 2, outputs = 2;
  Matrix pixels, col;
  for (size_t i = 1; i <= side * side; ++i) pixels.push_back(static_cast<double>(i));
  for (size_t p = 0; p < out; ++p) {
    for (size_t q = 0; q < out; ++q) {
      for (size_t r = 0; r < kernel; ++r) {
        for (size_t s = 0; s < kernel; ++s) col.push_back(pixels[(p + r) * side + q + s]);
      }
    }
  }
  const Matrix weights = {-1, 0, 1, -1, 0, 1, -1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1};
  const Tensor w = tensor({2, 9}, weights);
  const Matrix y = numbers(matmul(tensor({4, 9}, col), w, false, true).value());
  check_equal(y, numbers(conv2d(tensor({1, 4, 4, 1}, pixels), w.reshape({2, 3, 3, 1}), {}, {}).value()));

  const char* windows[] = {orange, blue, green, purple};
  const char* pale[] = {pale_orange, pale_blue, pale_green, pale_purple};
  const auto of_row = [&](size_t row, size_t) -> std::string { return pale[row]; };
  const Cells x{24, 150, 32, 32, side, side, texts(pixels, side)};
  const Cells rows{208, 158, 30, 28, out * out, kernel * kernel, texts(col, kernel * kernel), of_row};
  const Cells columns{518, 102, 32, 24, kernel * kernel, outputs, [&](size_t row, size_t k) {
                        return tick_text(weights[k * kernel * kernel + row]);
                      }};
  const Cells result{628, 158, 38, 28, out * out, outputs, texts(y, outputs), of_row};
  std::string body = words(24, 126, "image", bold) + words(24, 144, "4 × 4", note);
  body += words(208, 126, "col", bold) + words(208, 144, "a row for each output pixel: its 9 inputs", note);
  body += words(518, 78, "wᵀ", bold) + words(518, 96, "a column for each of 2 kernels", note);
  body += words(628, 126, "y", bold) + words(628, 144, "4 pixels, 2 channels", note);
  body += draw(x) + draw(rows) + draw(columns) + draw(result);
  // A little smaller each time, so that no frame covers another.
  for (const size_t window : {0, 3}) {
    Box box = x.part(window / out, window % out, kernel, kernel);
    body += frame({box.x + 1, box.y + 1, box.width - 2, box.height - 2}, windows[window]);
  }
  for (const size_t window : {0, 3}) body += frame(rows.part(window, 0, 1, 9), windows[window], 2);
  for (const size_t window : {0, 3}) body += frame(result.part(window, 0, 1, 2), windows[window], 2);
  body += arrow(160, 214, 200, 214);
  body += words(498, 220, "×", {20, "middle", pale_ink}) + words(605, 220, "=", {20, "middle", pale_ink});
  return image(790, 336, "im2col: a convolution becomes a product of two matrices", body);
}

// One tile of F(2x2, 3x3).
std::string winograd() {
  const Matrix d = {1, 2, 0, 3, 4, 1, 2, 2, 0, 3, 1, 5, 2, 1, 4, 0}, g = {1, 2, 3, 0, 1, 2, 2, 0, 1};
  const Matrix v = transformed<4, 4>(Winograd<2>::input<V>, d), u = transformed<3, 4>(Winograd<2>::kernel<V>, g);
  const Matrix m = times(u, v), y = transformed<4, 2>(Winograd<2>::output<V>, m);
  check_equal(y, numbers(conv2d(tensor({1, 4, 4, 1}, d), tensor({1, 3, 3, 1}, g), {}, {}).value()));

  const auto shaded = [](const char* color) { return [color](size_t, size_t) -> std::string { return color; }; };
  const Cells of_d{24, 106, 30, 30, 4, 4, texts(d, 4), shaded(pale_blue)};
  const Cells of_g{39, 318, 30, 30, 3, 3, texts(g, 3), shaded(pale_orange)};
  const Cells of_v{250, 106, 46, 30, 4, 4, texts(v, 4), shaded(pale_blue)};
  const Cells of_u{250, 303, 46, 30, 4, 4, texts(u, 4), shaded(pale_orange)};
  const Cells of_m{528, 204, 52, 30, 4, 4, texts(m, 4), shaded(pale_purple)};
  const Cells of_y{862, 234, 40, 30, 2, 2, texts(y, 2), shaded(pale_green)};
  std::string body;
  body += words(24, 78, "d", bold) + words(24, 97, "a tile of the image", note);
  body += words(24, 288, "g", bold) + words(24, 307, "the kernel", note);
  body += words(250, 78, "V = Bᵀ d B", bold) + words(250, 97, "the tile, transformed", note);
  body += words(250, 275, "U = G g Gᵀ", bold) + words(250, 294, "the kernel, transformed", note);
  body += words(528, 176, "M = U ⊙ V", bold) + words(528, 195, "number by number: 16 products", note);
  body += words(862, 206, "Y = Aᵀ M A", bold) + words(862, 225, "2 × 2 outputs", note);
  for (const Cells* cells : {&of_d, &of_g, &of_v, &of_u, &of_m, &of_y}) body += draw(*cells);
  body += arrow(160, 166, 238, 166) + arrow(146, 363, 238, 363);
  body += words(199, 158, "add, subtract", {12, "middle", pale_ink});
  body += words(192, 339, "add, subtract,", {12, "middle", pale_ink});
  body += words(192, 355, "halve", {12, "middle", pale_ink});
  body += arrow(446, 180, 518, 238) + arrow(446, 350, 518, 292);
  body += arrow(748, 264, 850, 264) + words(799, 256, "add, subtract", {12, "middle", pale_ink});
  constexpr size_t row = 1, column = 1;  // the place that is shown
  for (const Cells* cells : {&of_v, &of_u, &of_m}) body += frame(cells->part(row, column, 1, 1), ink);
  const size_t at = row * 4 + column;
  body += words(528, 352, text("framed: ", tick_text(v[at]), " · ", tick_text(u[at]), " = ", tick_text(m[at])), note);
  return image(974, 440, "Winograd F(2×2, 3×3): 16 products instead of 36", body);
}

// The tiles of an image with several channels, and the products of one place of all of them.
std::string winograd_places() {
  constexpr size_t side = 6, tiles = 4, channels = 3, outputs = 2, places = 16;
  Matrix x, w, y(tiles * 4 * outputs);
  for (size_t i = 0; i < side * side * channels; ++i) x.push_back(static_cast<double>((i * i * i + 2 * i) % 11 % 6));
  for (size_t i = 0; i < outputs * 9 * channels; ++i) w.push_back(static_cast<double>(i * 5 % 4) - 1);
  std::array<Matrix, places> v, u, m;  // of each place: [tiles, C], [C, K], [tiles, K]
  for (size_t tile = 0; tile < tiles; ++tile) {
    for (size_t c = 0; c < channels; ++c) {
      Matrix d;
      for (size_t i = 0; i < 16; ++i)
        d.push_back(x[((tile / 2 * 2 + i / 4) * side + tile % 2 * 2 + i % 4) * channels + c]);
      const Matrix all = transformed<4, 4>(Winograd<2>::input<V>, d);
      for (size_t place = 0; place < places; ++place) v[place].push_back(all[place]);
    }
  }
  for (size_t c = 0; c < channels; ++c) {
    for (size_t k = 0; k < outputs; ++k) {
      Matrix g;
      for (size_t tap = 0; tap < 9; ++tap) g.push_back(w[(k * 9 + tap) * channels + c]);
      const Matrix all = transformed<3, 4>(Winograd<2>::kernel<V>, g);
      for (size_t place = 0; place < places; ++place) u[place].push_back(all[place]);
    }
  }
  for (size_t place = 0; place < places; ++place)
    m[place] = numbers(matmul(tensor({4, 3}, v[place]), tensor({3, 2}, u[place])).value());
  for (size_t tile = 0; tile < tiles; ++tile) {
    for (size_t k = 0; k < outputs; ++k) {
      Matrix products;
      for (size_t place = 0; place < places; ++place) products.push_back(m[place][tile * outputs + k]);
      const Matrix four = transformed<4, 2>(Winograd<2>::output<V>, products);
      for (size_t i = 0; i < 4; ++i) y[((tile / 2 * 2 + i / 2) * 4 + tile % 2 * 2 + i % 2) * outputs + k] = four[i];
    }
  }
  check_equal(y, numbers(conv2d(tensor({1, 6, 6, 3}, x), tensor({2, 3, 3, 3}, w), {}, {}).value()));

  const char* strong[] = {orange, blue, green, purple};
  const char* pale[] = {pale_orange, pale_blue, pale_green, pale_purple};
  const auto of_tile = [&](size_t row, size_t) -> std::string { return pale[row]; };
  std::string body;
  const Cells pixels{30, 112, 28, 28, side, side, {}, [&](size_t i, size_t j) -> std::string {
                       return i >= 1 && i < 5 && j >= 1 && j < 5 ? pale[(i - 1) / 2 * 2 + (j - 1) / 2] : "";
                     }};
  body += words(30, 78, "4 tiles of 4 × 4 pixels", bold) + words(30, 97, "each for 2 × 2 outputs (colored)", note);
  body += draw(pixels);
  for (size_t tile = 0; tile < tiles; ++tile) {
    const Box box = pixels.part(tile / 2 * 2, tile % 2 * 2, 4, 4);
    const double inset = 1.5 + 2.5 * static_cast<double>(tile);
    body += frame({box.x + inset, box.y + inset, box.width - 2 * inset, box.height - 2 * inset}, strong[tile], 2);
  }
  const auto stack = [&](Cells cells) {  // the sheets of further places behind the first
    for (int sheet = 3; sheet > 0; --sheet) {
      Cells behind = cells;
      behind.x += 7 * sheet, behind.y -= 7 * sheet, behind.text = {};
      behind.fill = [](size_t, size_t) -> std::string { return "#ffffff"; };
      body += draw(behind);
    }
    if (!cells.fill) cells.fill = [](size_t, size_t) -> std::string { return "#ffffff"; };
    body += draw(cells);
  };
  constexpr size_t place = 5;  // whose numbers are shown
  stack({310, 150, 40, 30, tiles, channels, texts(v[place], channels), of_tile});
  stack({520, 165, 46, 30, channels, outputs, texts(u[place], outputs)});
  stack({702, 150, 52, 30, tiles, outputs, texts(m[place], outputs), of_tile});
  body += arrow(214, 210, 296, 210) + words(255, 202, "Bᵀ d B", {12.5, "middle", pale_ink});
  body += words(310, 78, "V", bold) + words(310, 97, "16 times [tiles, C]", note);
  body += words(520, 78, "U", bold) + words(520, 97, "16 times [C, K]", note);
  body += words(702, 78, "M", bold) + words(702, 97, "16 times [tiles, K]", note);
  body += words(478, 216, "×", {20, "middle", pale_ink}) + words(660, 216, "=", {20, "middle", pale_ink});
  body +=
      words(30, 314,
            "16 places in a tile, and for each place one matrix product: a row for each tile, and a sum over channels.",
            note);
  return image(840, 332, "Winograd's products are sixteen matrix products", body);
}

}  // namespace

Figures kernels_figures() {
  return {{"kernels/figures/im2col.svg", im2col()},
          {"kernels/figures/winograd.svg", winograd()},
          {"kernels/figures/winograd_places.svg", winograd_places()}};
}

}  // namespace counterpoise
