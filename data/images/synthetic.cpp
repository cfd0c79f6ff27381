#include "data/images/synthetic.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/random.h"
#include "data/images/canvas.h"
#include "kernels/error.h"

namespace counterpoise {

namespace {

using namespace detail;

// How hard the images are to tell apart: harder as a constant grows, except the two sizes of the head.
namespace difficulty {
constexpr float borrow_one = 0.25f;    // images with one part borrowed from the other animal
constexpr float borrow_two = 0.05f;    // images with two of the five
constexpr float borrowed = 0.25f;      // how far past the middle a borrowed part goes, of 0.5
constexpr float indistinct = 0.25f;    // how far a part strays from its animal's ideal, of 0.5
constexpr float tilt = 0.25f;          // tan of half the largest rotation
constexpr float turn = 0.6f;           // the head turned to a side
constexpr float smallest = 0.75f;      // the smallest head, of the largest
constexpr float off_center = 0.06f;    // of the image's side
constexpr float blur = 0.03f;          // width of the softest edge, of the image's side
constexpr float noise = 0.03f;         // standard deviation of the strongest, of white
constexpr float occlusion = 0.1f;      // images with something in front of the head
constexpr float dim = 0.25f;           // how much light and contrast may be lost
constexpr float largest_head = 0.34f;  // its half width, of the image's side
}  // namespace difficulty

namespace palette {
constexpr std::array<Color, 6> furs = {{{0.13f, 0.12f, 0.13f},    // black
                                        {0.50f, 0.51f, 0.54f},    // gray
                                        {0.83f, 0.51f, 0.22f},    // ginger
                                        {0.88f, 0.77f, 0.58f},    // cream
                                        {0.45f, 0.29f, 0.17f},    // brown
                                        {0.92f, 0.91f, 0.89f}}};  // white
constexpr Color black{0.05f, 0.04f, 0.05f}, white{1, 1, 1}, pink{0.88f, 0.58f, 0.58f};
}  // namespace palette

// How much each part is like a cat's, from 0 (a perfect dog's) to 1 (a perfect cat's).
struct Parts {
  float ears, muzzle, nose, eyes, whiskers, head;
};

Parts choose_parts(Animal animal, Random& rng) {
  std::array<float, 5> like{};
  for (float& part : like) part = difficulty::indistinct * rng.uniform();
  const auto borrowed = [&] { return rng.uniform(0.5f, 0.5f + difficulty::borrowed); };
  const float borrow = rng.uniform();
  const uint64_t first = rng.below(5), second = (first + 1 + rng.below(4)) % 5;
  if (borrow < difficulty::borrow_one + difficulty::borrow_two) like[first] = borrowed();
  if (borrow < difficulty::borrow_two) like[second] = borrowed();
  // The outline of the head tends to its animal's, but those of the two overlap by half.
  float head = 0.67f * rng.uniform();
  if (animal == Animal::cat) {
    for (float& part : like) part = 1 - part;
    head = 1 - head;
  }
  return {like[0], like[1], like[2], like[3], like[4], head};
}

// Draws one image, from the background to the front. In the units of the head its center is (0,0) and its half width 1.
class Artist {
 public:
  Artist(Animal animal, int size, Random rng)
      : rng_(rng), parts_(choose_parts(animal, rng_)), canvas_(size, difficulty::blur * square(rng_.uniform())) {}

  std::vector<uint8_t> draw() {
    choose_fur();
    choose_pose();
    background();
    canvas_.set_pose(pose_);
    body();
    const bool hanging = parts_.ears < 0.5f;
    if (!hanging) ears();
    head();
    muzzle();
    eyes();
    whiskers();
    if (hanging) ears();
    canvas_.set_pose(Pose{});
    if (rng_.uniform() < difficulty::occlusion) occlude();
    light_and_noise();
    return canvas_.bytes();
  }

