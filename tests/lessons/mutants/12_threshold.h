// Wrong solutions of exercise 12: 1 the costs are exchanged, 2 the cut is one by w, 3 the sign of the shift.

double cost_threshold(double cost_fn, double cost_fp) {
  return (MUTANT == 1 ? cost_fn : cost_fp) / (cost_fn + cost_fp);
}

double cut_after_weighting(double w) { return MUTANT == 2 ? 1 / w : 1 / (1 + w); }

double unweighted_logit(double z, double w) { return MUTANT == 3 ? z + std::log(w) : z - std::log(w); }
