// The colors and contours of a Surface (plot.h) as elements of SVG. Pure functions, safe to call from any thread.
#pragma once

#include <functional>
#include <string>

#include "apps/plots/plot.h"

namespace counterpoise::drawing {

// The pixel of a number on an axis.
using Place = std::function<double(double)>;

// Throws Error(failure) for a surface with less than two rows or columns, or numbers that cannot be drawn.
std::string surface_of(const Surface& surface, const Place& x, const Place& y);

}  // namespace counterpoise::drawing
