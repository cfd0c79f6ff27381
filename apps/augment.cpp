// augment: shows what augmentation does to an image and to everything that is marked on it.
//
//   ./apps/augment cat.jpg --augment resized-crop=0.3..1,flip,blur=3@0.5 -o sheet.png
//   ./apps/augment --gallery lecture -o gallery.png
#include "apps/augment_sheet/augment_command.h"

int main(int argc, char** argv) {
  return counterpoise::run_program("augment", [&] { return counterpoise::augment_command(argc, argv); });
}
