// Augmentation: random changes to an image and, with the same draw, to everything that is marked on it.
//
//   const augment::Augmenter pipeline = augment::Sequential{{
//       augment::Crop{.pixels = {1, 16}},
//       augment::HorizontalFlip{0.5},
//       augment::Sometimes{0.5, augment::GaussianBlur{{0, 3}}},
//       augment::Affine{.rotate = {-25, 25}},
//   }};
//   Random rng(seed, Stream::augment, epoch, sample);
//   const augment::Annotated changed = pipeline(photo, rng);
//
// An augmenter is a plain value: its parameters, mostly ranges from which numbers are drawn. The names and defaults are
// imgaug's where that has them. What is drawn depends on the stream of random numbers and the size of the image alone,
// so that an augmentation can be repeated from (seed, epoch, sample). To write another augmenter, define a type with
// check() and draw() as those here.
//
// Augmenters may be used by several threads at once, each with a Random of its own. Creating an Augmenter throws
// Error(invalid_argument) for parameters that it does not accept.
#pragma once

#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/random.h"
#include "data/augment/plan.h"

namespace counterpoise::augment {

// Numbers from `low` to `high`, equally likely; a single number always.
struct Range {
  double low, high;

  Range(double always) : low(always), high(always) {}
  Range(double low, double high) : low(low), high(high) {}

  // Takes one number from `rng`, also where low = high. REQUIRES: finite, low <= high.
  double draw(Random& rng) const { return low + (high - low) * double{rng.uniform()}; }
  // A whole number, ends included. REQUIRES: there is one.
  int draw_whole(Random& rng) const;
  // Throws Error(invalid_argument) unless least <= low <= high <= most.
  void check(const char* what, double least, double most) const;
  // The same, and that there is a whole number from low to high.
  void check_whole(const char* what, double least, double most) const;
};

// Throws Error(invalid_argument) unless 0 <= p <= 1.
void check_probability(const char* what, double p);

// Any augmenter.
class Augmenter {
 public:
  Augmenter() = default;  // changes nothing
  template <class A, class = std::enable_if_t<!std::is_same_v<std::decay_t<A>, Augmenter>>>
  Augmenter(A augmenter) {
    augmenter.check();
    draw_ = [augmenter = std::move(augmenter)](Random& rng, Plan& plan) { augmenter.draw(rng, plan); };
  }

  // Adds what is drawn to `plan`.
  void draw(Random& rng, Plan& plan) const {
    if (draw_) draw_(rng, plan);
  }
  // What is drawn for an image of this size.
  Plan plan(Size image, Random& rng) const;
  // An image and its targets, augmented.
  Annotated operator()(const Annotated& annotated, Random& rng) const;

 private:
  std::function<void(Random&, Plan&)> draw_;
};

// All of them, in this order or in one that is drawn.
struct Sequential {
  std::vector<Augmenter> children;
  bool random_order = false;

  void check() const {}
  void draw(Random& rng, Plan& plan) const;
};

// Some of them, none twice: how many is drawn from `count`, at most all. In their order, unless `random_order`.
struct SomeOf {
  Range count;
  std::vector<Augmenter> children;
  bool random_order = false;

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

// One of them.
struct OneOf {
  std::vector<Augmenter> children;

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

// One with the probability p, else another or none.
struct Sometimes {
  double p = 0.5;
  Augmenter then = {}, otherwise = {};

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

}  // namespace counterpoise::augment
