// Small JPEG images for pages. Safe to call from several threads.
#pragma once

#include <string>

#include "data/images/image.h"

namespace counterpoise::html_report {

// The image as a "data:" URI of a JPEG file of `size` x `size` pixels.
std::string thumbnail_uri(const Image& image, int size);

}  // namespace counterpoise::html_report
