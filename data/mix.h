// Mixing: training on mixtures of two samples. A network that has seen what lies between the classes is less
// overconfident, and with few samples of a class each of them makes many mixtures. A DataLoader does it:
//
//   DataLoader loader(images, {.mix = parse_mix("mixup=0.2")});
//   for (const Batch& batch : loader)
//     loss.mixed(z, labels, make_labels(backend, batch.mixed->other, positive), batch.mixed->own_weight).backward();
//
// Everything here is safe to call from several threads.
#pragma once

#include <string>
#include <vector>

#include "core/random.h"
#include "core/tensor.h"

namespace counterpoise {

struct Mix {
  // With lambda drawn from Beta(alpha, alpha) once per batch, and a partner j in the batch for every image i:
  //   mixup   lambda x_i + (1 - lambda) x_j, and the labels alike (Zhang et al. 2018, arXiv:1710.09412)
  //   cutmix  x_i with a box of x_j pasted in, whose sides are sqrt(1 - lambda) of the image's; labels in proportion
  //           to the areas (Yun et al. 2019, arXiv:1905.04899)
  //   remix   images as in mixup, but where one class has at least kappa times as many training images as the
  //           other, and makes up less than tau of the mixture, the label is the rarer class's alone (Chou et al.
  //           2020, arXiv:2007.03943)
  enum Kind { none, mixup, cutmix, remix } kind = none;
  double alpha = 1;
  double kappa = 3, tau = 0.5;  // of remix
};

// "none", "mixup=ALPHA", "cutmix=ALPHA", "remix=ALPHA" or "remix=ALPHA,kappa=K,tau=T", with alpha > 0. Throws
// Error(invalid_argument), which lists them, for anything else.
Mix parse_mix(const std::string& description);
// The shortest text that parse_mix() reads as the same Mix.
std::string to_string(const Mix& mix);

// The label of sample i has the weight own_weight[i], and other[i] the rest.
struct MixedLabels {
  std::vector<int32_t> other;
  std::vector<float> own_weight;
};

// What was drawn for a batch: the partner of each image, and how much of an image stays its own: the same share
// everywhere or, where a box is pasted, all but the box.
struct MixPlan {
  std::vector<size_t> partner;
  double own = 1;
  bool pastes = false;
  int top = 0, bottom = 0, left = 0, right = 0;  // rows and columns of the box, the second of each not included
};
// Draws the partners and lambda for a batch of `images` images of size x size pixels.
MixPlan plan_mix(const Mix& mix, Random& rng, size_t images, int size);
// The labels of the mixtures; `counts` are the training samples of each class, for remix.
MixedLabels mix_labels(const Mix& mix, const MixPlan& plan, const std::vector<int32_t>& labels,
                       const std::vector<int64_t>& counts);
// The samples x [N, ...] mixed with their partners', on any backend; where boxes are pasted they are images
// [N, size, size, 3].
Tensor mix_tensors(const MixPlan& plan, const Tensor& own, const Tensor& partners);

// A random number with the distribution Beta(alpha, alpha): symmetric about 1/2, uniform for alpha = 1, concentrated
// near 0 and 1 for alpha < 1. Throws unless alpha > 0.
double beta_variate(double alpha, Random& rng);

// Remix's weight of the first label, for the classes' numbers of training images and a share lambda of the first
// image.
double remix_weight(const Mix& mix, double lambda, int64_t first, int64_t second);

}  // namespace counterpoise
