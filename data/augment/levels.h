// Changes of the levels of an image, as Pillow's ImageOps and ImageEnhance and torchvision define them: what the
// policies of AutoAugment and its successors are made of.
//
//   Image photo = decode_image("cat.jpg");
//   augment::auto_contrast(photo);
//   augment::adjust_sharpness(photo, 1.8);
//
// Levels are 0 to 255. Each function changes the image in place, gives the same bits for every number of threads, is
// safe to call from any thread on images of its own, and throws Error(invalid_argument) for a parameter out of its
// range or not finite. What Pillow and torchvision make of an image differs by one level at most.
#pragma once

#include "data/images/image.h"

namespace counterpoise::augment {

// Keeps the highest bits of each level and clears the others, so that 2^bits levels are left. 0 <= bits <= 8.
void posterize(Image& image, int bits);

// Stretches each channel, (v - low) 255 / (high - low) rounded down, so that its lowest level becomes 0 and its highest
// 255. A channel of one level stays.
void auto_contrast(Image& image);

// Equalizes the histogram of each channel: a level becomes (n + s / 2) / s rounded down, where n pixels of the channel
// are lower and s is a 255th of those that are lower than its highest. A channel with less than 255 of these stays.
void equalize(Image& image);

// Moves away from a smoothed image, smooth + factor (v - smooth), rounded down: 0 smooths, 1 changes nothing, 2
// sharpens. The smooth image is the mean of 3 x 3 pixels, of which the middle counts five times, rounded; the outermost
// pixels stay. 0 <= factor <= 1000.
void adjust_sharpness(Image& image, double factor);

}  // namespace counterpoise::augment
