#include "apps/loss_explorer/loss_walk.h"

#include <cmath>
#include <vector>

#include "apps/loss_explorer/loss_at.h"
#include "apps/trainer/format.h"
#include "losses/metrics/posthoc.h"

namespace counterpoise {

namespace {

// The focal loss without class weights of a sample whose true class is predicted with probability p_t, and the
// absolute value of its gradient on the logit.
LossAt focal_of(double gamma, double p_t) {
  Loss loss("focal", {{"gamma", gamma}, {"alpha", -1}});
  const LossAt at = loss_at(loss, logit(p_t), true);
  return {at.value, std::fabs(at.gradient)};
}
double loss_of(double gamma, double p_t) { return focal_of(gamma, p_t).value; }

std::string decimals(double value, int digits) { return formatted("%.*f", digits, value); }
double rounded(double value, double unit) { return std::round(value / unit) * unit; }

// One of the contexts in which the slides look at the same ten samples: nine of class 1 and one of class 0.
struct Context {
  const char* title;
  const char* origin;  // of the outputs
  std::vector<double> ones;
  double zero;
  const char* lesson;
};

// The lecture prints two sums in the last context, and no outputs. These are the only ones with one decimal, of three
// to fourteen samples, that give all five of its sums to 0.001. The other contexts are ours, made to its titles.
const std::vector<Context>& contexts() {
  static const std::vector<Context> all = {
      {"Classification begins",
       "outputs and sums are ours",
       {.5, .5, .5, .5, .5, .5, .5, .5, .5},
       .5,
       "All samples weigh the same, and nine pull the outputs up where one pulls them down."},
      {"After a period of time",
       "outputs and sums are ours",
       {.6, .6, .7, .7, .7, .7, .7, .8, .8},
       .6,
       "All outputs have risen, that of class 0 as well: it is wrong now, and class 1 still makes most of the loss."},
      {"A special context",
       "outputs and sums are ours",
       {.9, .9, .9, .9, .9, .9, .9, .9, .9},
       .6,
       "Both classes have nearly the same sum, though one is learned and the other is wrong."},
      {"A more severe context",
       "sums of the lecture, outputs inferred from them",
       {.7, .7, .8, .8, .8, .8, .8, .9, .9},
       .7,
       "The nine easy samples outweigh the one that is wrong."},
  };
  return all;
}

std::string outputs_text(const Context& c) {
  std::string out;
  for (const double p : c.ones) out += formatted(" %.1f", p);
  return "class 1:" + out + "   class 0: " + decimals(c.zero, 1);
}

std::string four_contexts() {
  // Class weights N / (2 N_c) of ten samples.
  const double weight1 = 10. / (2 * 9), weight0 = 10. / 2;
  std::string out =
      "From the lecture \"Imbalanced Data\" (Quang-Vinh Dinh, AI VIETNAM All-in-One Course 2024).\n\n"
      "Lie/truth classification: two classes, 1 and 0. There are nine samples of class 1 and one of class 0. The "
      "output\n"
      "is the probability of class 1. The slides look at the loss in four contexts, and print sums in the fourth "
      "alone.\n"
      "The signal of a class is the sum of the absolute gradients on its logits: how hard it pulls.\n";
  int number = 0;
  for (const Context& c : contexts()) {
    out += formatted("\n%d. %s (%s)\n   %s\n\n", ++number, c.title, c.origin, outputs_text(c).c_str());
    out +=
        "                                        loss                           signal\n"
        "                                       y = 1     y = 0   of y = 0       y = 1     y = 0   of y = 0\n";
    const auto add = [&](const std::string& name, double gamma, double w1, double w0) {
      LossAt ones = {0, 0}, zero = focal_of(gamma, 1 - c.zero);
      for (const double p : c.ones) {
        const LossAt at = focal_of(gamma, p);
        ones.value += w1 * at.value, ones.gradient += w1 * at.gradient;
      }
      zero.value *= w0, zero.gradient *= w0;
      out += formatted("   %-30s %10.3f %9.3f %9.0f%% %11.3f %9.3f %9.0f%%\n", name.c_str(), ones.value, zero.value,
                       100 * zero.value / (ones.value + zero.value), ones.gradient, zero.gradient,
                       100 * zero.gradient / (ones.gradient + zero.gradient));
    };
    add("cross-entropy", 0, 1, 1);
    add(formatted("class weights %.2f and %.0f", weight1, weight0), 0, weight1, weight0);
    add("focal, gamma 2", 2, 1, 1);
    add("focal, gamma 2, class weights", 2, weight1, weight0);
    out += std::string("   ") + c.lesson + "\n";
  }
  return out +
         "\n  - Class weights N / (2 N_c) give both classes the same sum when all samples are equally hard, as at the\n"
         "    beginning; later they give it to whichever class is wrong, and the factor stays the same.\n"
         "  - The focal loss leaves the beginning as it is, since all samples are equally hard, and acts when the\n"
         "    samples of class 1 are easy. Alone it does not balance classes that are equally hard.\n";
}

std::string applied_to_the_problem() {
  const Context& c = contexts().back();
  const char* lecture[] = {"2.039", "0.458", "0.111", "0.028", "0.007"};
  double sums[5] = {}, sum_of_rounded = 0;
  std::string out =
      "\nThe focal loss -(1 - p_t)^gamma log p_t in the fourth context.\n\n"
      "  gamma   y = 1, nine easy    lecture   y = 0, one hard    lecture   hard / easy\n";
  for (const double p : c.ones) sum_of_rounded += rounded(loss_of(0, p), 0.001);
  for (int gamma = 0; gamma <= 4; ++gamma) {
    for (const double p : c.ones) sums[gamma] += loss_of(gamma, p);
    const double hard = loss_of(gamma, 1 - c.zero);
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

std::string loss_walk() { return four_contexts() + applied_to_the_problem() + easy_and_hard(); }

}  // namespace counterpoise
