// What the library has for exercise 12: the shift of logits between priors. The weight w acts as if of w + 1 samples w
// were positive, where one in two is.

double unweighted_logit(double z, double w) { return z - prior_shift(w / (1 + w), 0.5); }

double cut_after_weighting(double w) { return probability(unweighted_logit(0, w)); }

double cost_threshold(double cost_fn, double cost_fp) { return cut_after_weighting(cost_fn / cost_fp); }
