// The geometry of boxes, polygons and line strings: area, winding, envelope, and what of them lies in an image.
//
// All functions are pure and safe to call from any thread.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "data/augment/annotations.h"

namespace counterpoise::augment {

// Half the sum of x_i y_i+1 - x_i+1 y_i, the shoelace formula. Positive where the points run clockwise as seen on the
// screen, since y points downwards; mirroring a polygon changes the sign.
double signed_area(const Polygon& polygon);

// Never negative. Of a polygon that crosses itself, the parts are counted with the sign of their winding.
double area(const Polygon& polygon);
double area(const Box& box);
bool clockwise(const Polygon& polygon);
double length(const LineString& line);

// The smallest box around points. Throws Error(failure) for none.
Box envelope(const std::vector<Point>& points);
// A box's corners, clockwise from the upper left.
std::vector<Point> corners(const Box& box);

bool contains(Size image, Point p);
bool contains(const Box& box, Point p);  // edges included
// An odd number of edges is crossed on the way out. Points exactly on an edge may be in or out.
bool contains(const Polygon& polygon, Point p);

// The part of the line from a to b that lies in a box, from 0 at a to 1 at b; first above second where none does. Liang
// and Barsky 1984.
std::pair<double, double> part_within(const Box& box, Point a, Point b);

// The part of a target within the image, nothing where that has no area or length.

std::optional<Box> clipped(const Box& box, Size image);
// Sutherland and Hodgman 1974. The parts of a polygon that is cut into several stay connected along the edge of the
// image; the area is that of the parts.
std::optional<Polygon> clipped(const Polygon& polygon, Size image);
// One line string for each time that it crosses the image.
std::vector<LineString> clipped(const LineString& line, Size image);

// Of a closed polygon's points, the polygon of those with a x + b y + c >= 0.
std::vector<Point> half_plane(const std::vector<Point>& points, double a, double b, double c);

// A segmentation map in which the pixels whose centers a polygon contains have the label.
SegmentationMap mask_of(const Polygon& polygon, Size image, int32_t label = 1);

}  // namespace counterpoise::augment
