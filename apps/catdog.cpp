// catdog: the experiments of the lectures. It trains a classifier of cats and dogs on imbalanced data, of which there
// are synthetic ones where no others are given, and evaluates it. It has the commands of counterpoise, with the
// lectures' defaults.
//
//   ./apps/catdog --loss focal --gamma 2
//   ./apps/catdog eval --weights runs/a/best.safetensors
#include "apps/trainer/commands.h"

int main(int argc, char** argv) { return counterpoise::run_trainer("catdog", {/*lectures=*/true}, argc, argv); }
