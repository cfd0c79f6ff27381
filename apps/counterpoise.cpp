// counterpoise: trains classifiers of any images, of which some classes may be rare, and everything around it.
//
//   ./apps/counterpoise train --data DIR --loss focal --gamma 2
//   ./apps/counterpoise eval --weights runs/a/best.safetensors --data DIR
#include "apps/trainer/commands.h"

int main(int argc, char** argv) { return counterpoise::run_trainer("counterpoise", {/*lectures=*/false}, argc, argv); }
