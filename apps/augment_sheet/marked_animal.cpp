#include "apps/augment_sheet/marked_animal.h"

#include <cmath>

#include "data/augment/geometry.h"
#include "data/augment/transform.h"

namespace counterpoise {

using namespace augment;

namespace {

// One of the synthetic images, and what was marked on it by hand, in parts of the image's side.
struct Marks {
  uint64_t index;  // of seed 1
  Point left_eye, right_eye, nose;
  std::vector<Point> head;
  LineString line;
};

const Marks cat = {12,
                   {.37, .50},
                   {.58, .46},
                   {.49, .61},
                   {{.25, .09},
                    {.38, .27},
                    {.52, .25},
                    {.62, .03},
                    {.71, .40},
                    {.74, .58},
                    {.65, .77},
                    {.50, .81},
                    {.33, .72},
                    {.25, .55},
                    {.26, .40}},
                   {{{.18, .60}, {.45, .68}, {.55, .68}, {.80, .70}}, "whiskers"}};

const Marks dog = {
    1,
    {.336, .539},
    {.534, .469},
    {.452, .633},
    {{.227, .266}, {.305, .242}, {.370, .201}, {.480, .193}, {.513, .159}, {.565, .159}, {.669, .216}, {.760, .359},
     {.826, .490}, {.849, .581}, {.826, .609}, {.773, .600}, {.708, .490}, {.695, .581}, {.663, .711}, {.617, .763},
     {.604, .828}, {.552, .874}, {.487, .887}, {.415, .854}, {.383, .802}, {.363, .750}, {.311, .704}, {.302, .763},
     {.272, .799}, {.227, .786}, {.203, .724}, {.168, .581}, {.152, .398}, {.164, .327}},
    {{{.398, .779}, {.435, .811}, {.479, .792}, {.495, .753}, {.516, .781}, {.552, .781}, {.582, .737}}, "mouth"}};

}  // namespace

Annotated marked_animal(Animal animal, int side) {
  const Marks& marks = animal == Animal::cat ? cat : dog;
  const Transform to_pixels = scaling(side, side);
  Annotated y;
  y.image = {side, side, draw_animal(animal, side, /*seed=*/1, marks.index)};
  y.polygons = {*moved(to_pixels, Polygon{marks.head, "head"})};
  y.boxes = {envelope(y.polygons[0].points)};
  y.boxes[0].label = animal == Animal::cat ? "cat" : "dog";
  y.lines = moved(to_pixels, marks.line);
  y.keypoints = {{*moved(to_pixels, marks.left_eye), "left eye"},
                 {*moved(to_pixels, marks.right_eye), "right eye"},
                 {*moved(to_pixels, marks.nose), "nose"}};
  y.segmentation_maps = {mask_of(y.polygons[0], y.size())};
  const int half = side / 2;
  HeatMap near{half, half, {}, "near the nose"};
  const Point nose = y.keypoints[2].at;
  for (int i = 0; i < half; ++i) {
    for (int j = 0; j < half; ++j) {
      const double dx = (j + 0.5) * side / half - nose.x, dy = (i + 0.5) * side / half - nose.y;
      near.values.push_back(float(std::exp(-(dx * dx + dy * dy) / (0.02 * side * side))));
    }
  }
  y.heat_maps = {near};
  return y;
}

}  // namespace counterpoise
