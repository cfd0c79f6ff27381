#include "data/augment/policies.h"

#include <algorithm>
#include <cmath>

#include "data/augment/levels.h"
#include "kernels/error.h"

namespace counterpoise::augment {

namespace {

using Op = Operation;

// An operation's name, whether its magnitude has a sign, the largest magnitudes of the two tables, and what is
// accepted.
struct OperationRow {
  const char* name;
  bool sign;
  double moderate, wide, least, most;
};

// clang-format off
constexpr std::array<OperationRow, 15> rows = {{
    {"Identity",     false, 0,          0,    0,      0},
    {"ShearX",       true,  0.3,        0.99, -10,    10},
    {"ShearY",       true,  0.3,        0.99, -10,    10},
    {"TranslateX",   true,  150. / 331, 32,   -16384, 16384},  // the moderate one is a share of the side
    {"TranslateY",   true,  150. / 331, 32,   -16384, 16384},
    {"Rotate",       true,  30,         135,  -3600,  3600},
    {"Brightness",   true,  0.9,        0.99, -1,     100},
    {"Color",        true,  0.9,        0.99, -1,     100},
    {"Contrast",     true,  0.9,        0.99, -1,     100},
    {"Sharpness",    true,  0.9,        0.99, -1,     100},
    {"Posterize",    false, 4,          6,    0,      8},  // bits that are cleared
    {"Solarize",     false, 1,          1,    0,      1},  // from above
    {"AutoContrast", false, 0,          0,    0,      0},
    {"Equalize",     false, 0,          0,    0,      0},
    {"Invert",       false, 0,          0,    0,      0},
}};

constexpr std::array<std::array<PolicyStep, 2>, 25> cifar10 = {{
    {{{Op::invert, 0.1, 0}, {Op::contrast, 0.2, 6}}},
    {{{Op::rotate, 0.7, 2}, {Op::translate_x, 0.3, 9}}},
    {{{Op::sharpness, 0.8, 1}, {Op::sharpness, 0.9, 3}}},
    {{{Op::shear_y, 0.5, 8}, {Op::translate_y, 0.7, 9}}},
    {{{Op::auto_contrast, 0.5, 0}, {Op::equalize, 0.9, 0}}},
    {{{Op::shear_y, 0.2, 7}, {Op::posterize, 0.3, 7}}},
    {{{Op::color, 0.4, 3}, {Op::brightness, 0.6, 7}}},
    {{{Op::sharpness, 0.3, 9}, {Op::brightness, 0.7, 9}}},
    {{{Op::equalize, 0.6, 0}, {Op::equalize, 0.5, 0}}},
    {{{Op::contrast, 0.6, 7}, {Op::sharpness, 0.6, 5}}},
    {{{Op::color, 0.7, 7}, {Op::translate_x, 0.5, 8}}},
    {{{Op::equalize, 0.3, 0}, {Op::auto_contrast, 0.4, 0}}},
    {{{Op::translate_y, 0.4, 3}, {Op::sharpness, 0.2, 6}}},
    {{{Op::brightness, 0.9, 6}, {Op::color, 0.2, 8}}},
    {{{Op::solarize, 0.5, 2}, {Op::invert, 0, 0}}},
    {{{Op::equalize, 0.2, 0}, {Op::auto_contrast, 0.6, 0}}},
    {{{Op::equalize, 0.2, 0}, {Op::equalize, 0.6, 0}}},
    {{{Op::color, 0.9, 9}, {Op::equalize, 0.6, 0}}},
    {{{Op::auto_contrast, 0.8, 0}, {Op::solarize, 0.2, 8}}},
    {{{Op::brightness, 0.1, 3}, {Op::color, 0.7, 0}}},
    {{{Op::solarize, 0.4, 5}, {Op::auto_contrast, 0.9, 0}}},
    {{{Op::translate_y, 0.9, 9}, {Op::translate_y, 0.7, 9}}},
    {{{Op::auto_contrast, 0.9, 0}, {Op::solarize, 0.8, 3}}},
    {{{Op::equalize, 0.8, 0}, {Op::invert, 0.1, 0}}},
    {{{Op::translate_y, 0.7, 9}, {Op::auto_contrast, 0.9, 0}}},
}};

constexpr std::array<std::array<PolicyStep, 2>, 25> imagenet = {{
    {{{Op::posterize, 0.4, 8}, {Op::rotate, 0.6, 9}}},
    {{{Op::solarize, 0.6, 5}, {Op::auto_contrast, 0.6, 0}}},
    {{{Op::equalize, 0.8, 0}, {Op::equalize, 0.6, 0}}},
    {{{Op::posterize, 0.6, 7}, {Op::posterize, 0.6, 6}}},
    {{{Op::equalize, 0.4, 0}, {Op::solarize, 0.2, 4}}},
    {{{Op::equalize, 0.4, 0}, {Op::rotate, 0.8, 8}}},
    {{{Op::solarize, 0.6, 3}, {Op::equalize, 0.6, 0}}},
    {{{Op::posterize, 0.8, 5}, {Op::equalize, 1, 0}}},
    {{{Op::rotate, 0.2, 3}, {Op::solarize, 0.6, 8}}},
    {{{Op::equalize, 0.6, 0}, {Op::posterize, 0.4, 6}}},
    {{{Op::rotate, 0.8, 8}, {Op::color, 0.4, 0}}},
    {{{Op::rotate, 0.4, 9}, {Op::equalize, 0.6, 0}}},
    {{{Op::equalize, 0, 0}, {Op::equalize, 0.8, 0}}},
    {{{Op::invert, 0.6, 0}, {Op::equalize, 1, 0}}},
    {{{Op::color, 0.6, 4}, {Op::contrast, 1, 8}}},
    {{{Op::rotate, 0.8, 8}, {Op::color, 1, 2}}},
    {{{Op::color, 0.8, 8}, {Op::solarize, 0.8, 7}}},
    {{{Op::sharpness, 0.4, 7}, {Op::invert, 0.6, 0}}},
    {{{Op::shear_x, 0.6, 5}, {Op::equalize, 1, 0}}},
    {{{Op::color, 0.4, 0}, {Op::equalize, 0.6, 0}}},
    {{{Op::equalize, 0.4, 0}, {Op::solarize, 0.2, 4}}},
    {{{Op::solarize, 0.6, 5}, {Op::auto_contrast, 0.6, 0}}},
    {{{Op::invert, 0.6, 0}, {Op::equalize, 1, 0}}},
    {{{Op::color, 0.6, 4}, {Op::contrast, 1, 8}}},
    {{{Op::equalize, 0.8, 0}, {Op::equalize, 0.6, 0}}},
}};
// clang-format on

const OperationRow& row(Operation operation) { return rows[size_t(operation)]; }

// One of the operations but the last, Invert: what RandAugment and TrivialAugmentWide choose from.
Operation draw_choice(Random& rng) { return Operation(rng.below(rows.size() - 1)); }

// An operation with a magnitude at `part` of its range, and a sign that is drawn.
void draw_operation(Operation operation, Magnitudes magnitudes, double part, Color fill, Random& rng, Plan& plan) {
  const double strength = magnitude(operation, magnitudes, part, plan.size());
  const bool negative = has_sign(operation) && rng.uniform() < 0.5f;
  PolicyOperation{operation, negative ? -strength : strength, fill}.draw(rng, plan);
}

void check_bins(const char* what, int bins) {
  CP_ENSURE_AS(invalid_argument, 2 <= bins && bins <= 1000000, what, " has from 2 to 1000000 bins, not ", bins);
}

}  // namespace

std::string to_string(Operation operation) { return row(operation).name; }

bool has_sign(Operation operation) { return row(operation).sign; }

double magnitude(Operation operation, Magnitudes magnitudes, double part, Size image) {
  const bool wide = magnitudes == Magnitudes::wide;
  const double m = part * (wide ? row(operation).wide : row(operation).moderate);
  switch (operation) {
    case Op::translate_x:
      return wide ? m : m * image.width;
    case Op::translate_y:
      return wide ? m : m * image.height;
    case Op::posterize:
      return std::nearbyint(8 - m);
    case Op::solarize:
      return 1 - m;
    default:
      return m;
  }
}

void PolicyOperation::check() const {
  const OperationRow& of = row(operation);
  CP_ENSURE_AS(invalid_argument, of.least <= magnitude && magnitude <= of.most, "the magnitude of ", of.name,
               " must be from ", of.least, " to ", of.most, ", not ", magnitude);
}

void PolicyOperation::draw(Random&, Plan& plan) const {
  const Size size = plan.size();
  const double m = magnitude;
  const auto move = [&](const Transform& transform) {
    if (resolves(transform * plan.transform(), size)) plan.move(transform, size, Border::constant, fill);
  };
  const auto factor = [&](ColorFormula formula) {
    if (m != 0) plan.color(formula, float(1 + m));
  };
  switch (operation) {
    case Op::identity:
      break;
    case Op::shear_x:
      return move({{{{1, -m, 0}, {0, 1, 0}, {0, 0, 1}}}});
    case Op::shear_y:
      return move({{{{1, 0, 0}, {-m, 1, 0}, {0, 0, 1}}}});
    case Op::translate_x:
      return move(translation(std::trunc(m), 0));
    case Op::translate_y:
      return move(translation(0, std::trunc(m)));
    case Op::rotate:
      return move(around({size.width / 2.0, size.height / 2.0}, rotation(-m)));
    case Op::brightness:
      return factor(ColorFormula::linear);
    case Op::color:
      return factor(ColorFormula::saturation);
    case Op::contrast:
      return factor(ColorFormula::contrast);
    case Op::sharpness:
      return plan.change_image([m](Image& image) { adjust_sharpness(image, 1 + m); });
    case Op::posterize:
      return plan.change_image([m](Image& image) { posterize(image, int(m)); });
    case Op::solarize:
      return plan.color(ColorFormula::solarize, float(255 * m));
    case Op::auto_contrast:
      return plan.change_image(auto_contrast);
    case Op::equalize:
      return plan.change_image(equalize);
    case Op::invert:
      return plan.color(ColorFormula::linear, -1, 255);
  }
}

void RandAugment::check() const {
  CP_ENSURE_AS(invalid_argument, 0 <= n && n <= 1000, "RandAugment makes from 0 to 1000 operations, not ", n);
  check_bins("RandAugment", bins);
  CP_ENSURE_AS(invalid_argument, 0 <= magnitude && magnitude <= bins - 1, "the magnitude of RandAugment with ", bins,
               " bins must be from 0 to ", bins - 1, ", not ", magnitude);
}
void RandAugment::draw(Random& rng, Plan& plan) const {
  for (int i = 0; i < n; ++i) {
    const Operation operation = draw_choice(rng);
    draw_operation(operation, Magnitudes::moderate, magnitude / (bins - 1), fill, rng, plan);
  }
}

void TrivialAugmentWide::check() const { check_bins("TrivialAugmentWide", bins); }
void TrivialAugmentWide::draw(Random& rng, Plan& plan) const {
  const Operation operation = draw_choice(rng);
  const double part = double(rng.below(uint64_t(bins))) / (bins - 1);
  draw_operation(operation, Magnitudes::wide, part, fill, rng, plan);
}

const std::array<std::array<PolicyStep, 2>, 25>& policy_steps(AutoAugmentPolicy policy) {
  return policy == AutoAugmentPolicy::cifar10 ? cifar10 : imagenet;
}

void AutoAugment::draw(Random& rng, Plan& plan) const {
  for (const PolicyStep& step : policy_steps(policy)[size_t(rng.below(25))]) {
    if (rng.uniform() < step.p) draw_operation(step.operation, Magnitudes::moderate, step.level / 9., fill, rng, plan);
  }
}

}  // namespace counterpoise::augment
