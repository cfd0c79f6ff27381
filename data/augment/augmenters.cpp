#include "data/augment/augmenters.h"

#include <algorithm>
#include <cmath>

#include "data/augment/geometry.h"
#include "data/augment/pixels.h"
#include "kernels/error.h"

namespace counterpoise::augment {

namespace {

bool chance(double p, Random& rng) { return rng.uniform() < p; }

// At least one pixel of `side` is to be left by what is cropped, negative numbers, on two sides.
void leave_one(int side, int& first, int& second) {
  const int crop_first = std::max(-first, 0), crop_second = std::max(-second, 0);
  int too_much = crop_first + crop_second - (side - 1);
  if (too_much <= 0) return;
  // From both alike, as far as they go.
  const int back = std::min(crop_first, std::max((too_much + 1) / 2, too_much - crop_second));
  first += back;
  second += too_much - back;
}

// Adds (or removes, where negative) pixels at the four sides.
void crop_and_pad(int top, int right, int bottom, int left, bool keep_size, Border border, Color fill, Plan& plan) {
  const Size from = plan.size();
  leave_one(from.height, top, bottom);
  leave_one(from.width, left, right);
  const Size to{from.height + top + bottom, from.width + left + right};
  if (keep_size && !resolves(resizing(to, from) * translation(left, top) * plan.transform(), from)) return;
  plan.move(translation(left, top), to, border, fill);
  if (keep_size) plan.move(resizing(to, from), from);
}

// A crop, sign -1, or crop and pad, sign 1.
template <class Sides>
void draw_sides(const Sides& a, int sign, Border border, Color fill, Random& rng, Plan& plan) {
  const Size size = plan.size();
  int change[4];  // top, right, bottom, left
  double part = 0;
  int pixels = 0;
  for (int i = 0; i < 4; ++i) {
    if (i == 0 || a.independently) part = a.percent.draw(rng), pixels = a.pixels.draw_whole(rng);
    const int side = i % 2 == 0 ? size.height : size.width;
    change[i] = sign * (int(std::nearbyint(part * side)) + pixels);
  }
  crop_and_pad(change[0], change[1], change[2], change[3], a.keep_size, border, fill, plan);
}

}  // namespace

void HorizontalFlip::check() const { check_probability("a horizontal flip", p); }
void HorizontalFlip::draw(Random& rng, Plan& plan) const {
  if (chance(p, rng)) plan.move(horizontal_flip(plan.size().width), plan.size());
}

void VerticalFlip::check() const { check_probability("a vertical flip", p); }
void VerticalFlip::draw(Random& rng, Plan& plan) const {
  if (chance(p, rng)) plan.move(vertical_flip(plan.size().height), plan.size());
}

void Crop::check() const {
  percent.check("the part of a crop", 0, 1);
  pixels.check_whole("the pixels of a crop", 0, 16384);
}
void Crop::draw(Random& rng, Plan& plan) const { draw_sides(*this, -1, Border::constant, {0, 0, 0}, rng, plan); }

void CropAndPad::check() const {
  percent.check("the part of a crop or padding", -1, 4);
  pixels.check_whole("the pixels of a crop or padding", -16384, 16384);
}
void CropAndPad::draw(Random& rng, Plan& plan) const { draw_sides(*this, 1, border, fill, rng, plan); }

void Affine::check() const {
  for (const Range& range : {scale, scale_x, scale_y}) range.check("the scale of an affine transform", 0.01, 100);
  for (const Range& range : {translate_x, translate_y}) range.check("the translation of an affine transform", -10, 10);
  for (const Range& range : {shear_x, shear_y}) range.check("the angle of a shear", -89, 89);
  rotate.check("the angle of a rotation", -3600, 3600);
}
void Affine::draw(Random& rng, Plan& plan) const {
  const Size size = plan.size();
  const double both = scale.draw(rng), x = both * scale_x.draw(rng), y = both * scale_y.draw(rng);
  const double right = translate_x.draw(rng) * size.width, down = translate_y.draw(rng) * size.height;
  const double angle = rotate.draw(rng), across = shear_x.draw(rng), along = shear_y.draw(rng);
  const Transform about = translation(right, down) * rotation(angle) * shear(across) * scaling(x, y) * shear(0, along);
  Transform transform = around({size.width / 2.0, size.height / 2.0}, about);
  Size to = size;
  if (fit_output) {
    const Box fit = *moved(transform, Box{0, 0, double(size.width), double(size.height)});
    // (Less a little, so that rounding adds no pixel.)
    const auto whole = [](double length) { return int(std::clamp(std::ceil(length - 1e-6), 1.0, 1e9)); };
    to = {whole(fit.bottom - fit.top), whole(fit.right - fit.left)};
    transform = translation((to.width - fit.right - fit.left) / 2, (to.height - fit.bottom - fit.top) / 2) * transform;
  }
  if (resolves(transform * plan.transform(), size)) plan.move(transform, to, border, fill);
}

void PerspectiveTransform::check() const { scale.check("the scale of a perspective transform", 0, 1); }
void PerspectiveTransform::draw(Random& rng, Plan& plan) const {
  const Size size = plan.size();
  const double deviation = scale.draw(rng);
  constexpr double most = 1. / 3;  // so that the quadrilateral stays convex
  std::array<Point, 4> from;
  for (size_t i = 0; i < 4; ++i) {  // clockwise from the upper left
    const double x = std::min(most, std::fabs(deviation * rng.normal()));
    const double y = std::min(most, std::fabs(deviation * rng.normal()));
    from[i] = {(i == 1 || i == 2 ? 1 - x : x) * size.width, (i >= 2 ? 1 - y : y) * size.height};
  }
  const auto distance = [&](size_t i, size_t j) { return std::hypot(from[i].x - from[j].x, from[i].y - from[j].y); };
  const Size seen{std::max(2, int(std::max(distance(1, 2), distance(0, 3)))),
                  std::max(2, int(std::max(distance(0, 1), distance(2, 3))))};
  const Size to = keep_size ? size : seen;
  const double right = to.width, bottom = to.height;
  const Transform transform = perspective(from, {{{0, 0}, {right, 0}, {right, bottom}, {0, bottom}}});
  if (resolves(transform * plan.transform(), size)) plan.move(transform, to);
}

void ResizeTo::check() const {
  CP_ENSURE_AS(invalid_argument, 0 < height && height <= 16384 && 0 < width && width <= 16384,
               "images are resized to 1 to 16384 pixels a side, not to ", width, " x ", height);
}
void ResizeTo::draw(Random&, Plan& plan) const {
  const Size from = plan.size(), to{height, width};
  Transform transform = resizing(from, to);
  if (fit == Fit::letterbox) {
    const double scale = std::min(transform.m[0][0], transform.m[1][1]);
    transform =
        translation((width - scale * from.width) / 2, (height - scale * from.height) / 2) * scaling(scale, scale);
  }
  plan.move(transform, to, Border::constant, fill);
}

void GaussianBlur::check() const { sigma.check("the standard deviation of a blur", 0, 1000); }
void GaussianBlur::draw(Random& rng, Plan& plan) const {
  plan.change_image([s = sigma.draw(rng)](Image& image) { gaussian_blur(image, s); });
}

void AdditiveGaussianNoise::check() const { scale.check("the standard deviation of noise", 0, 1000); }
void AdditiveGaussianNoise::draw(Random& rng, Plan& plan) const {
  const double deviation = scale.draw(rng);
  const uint64_t key = rng.bits64();
  plan.change_image([deviation, key, per_channel = per_channel](Image& image) {
    Random own(key, Stream::augment);
    additive_gaussian_noise(image, deviation, per_channel, own);
  });
}

void LinearContrast::check() const { alpha.check("the strength of a contrast", -1000, 1000); }
void LinearContrast::draw(Random& rng, Plan& plan) const {
  plan.change_image([a = alpha.draw(rng)](Image& image) { linear_contrast(image, a); });
}

void Sharpen::check() const {
  alpha.check("the strength of sharpening", 0, 1);
  lightness.check("the lightness of sharpening", 0, 1000);
}
void Sharpen::draw(Random& rng, Plan& plan) const {
  const double a = alpha.draw(rng), l = lightness.draw(rng);
  plan.change_image([a, l](Image& image) { sharpen(image, a, l); });
}

void Multiply::check() const { factor.check("the factor of an image", 0, 1000); }
void Multiply::draw(Random& rng, Plan& plan) const {
  plan.change_image([f = factor.draw(rng)](Image& image) { multiply(image, f); });
}

void Add::check() const { value.check("what is added to an image", -1000, 1000); }
void Add::draw(Random& rng, Plan& plan) const {
  plan.change_image([v = value.draw(rng)](Image& image) { add(image, v); });
}

void DropOutside::check() const { check_least_part(least_part); }
void DropOutside::draw(Random&, Plan& plan) const {
  plan.change([part = least_part](Annotated& annotated) { drop_outside(annotated, part); });
}

void ClipToImage::check() const { check_least_part(least_part); }
void ClipToImage::draw(Random&, Plan& plan) const {
  plan.change([part = least_part](Annotated& annotated) { clip_to_image(annotated, part); });
}

}  // namespace counterpoise::augment
