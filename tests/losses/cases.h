// What the tests of losses share: every row of the registry in each of its forms.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "losses/loss.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/support.h"

namespace counterpoise {

using List = std::vector<double>;
using Counts = std::vector<int64_t>;

inline List values(const Var& x) { return numbers(x.value()); }

// A row in one of its forms, with values for some of its parameters.
struct Case {
  const LossInfo* info;
  LossInfo::Outputs form;
  LossParams given;

  Index classes() const { return form == LossInfo::one_logit ? 2 : 3; }
  Shape shape(Index N) const { return form == LossInfo::one_logit ? Shape{N} : Shape{N, 3}; }
  Counts counts() const { return form == LossInfo::one_logit ? Counts{30, 5} : Counts{30, 5, 12}; }
  List weights() const { return form == LossInfo::one_logit ? List{0.5, 3} : List{0.5, 3, 1.25}; }
  Loss loss(const LossOptions& options = {}) const {
    LossOptions all = options;
    if (all.counts.empty()) all.counts = counts();
    return Loss(resolve(*info, form, given), all);
  }
  std::string str() const {
    std::string y = info->name + (form == LossInfo::one_logit ? ", one logit" : ", a logit per class");
    for (const auto& [name, value] : given) y += detail::text(" ", name, "=", value);
    return y;
  }
};

// Every row in every form: with its defaults, and with each parameter at its bounds, between them, and as its word.
inline std::vector<Case> cases() {
  std::vector<Case> all;
  for (const LossInfo& info : losses()) {
    for (const LossInfo::Outputs form : {LossInfo::one_logit, LossInfo::logit_per_class}) {
      if (!(info.outputs & form)) continue;
      all.push_back({&info, form, {}});
      for (const LossParam& p : info.params) {
        if (p.forms == LossParam::binary && form != LossInfo::one_logit) continue;
        if (p.forms == LossParam::multiclass && form == LossInfo::one_logit) continue;
        List candidates = {p.low, p.low + 0.3 * (std::min(p.high, 5.) - p.low), p.high};
        if (p.whole) candidates[1] = std::ceil(candidates[1]);
        if (!p.word.empty()) candidates.push_back(-1);
        for (const double value : candidates) all.push_back({&info, form, {{p.name, value}}});
      }
    }
  }
  return all;
}

}  // namespace counterpoise
