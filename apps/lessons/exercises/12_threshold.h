// Exercise 12; 12_threshold.md describes it. Write the functions' bodies in place of the throw, then: make exercise
// N=12

// The probability of the positive class from which predicting positive costs less on average than predicting negative,
// if a missed positive costs cost_fn and a false alarm cost_fp.
double cost_threshold(double cost_fn, double cost_fp) {
  throw Unsolved{
      "predicting positive costs cost_fp if the sample is negative; where do both predictions cost the same?"};
}

// The true probability of the positive class at which a model says one half that was trained with the cross-entropy
// whose positive samples have the weight w.
double cut_after_weighting(double w) {
  throw Unsolved{"where is the expected weighted loss smallest, if a fraction q of the samples is positive?"};
}

// The logit z of a model that was trained with that weight, without the weight's effect.
double unweighted_logit(double z, double w) {
  throw Unsolved{"the odds p / (1 - p) of the weighted model are w times the true ones; a logit is the log of odds"};
}
