// The check of exercise 12: the costs of both predictions beside the threshold; and the minimum of the expected
// weighted loss, found by bisection.

// The logit with the smallest expected loss, where a fraction q of the samples is positive and has the weight w. The
// slope of the loss grows with the logit.
double best_logit(double q, double w) {
  const auto loss = [&](double z) { return w * q * std::log1p(std::exp(-z)) + (1 - q) * std::log1p(std::exp(z)); };
  double low = -20, high = 20;
  for (int i = 0; i < 40; ++i) {
    const double z = (low + high) / 2, h = 1e-4;
    (loss(z + h) < loss(z - h) ? low : high) = z;
  }
  return (low + high) / 2;
}

void check(Checker& c) {
  for (int trial = 0; trial < 50; ++trial) {
    const double fn = c.whole(1, 400) / 10., fp = c.whole(1, 400) / 10., t = cost_threshold(fn, fp);
    const std::string costs =
        "if a miss costs " + std::to_string(fn) + " and a false alarm " + std::to_string(fp) + ", ";
    c.expect(t > 0 && t < 1, costs + "the threshold should be between 0 and 1, but is " + std::to_string(t));
    // The mean costs of predicting positive less those of predicting negative.
    const auto difference = [&](double p) { return (1 - p) * fp - p * fn; };
    c.expect(difference(t + 1e-9) <= 0,
             costs + "predicting positive is still more expensive above the threshold " + std::to_string(t));
    c.expect(difference(t - 1e-9) >= 0,
             costs + "predicting positive is cheaper already below the threshold " + std::to_string(t));
  }
  for (int trial = 0; trial < 50; ++trial) {
    const double w = std::exp(1.5 * c.normal()), q = 1 / (1 + std::exp(-2 * c.normal()));
    const std::string weighted = "with the weight " + std::to_string(w) + ", ";
    const double cut = cut_after_weighting(w);
    c.expect(cut > 0 && cut < 1, weighted + "the cut should be between 0 and 1, but is " + std::to_string(cut));
    c.near(best_logit(cut, w), 0, 1e-5,
           weighted + "the model's logit where the true probability is " + std::to_string(cut));
    c.near(unweighted_logit(best_logit(q, w), w), std::log(q / (1 - q)), 1e-5,
           weighted + "the logit without it, where the true probability is " + std::to_string(q) + ",");
  }
}