 private:
  static float square(float x) { return x * x; }
  static float between(float dog, float cat, float like) { return dog + like * (cat - dog); }
  float spread(float x) { return rng_.uniform(-x, x); }
  bool chance(float p) { return rng_.uniform() < p; }
  // Muted, as in a photograph.
  Color any_color() {
    const float gray = rng_.uniform(0.1f, 0.9f);
    return mix({gray, gray, gray}, {rng_.uniform(), rng_.uniform(), rng_.uniform()}, 0.5f);
  }
  Color shade(Color c, float by) { return mix(c, by < 0 ? palette::black : palette::white, std::abs(by)); }
  Color any_fur() {
    const Color fur = shade(palette::furs[rng_.below(palette::furs.size())], spread(0.2f));
    return mix(fur, any_color(), 0.1f);
  }
  // A place on the face. The nearer it is to the viewer (depth), the further it moves when the head turns.
  Point face(float x, float y, float depth) const {
    return {x * (1 - 0.12f * std::abs(turn_)) + 0.5f * depth * turn_, y + 0.4f * depth * nod_};
  }

  void choose_fur() {
    fur_ = any_fur();
    second_ = chance(0.5f) ? any_fur() : shade(fur_, 0.35f);
    line_ = shade(fur_, fur_.r + fur_.g + fur_.b > 0.9f ? -0.55f : 0.3f);
  }

  void choose_pose() {
    turn_ = spread(difficulty::turn);
    nod_ = spread(0.4f);
    const float scale = difficulty::largest_head * rng_.uniform(difficulty::smallest, 1);
    const float squeeze = rng_.uniform(0.85f, 1.1f), t = spread(difficulty::tilt);
    const float cosine = (1 - t * t) / (1 + t * t), sine = 2 * t / (1 + t * t);
    const float across = (chance(0.5f) ? scale : -scale) * squeeze, along = scale / squeeze;
    pose_.origin = {0.5f + spread(difficulty::off_center), 0.55f + spread(difficulty::off_center)};
    pose_.right = {across * cosine, across * sine};
    pose_.down = {-along * sine, along * cosine};
  }

  void background() {
    const Color top = any_color(), bottom = any_color();
    canvas_.each_pixel([&](Color, Point p) { return mix(top, bottom, p.y); });
    const Color hue = any_color();
    const uint64_t kind = rng_.below(4), count = 3 + rng_.below(6);
    if (kind == 0) {  // stripes
      const float lean = spread(0.5f), step = rng_.uniform(0.1f, 0.25f), width = step * rng_.uniform(0.2f, 0.7f);
      for (float x = -0.5f; x < 1.5f; x += step) canvas_.stroke({x - lean, 0}, {x + lean, 1}, width, width, hue, 0.7f);
    } else if (kind == 1) {  // grass
      const float ground = rng_.uniform(0.4f, 0.9f);
      for (int i = 0; i < 24; ++i) {
        const float x = rng_.uniform();
        canvas_.stroke({x, 1.05f}, {x + spread(0.15f), ground + spread(0.15f)}, 0.04f, 0.01f, shade(hue, spread(0.3f)));
      }
    } else if (kind == 2) {  // furniture
      for (uint64_t i = 0; i < count; ++i) {
        const float x = rng_.uniform(), y = rng_.uniform(), w = rng_.uniform(0.1f, 0.5f), h = rng_.uniform(0.1f, 0.5f);
        const Color wood = mix(hue, any_color(), 0.4f);
        canvas_.triangle({x, y}, {x + w, y}, {x, y + h}, 0, wood);
        canvas_.triangle({x + w, y + h}, {x + w, y}, {x, y + h}, 0, wood);
      }
    }
    // Blobs and corners that could be ears, anywhere.
    for (uint64_t i = 0; i < count; ++i) {
      const Point p{rng_.uniform(), rng_.uniform()};
      const float r = rng_.uniform(0.03f, 0.15f);
      const Color color = chance(0.5f) ? any_fur() : any_color();
      if (chance(0.5f)) canvas_.ellipse(p, {r, r * rng_.uniform(0.4f, 1)}, color, 0.8f, spread(2));
      else canvas_.triangle(p, p + Point{r, spread(r)}, p + Point{spread(r), 1.5f * r}, 0.01f, color, 0.8f);
    }
  }

