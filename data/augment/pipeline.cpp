#include "data/augment/pipeline.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/error.h"

namespace counterpoise::augment {

int Range::draw_whole(Random& rng) const {
  const auto first = int64_t(std::ceil(low)), last = int64_t(std::floor(high));
  return int(first + int64_t(rng.below(uint64_t(std::max<int64_t>(last - first, 0) + 1))));
}

void Range::check(const char* what, double least, double most) const {
  CP_ENSURE_AS(invalid_argument, least <= low && low <= high && high <= most, what, " is drawn between numbers from ",
               least, " to ", most, ", the first at most the second, not between ", low, " and ", high);
}

void Range::check_whole(const char* what, double least, double most) const {
  check(what, least, most);
  CP_ENSURE_AS(invalid_argument, std::ceil(low) <= std::floor(high), what, " is a whole number, and none lies between ",
               low, " and ", high);
}

void check_probability(const char* what, double p) {
  CP_ENSURE_AS(invalid_argument, 0 <= p && p <= 1, "the probability of ", what, " must be from 0 to 1, not ", p);
}

Plan Augmenter::plan(Size image, Random& rng) const {
  Plan plan(image);
  draw(rng, plan);
  return plan;
}

Annotated Augmenter::operator()(const Annotated& annotated, Random& rng) const {
  augment::check(annotated);
  return plan(annotated.size(), rng)(annotated);
}

void Sequential::draw(Random& rng, Plan& plan) const {
  std::vector<size_t> order(children.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (random_order) rng.shuffle(order);
  for (const size_t i : order) children[i].draw(rng, plan);
}

void SomeOf::check() const {
  CP_ENSURE_AS(invalid_argument, !children.empty(), "SomeOf has no augmenters to choose from");
  count.check_whole("how many augmenters SomeOf applies", 0, 1e6);
}

void SomeOf::draw(Random& rng, Plan& plan) const {
  const size_t n = std::min(size_t(count.draw_whole(rng)), children.size());
  std::vector<size_t> order(children.size());
  std::iota(order.begin(), order.end(), size_t{0});
  rng.shuffle(order);
  order.resize(n);
  if (!random_order) std::sort(order.begin(), order.end());
  for (const size_t i : order) children[i].draw(rng, plan);
}

void OneOf::check() const {
  CP_ENSURE_AS(invalid_argument, !children.empty(), "OneOf has no augmenters to choose from");
}

void OneOf::draw(Random& rng, Plan& plan) const { children[size_t(rng.below(children.size()))].draw(rng, plan); }

void Sometimes::check() const { check_probability("Sometimes", p); }

void Sometimes::draw(Random& rng, Plan& plan) const { (rng.uniform() < p ? then : otherwise).draw(rng, plan); }

}  // namespace counterpoise::augment
