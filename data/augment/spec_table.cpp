#include "data/augment/spec_table.h"

#include <algorithm>
#include <cmath>

#include "data/augment/augmenters.h"
#include "data/augment/elastic.h"
#include "data/augment/flip_rotate_shift.h"
#include "data/augment/policies.h"
#include "data/augment/training.h"
#include "kernels/error.h"

namespace counterpoise::augment {

namespace {

using Values = std::vector<Range>;

template <class Rows>
auto find(const Rows& all, const std::string& name) {
  const auto row = std::find_if(all.begin(), all.end(), [&](const auto& row) { return row.name == name; });
  return row == all.end() ? nullptr : &*row;
}

}  // namespace

Range meaning(const Parameter& parameter, double v) {
  switch (parameter.meaning) {
    case Meaning::plus_minus:
      return {-v, v};
    case Meaning::factor:
      return {std::max(parameter.least, 1 - v), 1 + v};  // (1 - v may be lower by rounding.)
    case Meaning::up_to:
      return {0, v};
    case Meaning::at_least:
      return {v, parameter.most};
    default:
      return v;
  }
}

Range singles(const Parameter& parameter) {
  switch (parameter.meaning) {
    case Meaning::plus_minus:
      return {0, std::min(-parameter.least, parameter.most)};
    case Meaning::up_to:
      return {0, parameter.most};
    case Meaning::factor:
      return {0, std::min(1 - std::max(parameter.least, 0.), parameter.most - 1)};
    default:
      return {parameter.least, parameter.most};
  }
}

std::string described(const Parameter& parameter) {
  const Range one = singles(parameter);
  const auto ranges = [&](const std::string& name, const std::string& drawn) {
    return detail::text(name, " from ", one.low, " to ", one.high, " for ", drawn, ", or LOW..HIGH from ",
                        parameter.least, " to ", parameter.most, parameter.unit.empty() ? "" : ", ", parameter.unit);
  };
  switch (parameter.meaning) {
    case Meaning::exactly:
      return ranges("V", "V..V");
    case Meaning::plus_minus:
      return ranges("R", "-R..R");
    case Meaning::factor:
      return ranges("S", "1-S..1+S");
    case Meaning::up_to:
      return ranges("A", "0..A");
    case Meaning::at_least:
      return ranges("A", detail::text("A..", parameter.most));
    default:
      return detail::text(parameter.meaning == Meaning::whole ? "a whole number" : "a number", " from ",
                          parameter.least, " to ", parameter.most);
  }
}

const std::vector<Row>& rows() {
  static const std::vector<Row> all = {
      // -- places --
      {"flip",
       "exchanges left and right, in half of the images or with the probability P",
       "flip=1",
       {{"p", Meaning::number, 0, 1, 0.5}},
       [](const Values& v) { return Augmenter(HorizontalFlip{v[0].low}); }},
      {"vflip",
       "exchanges top and bottom, in half of the images or with the probability P",
       "vflip=1",
       {{"p", Meaning::number, 0, 1, 0.5}},
       [](const Values& v) { return Augmenter(VerticalFlip{v[0].low}); }},
      {"rotate",
       "rotates counter-clockwise, by whole turns; outside is the mirror image, together with crop it is black",
       "rotate=0.2",
       {{"turns", Meaning::plus_minus, -1, 1, 0., "in whole turns; for degrees affine=25"}},
       [](const Values& v) {
         return Augmenter(FlipRotateShift{false, v[0]});
       },
       true},
      {"crop",
       "shifts by whole pixels, at most P in each direction; black comes in from outside",
       "crop=16",
       {{"pixels", Meaning::whole, 0, 64, 0.}},
       [](const Values& v) {
         return Augmenter(FlipRotateShift{false, 0., int(v[0].low)});
       },
       true},
      {"resized-crop",
       "enlarges a part of the image to all of it: the part of the area, and width / height",
       "resized-crop=0.2..0.6",
       {{"scale", Meaning::at_least, 0.01, 1, {0.08, 1}}, {"ratio", Meaning::exactly, 0.1, 10, {3. / 4, 4. / 3}}},
       [](const Values& v) {
         return Augmenter(RandomResizedCrop{0, 0, v[0], v[1]});
       }},
      {"affine",
       "rotates clockwise and shears (degrees), scales and translates (parts of the sides); black outside",
       "affine=25/scale:0.3",
       {{"rotate", Meaning::plus_minus, -360, 360, 0., "in degrees"},
        {"scale", Meaning::factor, 0.1, 10, 1.},
        {"scale-x", Meaning::factor, 0.1, 10, 1.},
        {"scale-y", Meaning::factor, 0.1, 10, 1.},
        {"translate", Meaning::plus_minus, -1, 1, 0.},
        {"shear", Meaning::plus_minus, -89, 89, 0., "in degrees"},
        {"shear-y", Meaning::plus_minus, -89, 89, 0., "in degrees"}},
       [](const Values& v) {
         return Augmenter(Affine{v[1], v[2], v[3], v[4], v[4], v[0], v[5], v[6]});
       },
       true},
      {"perspective",
       "looks from a side: how far the corners move inwards, as a part of the sides",
       "perspective=0.15",
       {{"scale", Meaning::up_to, 0, 1, {0, 0.06}}},
       [](const Values& v) { return Augmenter(PerspectiveTransform{v[0]}); }},
      {"crop-pad",
       "crops (negative) or pads with black (positive) each side, by a part of it and by pixels",
       "crop-pad=0.2",
       {{"part", Meaning::plus_minus, -1, 1, 0.}, {"pixels", Meaning::plus_minus, -1024, 1024, 0.}},
       [](const Values& v) {
         return Augmenter(CropAndPad{v[0], v[1]});
       },
       true},
      {"elastic",
       "bends the image: displacements of ALPHA pixels, smoothed with a Gaussian of SIGMA pixels",
       "elastic=100..150",
       {{"alpha", Meaning::up_to, 0, 1000, 25.}, {"sigma", Meaning::exactly, 1, 100, 5.}},
       [](const Values& v) {
         return Augmenter(ElasticTransform{v[0], v[1]});
       }},
      // -- pixels --
      {"blur",
       "blurs with a Gaussian of this standard deviation in pixels",
       "blur=2..4",
       {{"sigma", Meaning::up_to, 0, 100, {0, 3}}},
       [](const Values& v) { return Augmenter(GaussianBlur{v[0]}); }},
      {"noise",
       "adds noise of this standard deviation in levels, the same to the three channels unless per-channel is 1",
       "noise=20..40",
       {{"scale", Meaning::up_to, 0, 255, {0, 15}}, {"per-channel", Meaning::whole, 0, 1, 0.}},
       [](const Values& v) {
         return Augmenter(AdditiveGaussianNoise{v[0], v[1].low > 0});
       }},
      {"linear-contrast",
       "multiplies the distance from level 127",
       "linear-contrast=0.6",
       {{"alpha", Meaning::factor, -10, 10, {0.6, 1.4}}},
       [](const Values& v) { return Augmenter(LinearContrast{v[0]}); }},
      {"sharpen",
       "blends with an image of the edges",
       "sharpen=0.5..1",
       {{"alpha", Meaning::up_to, 0, 1, {0, 0.2}}, {"lightness", Meaning::factor, 0, 10, {0.8, 1.2}}},
       [](const Values& v) {
         return Augmenter(Sharpen{v[0], v[1]});
       }},
      {"multiply",
       "multiplies all levels",
       "multiply=0.4..0.6",
       {{"factor", Meaning::factor, 0, 10, {0.8, 1.2}}},
       [](const Values& v) { return Augmenter(Multiply{v[0]}); }},
      {"add",
       "adds to all levels",
       "add=60",
       {{"value", Meaning::plus_minus, -255, 255, {-20, 20}}},
       [](const Values& v) { return Augmenter(Add{v[0]}); }},
      // -- colors and levels --
      {"jitter",
       "brightness, contrast and saturation by a factor each, and the hue by whole turns, in an order that is drawn",
       "jitter=0.6/hue:0.1",
       {{"factor", Meaning::factor, 0, 10, {0.6, 1.4}}, {"hue", Meaning::plus_minus, -0.5, 0.5, 0., "in whole turns"}},
       [](const Values& v) {
         return Augmenter(ColorJitter{v[0], v[0], v[0], v[1]});
       }},
      {"brightness",
       "multiplies all levels, rounded",
       "brightness=1.3..1.6",
       {{"factor", Meaning::factor, 0, 10, {0.6, 1.4}}},
       [](const Values& v) { return Augmenter(ColorJitter{v[0]}); }},
      {"contrast",
       "multiplies the distance from the image's mean gray",
       "contrast=1.5..2",
       {{"factor", Meaning::factor, 0, 10, {0.6, 1.4}}},
       [](const Values& v) {
         return Augmenter(ColorJitter{1., v[0]});
       }},
      {"saturation",
       "multiplies the distance from each color's gray",
       "saturation=1",
       {{"factor", Meaning::factor, 0, 10, {0.6, 1.4}}},
       [](const Values& v) {
         return Augmenter(ColorJitter{1., 1., v[0]});
       }},
      {"hue",
       "turns the circle of colors, by whole turns",
       "hue=0.5",
       {{"turns", Meaning::plus_minus, -0.5, 0.5, 0., "in whole turns"}},
       [](const Values& v) {
         return Augmenter(ColorJitter{1., 1., 1., v[0]});
       },
       true},
      {"gray", "takes the colors away", "gray", {}, [](const Values&) { return Augmenter(Grayscale{}); }},
      {"invert", "makes a negative", "invert", {}, [](const Values&) { return Augmenter(Invert{}); }},
      {"solarize",
       "inverts the levels from a threshold on",
       "solarize=60..100",
       {{"threshold", Meaning::exactly, 0, 256, 128}},
       [](const Values& v) { return Augmenter(Solarize{v[0]}); }},
      {"posterize",
       "keeps this many bits of each level",
       "posterize=1..3",
       {{"bits", Meaning::exactly, 1, 8, {4, 8}}},
       [](const Values& v) { return Augmenter(Posterize{v[0]}); }},
      {"autocontrast",
       "stretches the levels of each channel to 0..255",
       "autocontrast",
       {},
       [](const Values&) { return Augmenter(AutoContrast{}); }},
      {"equalize",
       "makes all levels of each channel equally frequent",
       "equalize",
       {},
       [](const Values&) { return Augmenter(Equalize{}); }},
      {"sharpness",
       "blends with a smoothed image, or away from it above 1",
       "sharpness=4..8",
       {{"factor", Meaning::factor, 0, 10, {0.1, 1.9}}},
       [](const Values& v) { return Augmenter(Sharpness{v[0]}); }},
      {"erase",
       "fills a rectangle with gray: its part of the area, and height / width; with noise where noise is 1",
       "erase=0.1..0.3",
       {{"scale", Meaning::up_to, 0, 1, {0.02, 0.33}},
        {"ratio", Meaning::exactly, 0.1, 10, {0.3, 3.3}},
        {"noise", Meaning::whole, 0, 1, 0.}},
       [](const Values& v) {
         return Augmenter(RandomErasing{1, v[0], v[1], {127, 127, 127}, v[2].low > 0});
       }},
      // -- policies --
      {"randaugment",
       "N operations that are drawn, of one magnitude (Cubuk et al. 2020)",
       "randaugment=magnitude:15",
       {{"n", Meaning::whole, 1, 10, 2}, {"magnitude", Meaning::number, 0, 30, 9}},
       [](const Values& v) {
         return Augmenter(RandAugment{int(v[0].low), v[1].low});
       }},
      {"trivialaugment",
       "one operation that is drawn, of any magnitude (Mueller and Hutter 2021)",
       "trivialaugment",
       {},
       [](const Values&) { return Augmenter(TrivialAugmentWide{}); }},
      {"autoaugment",
       "a pair of operations of a policy that was learned on CIFAR-10 or, with 1, ImageNet (Cubuk et al. 2019)",
       "autoaugment",
       {{"imagenet", Meaning::whole, 0, 1, 0.}},
       [](const Values& v) {
         return Augmenter(AutoAugment{v[0].low > 0 ? AutoAugmentPolicy::imagenet : AutoAugmentPolicy::cifar10});
       }},
  };
  return all;
}

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = {
      {"weak", "flip,affine=translate:0.125", "FixMatch's weak augmentation (Sohn et al. 2020)"},
      {"strong", "resized-crop=0.3,flip,jitter,randaugment,erase@0.25",
       "random resized crops, colors, RandAugment and random erasing"},
      {"lecture", "crop-pad=pixels:-16..-1,flip,blur=3", "the lecture's slide: crop by 1 to 16 pixels, flip, blur"},
  };
  return all;
}

const Row* find_row(const std::string& name) { return find(rows(), name); }
const Preset* find_preset(const std::string& name) { return find(presets(), name); }

}  // namespace counterpoise::augment
