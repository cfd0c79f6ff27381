// Wrong solutions of exercise 14: 1 plain training, 2 class weights the wrong way round, 3 undersampling to four
// images.

Technique technique(const std::vector<int64_t>& counts) {
  Technique t;
  if (MUTANT == 2) {
    const std::vector<double> w = balanced_weights(counts);
    t.class_weights = {w[1], w[0]};
  }
  if (MUTANT == 3) t.images = {2, 2};
  return t;
}