  void body() {
    const float width = rng_.uniform(0.8f, 1.3f), aside = spread(0.4f);
    canvas_.ellipse({aside, 2.0f}, {width, 1.4f}, shade(fur_, -0.12f));
    if (chance(0.3f)) canvas_.curve({-0.7f, 0.75f}, {aside, 1.4f}, {0.7f, 0.75f}, 0.2f, 0.2f, any_color());
  }

  void ears() {
    const float like = parts_.ears, wide = rng_.uniform(0.9f, 1.1f), tall = rng_.uniform(0.85f, 1.15f);
    const Color back = shade(chance(0.3f) ? second_ : fur_, -0.15f),
                inner = mix(fur_, palette::pink, rng_.uniform(0.2f, 0.8f));
    for (float side : {-1.0f, 1.0f}) {
      const auto at = [&](float x, float y) {
        return Point{side * x * wide * (1 - 0.15f * side * turn_) - 0.1f * turn_, y + spread(0.04f)};
      };
      if (like > 0.5f) {  // upright; the less like a cat's, the blunter and the further apart
        const float blunt = between(0.30f, 0.02f, like), out = between(0.95f, 0.72f, like);
        const Point a = at(0.18f, -0.75f), b = at(0.92f, -0.25f), tip = at(out, -0.75f - 0.72f * tall);
        const Point middle = 0.3333f * (a + b + tip);
        canvas_.triangle(a, b, tip, blunt, back);
        canvas_.triangle(0.6f * a + 0.4f * middle, 0.6f * b + 0.4f * middle, 0.6f * tip + 0.4f * middle, blunt / 2,
                         inner);
      } else if (like > 0.3f) {  // half pricked: the upper half hangs over the lower one
        const Point a = at(0.3f, -0.75f), b = at(0.9f, -0.35f), fold = at(0.7f, -1.0f - 0.2f * tall);
        canvas_.triangle(a, b, fold, 0.15f, back);
        canvas_.triangle(fold, at(1.0f, -0.85f), at(1.0f, -0.5f + 0.1f * tall), 0.1f, shade(back, -0.25f));
      } else {  // hanging
        const Point a = at(0.55f, -0.75f), b = at(0.9f, -0.45f), tip = at(1.08f, 0.45f * tall);
        canvas_.triangle(a, b, tip, 0.2f, back);
        canvas_.stroke(0.5f * (a + b), tip, 0.3f, 0.25f, shade(back, -0.15f));
      }
    }
  }

  void head() {
    const Point radii{between(0.88f, 1.0f, parts_.head), between(1.0f, 0.84f, parts_.head)};
    canvas_.ellipse({0, 0}, radii, fur_);
    canvas_.clip({0, 0}, radii);
    if (chance(0.35f))  // a patch
      canvas_.ellipse({spread(0.6f), spread(0.6f)}, {rng_.uniform(0.3f, 0.6f), rng_.uniform(0.3f, 0.6f)}, second_);
    if (chance(0.25f))  // a blaze
      canvas_.stroke(face(0, -1, 0.3f), face(0, 0.2f, 0.8f), 0.25f, 0.45f, second_);
    if (chance(0.35f)) {  // tabby or brindle, depending on how much the bars stray
      const float stray = chance(0.5f) ? 0.05f : 0.2f;
      const auto bar = [&](Point a, Point b) {
        canvas_.stroke(a + Point{spread(stray), spread(stray)}, b + Point{spread(stray), spread(stray)}, 0.11f, 0.03f,
                       line_, 0.7f);
      };
      for (float x : {-0.3f, -0.1f, 0.1f, 0.3f}) bar(face(1.3f * x, -0.95f, 0.3f), face(x, -0.5f, 0.4f));
      for (float side : {-1.0f, 1.0f})
        for (float y : {0.05f, 0.25f, 0.45f}) bar(face(side, y - 0.05f, 0), face(0.55f * side, y, 0.2f));
    }
    canvas_.ellipse(face(0, 0.9f, 0), {0.8f, 0.3f}, palette::black, 0.15f);  // the shadow of the chin
    canvas_.unclip();
  }

