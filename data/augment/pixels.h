// Changes of the pixels of an image in their places, as imgaug 0.4.0 defines them. What is marked on the image stays.
//
// Levels are 0 to 255; results are clamped to that range. Each function changes the image in place, gives the same bits
// for every number of threads, is safe to call from any thread on images of its own, and throws Error(invalid_argument)
// for a parameter out of its range or not finite.
#pragma once

#include <array>
#include <vector>

#include "core/random.h"
#include "data/images/image.h"
#include "kernels/image_transform.h"

namespace counterpoise::augment {

// The weights of a Gaussian of the standard deviation sigma > 0 at the distances 0, 1, ..., radius, in pixels. Those of
// all 2 radius + 1 pixels sum to 1.
std::vector<float> gaussian_weights(double sigma, int radius);

// Convolves with a Gaussian of the standard deviation sigma, in pixels. The kernel has at least 5 x 5 pixels, and spans
// about 3.3 sigma in all below sigma = 3, 2.9 below 5, 2.6 above, which is tighter than usual. Outside the image is its
// mirror image (Border::reflect_101). sigma = 0 changes nothing. 0 <= sigma <= 1000.
void gaussian_blur(Image& image, double sigma);

// Adds to each pixel a number from the normal distribution with mean 0 and the standard deviation `scale`, rounded; the
// same to its three channels unless `per_channel`. Takes two numbers from `rng`. 0 <= scale <= 1000.
void additive_gaussian_noise(Image& image, double scale, bool per_channel, Random& rng);

// 127 + alpha (v - 127), rounded down. -1000 <= alpha <= 1000.
void linear_contrast(Image& image, double alpha);

// A convolution with (1 - alpha) times the identity plus alpha times the kernel of 3 x 3 pixels that has 8 + lightness
// in the middle and -1 around. With lightness 1 the mean brightness stays. 0 <= alpha <= 1, 0 <= lightness <= 1000.
void sharpen(Image& image, double alpha, double lightness);

// v * factor, rounded down. 0 <= factor <= 1000.
void multiply(Image& image, double factor);
// v + value, which is rounded. -1000 <= value <= 1000.
void add(Image& image, double value);

// The formulas of kernels/color.h, one after the other without rounding in between, as torchvision does it with floats.
// Throws Error(invalid_argument) for a hue that is turned by more than half a turn, or a number that is not finite.
void change_colors(Image& image, const std::vector<ColorChange>& changes);

// Levels as a network sees them: out[height, width, 3] = (v / 255 - mean) / deviation, channel by channel.
void normalize(const Image& image, const std::array<double, 3>& mean, const std::array<double, 3>& deviation,
               float* out);

// Fills a rectangle as far as it is in the image.
void fill_rectangle(Image& image, const ImageTransform::Rectangle& rectangle);

}  // namespace counterpoise::augment
