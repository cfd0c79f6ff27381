// losses: lists, evaluates and plots the losses, and recomputes the lectures' numbers.
//
//   ./apps/losses eval focal --gamma 2 --alpha none --logits '-1;2' --labels 1,0
//   ./apps/losses curves
#include "apps/loss_explorer/losses_command.h"

int main(int argc, char** argv) {
  return counterpoise::run_program("losses", [&] { return counterpoise::losses_command(argc, argv); });
}