  void muzzle() {
    const float like = parts_.muzzle;
    const float wide = between(0.46f, 0.40f, like), tall = between(0.56f, 0.25f, like),
                low = between(0.56f, 0.43f, like);
    const Color pale = chance(0.5f) ? second_ : shade(fur_, 0.3f);
    const Point center = face(0, low, between(1, 0.5f, like));
    if (chance(between(0.35f, 0, std::min(1.0f, 2 * like))))
      canvas_.stroke(center + Point{0, 0.7f * tall}, center + Point{spread(0.15f), tall + 0.25f}, 0.2f, 0.28f,
                     {0.85f, 0.35f, 0.4f});
    canvas_.ellipse(center, {wide, tall}, pale);
    canvas_.ellipse(center + Point{0, 0.3f * tall}, {0.8f * wide, 0.6f * tall}, palette::black, 0.12f);
    for (float side : {-1.0f, 1.0f})
      canvas_.ellipse(center + Point{side * 0.5f * wide, 0.1f * tall}, {0.6f * wide, 0.75f * tall}, pale);
    const float snout = parts_.nose, width = between(0.21f, 0.10f, snout), height = between(0.15f, 0.08f, snout);
    const Point nose = center + Point{0, -0.55f * tall};
    const Color dark = shade(palette::black, 0.25f * rng_.uniform()),
                rosy = mix(palette::pink, {0.45f, 0.25f, 0.2f}, rng_.uniform());
    const Color color = chance(between(0.2f, 0.7f, snout)) ? rosy : dark;
    if (snout > 0.5f)
      canvas_.triangle(nose + Point{-width, -height}, nose + Point{width, -height}, nose + Point{0, height}, 0.03f,
                       color);
    else canvas_.ellipse(nose, {width, height}, color);
    canvas_.ellipse(nose + Point{-0.3f * width, -0.5f * height}, {0.3f * width, 0.2f * height}, palette::white, 0.5f);
    const Point lip = center + Point{0, 0.25f * tall};
    const Color mouth = shade(line_, -0.3f);
    canvas_.stroke(nose + Point{0, height}, lip, 0.04f, 0.04f, mouth);
    for (float side : {-1.0f, 1.0f})
      canvas_.curve(lip, lip + Point{side * 0.5f * wide, 0.35f * tall}, lip + Point{side * 0.8f * wide, 0}, 0.05f,
                    0.03f, mouth);
  }

  void eyes() {
    const float like = parts_.eyes, apart = rng_.uniform(0.36f, 0.46f), high = -0.12f + spread(0.06f);
    const float size = rng_.uniform(0.85f, 1.15f), glance = spread(0.04f), pupil = rng_.uniform(0.6f, 1.4f);
    const Color green = mix({0.45f, 0.75f, 0.30f}, {0.90f, 0.78f, 0.20f}, rng_.uniform());
    const Color brown = mix({0.18f, 0.10f, 0.06f}, {0.50f, 0.30f, 0.12f}, rng_.uniform());
    const Color iris = chance(0.1f) ? Color{0.45f, 0.65f, 0.9f} : chance(between(0.1f, 0.9f, like)) ? green : brown;
    for (float side : {-1.0f, 1.0f}) {
      const Point p = face(side * apart, high, 0.45f);
      const float nearer = size * (1 + 0.15f * side * turn_);
      const Point radii{nearer * between(0.15f, 0.23f, like), nearer * between(0.16f, 0.14f, like)};
      const float tilt = side * between(0.0f, -0.35f, like);
      canvas_.ellipse(p, {radii.x + 0.05f, radii.y + 0.05f}, palette::black, 0.8f, tilt);
      canvas_.ellipse(p, radii, iris, 1, tilt);
      const float slit = like > 0.5f ? 0.045f * pupil : 0.09f * pupil;
      canvas_.ellipse(p + Point{glance, 0}, {slit, like > 0.5f ? 0.13f : slit}, palette::black);
      canvas_.ellipse(p + Point{-0.05f, -0.06f}, {0.04f, 0.04f}, palette::white, 0.9f);
    }
  }

