// Predictions from logits, and a report of their quality for each class, as scikit-learn prints it.
//
// Thread safety: these functions use no state of their own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/var.h"

namespace counterpoise {

// The predicted class of each sample. Logits [N] or [N, 1]: 1, the positive class, where z >= threshold, else 0; NaN is
// never predicted positive. Logits [N, K]: the class with the largest logit, the first of equals, whatever the
// threshold. Throws for other shapes.
std::vector<int32_t> predict(const Var& logits, double threshold = 0);

// Precision, recall, F1 and support (number of samples) of each class, the accuracy, and the averages over the classes:
// unweighted (macro) and weighted by support.
//
//   classification_report({0, 0, 0, 0, 0, 0, 0, 0, 1, 1}, {0, 0, 0, 0, 0, 0, 0, 1, 0, 1}, {"dog", "cat"})
//
//                 precision    recall  f1-score   support
//
//            dog       0.88      0.88      0.88         8
//            cat       0.50      0.50      0.50         2
//
//       accuracy                           0.80        10
//      macro avg       0.69      0.69      0.69        10
//   weighted avg       0.80      0.80      0.80        10
//
// Classes are 0 to K - 1; names has K entries, or none: then K is one more than the largest class, and classes are
// called by their numbers. The text is that of scikit-learn's classification_report(labels=range(K), zero_division=0).
// Throws for no samples, for lists of different lengths, for a class that is none of the K, and for digits < 0.
std::string classification_report(const std::vector<int32_t>& classes_true, const std::vector<int32_t>& predicted,
                                  const std::vector<std::string>& names = {}, int digits = 2);

}  // namespace counterpoise
