#include "apps/loss_explorer/loss_walk.h"

#include <cmath>

#include "apps/loss_explorer/loss_at.h"
#include "apps/trainer/format.h"
#include "losses/metrics/posthoc.h"

namespace counterpoise {

namespace {

// The focal loss without class weights of a sample whose true class is predicted with probability p_t.
double loss_of(double gamma, double p_t) {
  Loss loss("focal", {{"gamma", gamma}, {"alpha", -1}});
  return loss_at(loss, logit(p_t), true).value;
}

std::string decimals(double value, int digits) { return formatted("%.*f", digits, value); }
double rounded(double value, double unit) { return std::round(value / unit) * unit; }

std::string truth_and_lie() {
  // The lecture prints the sums, not the outputs. These are the only outputs with one decimal, of three to fourteen
  // samples, that give all five sums to 0.001.
  const double easy[] = {0.7, 0.7, 0.8, 0.8, 0.8, 0.8, 0.8, 0.9, 0.9};
  const double lie = 0.7;
  const char* lecture[] = {"2.039", "0.458", "0.111", "0.028", "0.007"};
  double sums[5] = {}, sum_of_rounded = 0;
  std::string out =
      "From the lecture \"Imbalanced Data\" (Quang-Vinh Dinh, AI VIETNAM All-in-One Course 2024).\n\n"
      "Lie/truth classification: nine samples of class 1 with outputs 0.7 0.7 0.8 0.8 0.8 0.8 0.8 0.9 0.9 (nearly\n"
      "right), one sample of class 0 with output 0.7 (wrong: it should be 0). Sums of the focal loss\n"
      "-(1 - p_t)^gamma log p_t.\n\n"
      "  gamma   y = 1, nine easy    lecture   y = 0, one hard    lecture   hard / easy\n";
  for (const double p : easy) sum_of_rounded += rounded(loss_of(0, p), 0.001);
  for (int gamma = 0; gamma <= 4; ++gamma) {
    for (const double p : easy) sums[gamma] += loss_of(gamma, p);
    const double hard = loss_of(gamma, 1 - lie);
    out += formatted("  %5d   %16.5f   %8s   %15.5f   %8s   %11.2f\n", gamma, sums[gamma], lecture[gamma], hard,
                     gamma == 0 ? "1.204" : "", hard / sums[gamma]);
  }
  return out +
         "\nUnder cross-entropy (gamma 0) the nine easy samples dominate; from gamma 1 on the hard one does.\n"
         "  - The lecture prints the sums, not the outputs: these nine are inferred, and give all five sums.\n"
         "  - 2.039 there: terms rounded to three decimals add up to " +
         decimals(sum_of_rounded, 3) + ", the exact ones to " + decimals(sums[0], 5) +
         ".\n"
         "  - 0.007 there is truncated: " +
         decimals(sums[4], 5) + " rounds to " + decimals(sums[4], 3) +
         ". The sums for gamma 1 to 3 are rounded.\n"
         "  - Some of its slides call the loss P, P(y^) = -log y^; elsewhere P is the probability.\n";
}

std::string easy_and_hard() {
  const double many = 100000, few = 100;
  std::string out =
      "\nEasy and hard samples: 100,000 with p_t = 0.9 and 100 with p_t = 0.1.\n\n"
      "  loss                         easy, each   hard, each   easy, all   hard, all   easy : hard   lecture\n";
  const auto add = [&](const std::string& name, double easy, double hard, const char* lecture) {
    out += formatted("  %-26s   %10.4g   %10.4g   %9.2f   %9.2f   %11.2f%s%s\n", name.c_str(), easy, hard, many * easy,
                     few * hard, many * easy / (few * hard), *lecture ? "   " : "", lecture);
  };
  add("cross-entropy, one decimal", rounded(loss_of(0, 0.9), 0.1), rounded(loss_of(0, 0.1), 0.1),
      "10000 : 230, about 43");
  add("cross-entropy", loss_of(0, 0.9), loss_of(0, 0.1), "");
  for (const double gamma : {0.5, 1., 2., 5.}) {
    add(text("focal, gamma ", gamma), loss_of(gamma, 0.9), loss_of(gamma, 0.1), "");
  }
  return out +
         "\nUnder cross-entropy the easy samples dominate the sum; with gamma 2 the hundred hard ones do.\n"
         "  - The lecture's ratio comes from losses rounded to one decimal.\n";
}

}  // namespace

std::string loss_walk() { return truth_and_lie() + easy_and_hard(); }

}  // namespace counterpoise