  void whiskers() {
    const float like = parts_.whiskers, faint = between(0, 0.9f, like);
    const Color color = chance(0.7f) ? palette::white : palette::black;
    const Point root = face(0, 0.42f, 0.6f);
    for (float side : {-1.0f, 1.0f})
      for (float fan : {-0.22f, -0.02f, 0.2f}) {
        const float reach = (like > 0.5f ? 1.05f : 0.5f) * rng_.uniform(0.8f, 1.1f), droop = spread(0.12f);
        const Point from = root + Point{0.22f * side, 0.2f * fan};
        canvas_.curve(from, from + Point{0.5f * reach * side, 0.6f * fan}, from + Point{reach * side, fan + droop},
                      0.06f, 0.03f, color, faint);
      }
  }

  void occlude() {
    const Color color = any_color();
    const Point p = pose_.origin + Point{spread(0.3f), spread(0.3f)};
    const float size = rng_.uniform(0.05f, 0.12f);
    if (chance(0.5f)) {
      const Point along{spread(1), spread(1)};
      canvas_.stroke(p + -1.0f * along, p + along, size, size, color);
    } else {
      canvas_.ellipse(p, {size, size * rng_.uniform(0.6f, 1.4f)}, color, 1, spread(1));
    }
  }

  void light_and_noise() {
    const float gain = 1 - difficulty::dim * rng_.uniform(), contrast = 1 - difficulty::dim * rng_.uniform();
    const Point slope{spread(0.4f), spread(0.4f)};
    const Color tint = mix(palette::white, any_color(), 0.25f);
    // The sum of two uniform bytes has a bell-shaped distribution, with standard deviation 104.5.
    const float noise = difficulty::noise * rng_.uniform() / 104.5f;
    canvas_.each_pixel([&](Color c, Point p) {
      const float lit = gain * (1 + slope.x * (p.x - 0.5f) + slope.y * (p.y - 0.5f));
      const uint32_t b = rng_.bits();
      const float gray = noise * (static_cast<float>((b & 255) + (b >> 8 & 255)) - 255);
      const float red = noise * (static_cast<float>(b >> 16 & 255) - 127.5f);
      const float blue = noise * (static_cast<float>(b >> 24) - 127.5f);
      const auto tone = [&](float v, float t) { return (0.5f + contrast * (v - 0.5f)) * lit * t; };
      return Color{tone(c.r, tint.r) + gray + red, tone(c.g, tint.g) + gray, tone(c.b, tint.b) + gray + blue};
    });
  }

  Random rng_;
  Parts parts_;
  Canvas canvas_;
  Pose pose_;
  Color fur_{}, second_{}, line_{};  // line_: stripes and the mouth
  float turn_ = 0, nod_ = 0;
};

}  // namespace

std::vector<uint8_t> draw_animal(Animal animal, int size, uint64_t seed, uint64_t index) {
  CP_ENSURE(size >= 8, "draw_animal: an image of ", size, "x", size, " pixels is too small; give at least 8");
  return Artist(animal, size, Random(seed, Stream::draw, static_cast<uint64_t>(animal), index)).draw();
}

}  // namespace counterpoise
